"""Boxes of others: three formats, faults named by line, matched to pictures and videos."""

from __future__ import annotations

import json

import pytest

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.foreign import read_boxes
from qaconv_core.detection.job import detect_people
from qaconv_core.detection.sources import find_sources
from qaconv_core.errors import InputError
from tests.core.detection.made import save, write_video
from tests.core.detection.test_job import rows_of


@pytest.fixture
def sources(tmp_path):
    for name in ("cam1/000001.png", "cam2/000002.png"):
        save(tmp_path / "in" / name, [(20, 40, 30, 90, "red")])
    return find_sources([tmp_path / "in"])[0]


def write(tmp_path, text, name="b.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_our_own_table_and_others_columns_are_read(tmp_path, sources):
    own = "file,frame,time,x,y,w,h,score,track\ncam1/000001.png,0,,20.0,40,30,90,0.9,4\n"
    other = "image;x1;y1;x2;y2;confidence\n000001.png;20;40;50;130;0.9\n"
    for text, track in ((own, 4), (other, None)):
        given = read_boxes(write(tmp_path, text))
        assert given.match(sources) == []
        (box,) = given.on("cam1/000001.png", 0, 320, 240)
        assert box == PersonBox(20, 40, 30, 90, 0.9, track)


def test_mot_lines_belong_to_numbered_pictures_or_one_video(tmp_path, sources):
    path = write(tmp_path, "1,3,20,40,30,90,0.5,-1,-1,-1\n2,-1,10,20,30,400,7\n", "det.txt")
    given = read_boxes(path)
    given.match(sources)
    assert given.on("cam1/000001.png", 0, 320, 240) == [PersonBox(20, 40, 30, 90, 0.5, 3)]
    assert given.on("cam2/000002.png", 0, 320, 240) == [PersonBox(10, 20, 30, 220, None, None)]
    video = write_video(tmp_path / "v.avi", frames=6)
    given.match(find_sources([video])[0])
    assert given.frames_of("v.avi") == {0, 1}
    with pytest.raises(InputError, match="one video it belongs to"):
        given.match(find_sources([video, tmp_path / "in"])[0])


def test_what_mot_truth_says_not_to_count_is_left_out(tmp_path):
    path = write(tmp_path, "1,1,5,5,9,9,0,1,1\n1,2,5,5,9,9,1,1,1\n1,3,5,5,9,9,1,3,1\n", "gt.txt")
    assert len(read_boxes(path)) == 1


def test_coco_takes_persons_alone(tmp_path, sources):
    notes = [
        {"image_id": 5, "category_id": 1, "bbox": [20, 40, 30, 90], "score": 0.7},
        {"image_id": 5, "category_id": 3, "bbox": [0, 0, 30, 90]},
    ]
    value = {
        "images": [{"id": 5, "file_name": "cam2/000002.png"}],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
        "annotations": notes,
    }
    given = read_boxes(write(tmp_path, json.dumps(value), "b.json"))
    given.match(sources)
    assert given.on("cam2/000002.png", 0, 320, 240) == [PersonBox(20, 40, 30, 90, 0.7)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no boxes"),
        ("file,x,y\na.png,1,2\n", "no column w, h"),
        ("file,x,y,w,h\na.png,1,2,3,many\n", "line 2: “many” is no number"),
        ("file,x,y,w,h\na.png,1,2,0,5\n", "line 2: .* is no box"),
        ("file,x,y,w,h\na.png,nan,2,4,5\n", "line 2"),
        ('{"images": 3}', "not COCO"),
        ("[1, 2]", "an object with images and annotations"),
        ('{"images": [], "annotations": [{"image_id": 7, "bbox": [1, 1, 2, 2]}]}', "image_id 7"),
        ("{", "JSON"),
    ],
)
def test_faults_are_named_in_one_line(tmp_path, text, fault):
    with pytest.raises(InputError, match=fault) as caught:
        read_boxes(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_boxes_of_other_pictures_are_said(tmp_path, sources):
    given = read_boxes(write(tmp_path, "file,x,y,w,h\nz.png,1,2,3,4\n000001.png,1,2,30,40\n"))
    assert given.match(sources) == ["z.png"]
    with pytest.raises(InputError, match="none of its files"):
        read_boxes(write(tmp_path, "file,x,y,w,h\nz.png,1,2,3,4\n")).match(sources)


def test_given_boxes_of_a_video_keep_their_tracks(tmp_path):
    video = write_video(tmp_path / "v.avi", frames=8)
    path = write(tmp_path, "2,9,10,60,24,72,1\n5,9,30,60,24,72,1\n5,4,30,60,24,72,1\n", "det.txt")
    given = read_boxes(path)
    given.match(find_sources([video])[0])
    detect_people([video], tmp_path / "out", given)
    rows = rows_of(tmp_path / "out" / "boxes.csv")
    assert [(row["frame"], row["track"]) for row in rows] == [("1", "1"), ("4", "1"), ("4", "2")]


CVAT_IMAGES = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <image id="0" name="cam1/000001.png" width="320" height="240">
    <box label="Person" source="manual" occluded="0" xtl="20.0" ytl="40" xbr="50" ybr="130"/>
    <box label="car" xtl="1" ytl="1" xbr="90" ybr="60"><attribute name="id">3</attribute></box>
  </image>
  <image id="1" name="cam3/000009.png" width="320" height="240">
    <box label="person" xtl="5" ytl="5" xbr="25" ybr="65"></box>
  </image>
</annotations>
"""
CVAT_TRACKS = """<annotations><meta><task><name>t</name></task><source>v.avi</source></meta>
<track id="7" label="pedestrian" source="manual">
<box frame="0" outside="0" xtl="10" ytl="20" xbr="40" ybr="110"/>
<box frame="2" outside="1" xtl="10" ytl="20" xbr="40" ybr="110"/></track>
<track id="8" label="dog"><box frame="1" outside="0" xtl="1" ytl="1" xbr="9" ybr="9"/></track>
</annotations>"""


def test_cvat_images_give_persons_and_say_which_pictures_are_missing(tmp_path, sources):
    given = read_boxes(write(tmp_path, CVAT_IMAGES, "a.xml"))
    assert len(given) == 2
    assert given.match(sources) == ["cam3/000009.png"]
    assert given.on("cam1/000001.png", 0, 320, 240) == [PersonBox(20, 40, 30, 90, None, None)]


@pytest.mark.parametrize("text", [CVAT_TRACKS, CVAT_TRACKS.replace("v.avi", "")])
def test_cvat_tracks_belong_to_their_video(tmp_path, text):
    given = read_boxes(write(tmp_path, text, "a.xml"))
    video = write_video(tmp_path / "v.avi", frames=6)
    assert given.match(find_sources([video])[0]) == []
    assert given.frames_of("v.avi") == {0}
    assert given.on("v.avi", 0, 320, 240) == [PersonBox(10, 20, 30, 90, None, 7)]


ENTITY = '<!DOCTYPE a [<!ENTITY x "1">]>'
LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(30))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{ENTITY}<annotations/>", "document type"),
        (f"<!DOCTYPE a [{LAUGHS}]><annotations>&l29;</annotations>", "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotations/>', "document type"),
        ("<annotations><image name='a'>", "not XML"),
        ("<html><body/></html>", "begins with <html>"),
        ("<annotations/>", "holds no boxes"),
        ("<annotations><box xtl='1' ytl='1' xbr='2' ybr='2'/></annotations>", "outside of images"),
        ("<annotations><image/></annotations>", "without a name"),
        ("<annotations><image name='a'><box xtl='9' ytl='1' xbr='2' ybr='2'/></image>"
         "</annotations>", "is no box"),
        ("<annotations><image name='a'><box xtl='9' ytl='1' xbr='nan' ybr='2'/></image>"
         "</annotations>", "is no number"),
        ("<annotations><image name='a'><box/></image></annotations>", "is no number"),
    ],
)  # fmt: skip
def test_faulty_cvat_is_one_line_that_names_the_place(tmp_path, text, said):
    path = write(tmp_path, text, "a.xml")
    with pytest.raises(InputError) as caught:
        read_boxes(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_mot_lines_without_a_picture_are_said(tmp_path, sources):
    text = "".join(f"{frame},1,20,40,30,90,1,-1,-1,-1\n" for frame in (1, 2, 5, 12))
    given = read_boxes(write(tmp_path, text, "det.txt"))
    assert given.match(sources) == ["frame 5", "frame 12"]


def test_boxes_on_frames_that_a_video_does_not_have_are_counted(tmp_path):
    video = write_video(tmp_path / "gate.mp4", 3)
    file = write(tmp_path, "1,1,20,40,30,90,1\n90,1,20,40,30,90,1\n2,1,900,40,30,90,1\n", "b.txt")
    given = read_boxes(file)
    given.match(find_sources([video])[0])
    done = detect_people([video], tmp_path / "out", given)
    assert done.totals.boxes == 1
    assert "gate.mp4: 1 box is on frames that it does not have, and left out" in done.notes
    assert "1 box lies outside of its picture and is left out" in done.notes
