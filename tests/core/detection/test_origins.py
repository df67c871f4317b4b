"""From a crop back to its scene, and from people on scenes to crops."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from qaconv_core.data import open_folder
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.crops import output_of
from qaconv_core.detection.job import detect_people
from qaconv_core.detection.origins import ScenePeople, keep_people, origin_of, picture_of
from qaconv_core.errors import InputError
from qaconv_core.progress import WorkContext
from qaconv_core.store.forgetting import forget
from tests.core.detection.made import find_blocks, save, write_video
from tests.core.detection.test_job import ONE, TWO, rows_of


def test_a_crop_leads_to_its_scene_and_to_everybody_on_it(tmp_path):
    save(tmp_path / "in" / "cam1" / "a.png", ONE)
    save(tmp_path / "in" / "cam2" / "a.png", TWO)
    detect_people([tmp_path / "in"], tmp_path / "out", find_blocks)
    crop = tmp_path / "out" / "crops" / "cam2" / "a.png_02.jpg"
    assert output_of(crop) == tmp_path / "out"
    origin = origin_of(crop)
    assert origin.scene.path == tmp_path / "in" / "cam2" / "a.png"
    assert origin.scene.frame is None
    assert [box.corners for box in origin.scene.boxes] == [(20, 40, 50, 130), (200, 60, 230, 140)]
    assert origin.own == 1
    assert picture_of(origin.scene).shape == (240, 320, 3)


def test_other_pictures_have_no_scene(tmp_path):
    lone = save(tmp_path / "crops" / "a.png", ONE)  # the name of the folder alone is none
    assert output_of(lone) is None
    assert origin_of(lone) is None
    save(tmp_path / "in" / "b.png", ONE)
    detect_people([tmp_path / "in"], tmp_path / "out", find_blocks)
    stray = save(tmp_path / "out" / "crops" / "stray.jpg", ONE)
    assert origin_of(stray) is None


@pytest.mark.parametrize("frames", [30, 260])
def test_a_crop_of_a_video_leads_to_its_frame(tmp_path, frames):
    blocks = lambda n: [(10 + n % 200, 60, 24, 72, "red")]  # noqa: E731
    write_video(tmp_path / "gate.avi", frames=frames, blocks=blocks)
    detect_people([tmp_path / "gate.avi"], tmp_path / "out", find_blocks)
    rows = rows_of(tmp_path / "out" / "boxes.csv")
    last = sorted((tmp_path / "out" / "crops").rglob("*.jpg"))[-1]
    origin = origin_of(last)
    assert origin.scene.frame == int(rows[-1]["frame"]) == frames - 5
    told = []
    picture = picture_of(origin.scene, last, origin.own, WorkContext(progress=told.append))
    at = find_blocks(picture)[0]
    assert abs(at.x - origin.scene.boxes[0].x) <= 1
    assert bool(told) == (frames == 30)  # the late frame is sought, not waited for
    wrong = save(tmp_path / "wrong.jpg", ONE)  # what is sought must be what the crop shows
    assert np.array_equal(picture_of(origin.scene, wrong, origin.own), picture)


def test_scenes_that_are_gone_and_damaged_tables_are_one_line(tmp_path):
    scene = save(tmp_path / "in" / "a.png", ONE)
    detect_people([scene], tmp_path / "out", find_blocks)
    crop = tmp_path / "out" / "crops" / "a.png_01.jpg"
    scene.unlink()
    with pytest.raises(InputError, match=r"a\.png: the scene of this picture is not there"):
        origin_of(crop)
    (tmp_path / "out" / "boxes.csv").write_text("file,frame,x\n")
    with pytest.raises(InputError, match="tables do not fit together"):
        origin_of(crop)


def test_chosen_people_are_cut_out_and_remember_their_scenes(tmp_path):
    first, second = (save(tmp_path / name / "a.png", TWO) for name in ("north", "south"))
    video = write_video(tmp_path / "gate.avi")
    people = PersonBox(20, 40, 30, 90), PersonBox(200, 60, 30, 80, 0.7)
    scenes = [
        ScenePeople(first, people),
        ScenePeople(second, people[1:]),
        ScenePeople(video, (PersonBox(70, 60, 24, 72),), frame=10),
    ]
    folder, crops = keep_people(scenes, tmp_path / "kept")
    assert len(crops) == 4
    assert [Image.open(crop).size for crop in crops] == [(36, 96), (36, 86), (36, 86), (30, 78)]
    told = [(o.scene.path, o.scene.frame, o.own) for o in map(origin_of, crops)]
    assert told == [(first, None, 0), (first, None, 1), (second, None, 0), (video, 10, 0)]
    assert len(open_folder(folder, split=False).gallery) == 4
    again, _ = keep_people(scenes, tmp_path / "kept")
    other, _ = keep_people(scenes[:1], tmp_path / "kept")
    assert again == folder != other
    with pytest.raises(InputError, match="nobody is marked"):
        keep_people([ScenePeople(first)], tmp_path / "kept")


def test_people_cut_out_of_a_scene_are_forgotten_with_it(tmp_path, own_folders):
    first, second = (save(tmp_path / name / "a.png", TWO) for name in ("north", "south"))
    kept = own_folders / "data" / "scenes"
    box = (PersonBox(20, 40, 30, 90),)
    gone, _ = keep_people([ScenePeople(first, box)], kept)
    stays, _ = keep_people([ScenePeople(second, box)], kept)
    assert ("crops of scenes", 1) in forget([tmp_path / "north"], dry_run=True).found
    assert gone.is_dir()
    assert forget([tmp_path / "north"]).left == ()
    assert not gone.exists()
    assert stays.is_dir()
