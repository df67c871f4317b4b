"""Pictures of scene proportions are told of where they would be matched as one person."""

from __future__ import annotations

import pytest
from PIL import Image

from qaconv_core.data.images import picture_size
from qaconv_core.data.scenes import gallery_scenes, query_scene


def picture(path, width, height, **more):
    Image.new("L", (width, height), 90).save(path, **more)
    return path


@pytest.mark.parametrize(
    ("size", "scene"),
    [((128, 256), False), ((1280, 720), True), ((65, 64), True), ((64, 64), False),
     ((1000, 1500), False), ((1500, 3000), True)],
)  # fmt: skip
def test_wide_and_very_large_pictures_are_scenes(tmp_path, size, scene):
    said = query_scene(picture(tmp_path / "a.png", *size))
    assert bool(said) is scene
    if scene:
        assert f"a.png ({size[0]} × {size[1]} pixels)" in said


def test_a_picture_on_its_side_counts_as_it_stands(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = picture(tmp_path / "a.jpg", 256, 128, exif=exif)
    assert picture_size(path) == (128, 256)
    assert query_scene(path) == ""


def test_a_gallery_is_told_of_where_more_than_a_tenth_are_scenes(tmp_path):
    tall = [picture(tmp_path / f"{i}.png", 64, 128) for i in range(9)]
    wide = [picture(tmp_path / f"w{i}.png", 320, 180) for i in range(2)]
    assert gallery_scenes(tall) == ""
    assert gallery_scenes([*tall, wide[0]]) == ""
    assert "2 of 11" in gallery_scenes([*tall, *wide])
    assert gallery_scenes([tmp_path / "gone.png"]) == query_scene(tmp_path / "gone.png") == ""
