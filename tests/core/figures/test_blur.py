"""Faces and pictures are blurred wherever pictures leave the program."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from qaconv_core.documents import html
from qaconv_core.errors import InputError
from qaconv_core.figures.style import blurred_pictures, part_picture, rgb_array


@pytest.fixture
def picture():
    pixels = np.random.default_rng(3).integers(0, 255, (128, 64, 3)).astype(np.uint8)
    return Image.fromarray(pixels)


def detail(pixels):
    """How much neighbours differ."""
    return np.abs(np.diff(pixels.astype(float), axis=1)).mean()


def test_the_head_zone_or_the_whole_is_blurred_and_nothing_else(picture):
    plain = rgb_array(picture)
    with blurred_pictures("faces"):
        faces = rgb_array(picture)
    assert detail(faces[:32]) < 0.1 * detail(plain[:32])
    np.testing.assert_array_equal(faces[32:], plain[32:])
    with blurred_pictures("all"):
        assert detail(rgb_array(picture)) < 0.1 * detail(plain)
    np.testing.assert_array_equal(rgb_array(picture), plain)  # the picture itself did not change


def test_a_picture_wider_than_high_is_blurred_whole(picture):
    with blurred_pictures("faces"):
        assert detail(rgb_array(picture.resize((128, 64)))) < 10


def test_parts_and_pages_show_blurred_pictures(picture):
    with blurred_pictures("faces"):
        part = np.asarray(part_picture(picture, np.ones((4, 2), dtype=bool)))
        uri = html.picture_uri(picture)
    assert detail(part[:32]) < 10
    content = base64.b64decode(re.sub("^[^,]*,", "", uri))
    assert detail(np.asarray(Image.open(io.BytesIO(content)))[:28]) < 12


def test_another_word_is_refused():
    with pytest.raises(InputError, match="faces or all"), blurred_pictures("eyes"):
        pass
