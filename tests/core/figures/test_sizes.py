"""Figures at a chosen width: the size asked for, and the same drawing at every size."""

from __future__ import annotations

import io
import re
import zlib

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from qaconv_core.errors import InputError
from qaconv_core.figures.sizes import figure_bytes, save_at_width
from qaconv_core.figures.style import blank_page, drawing


@pytest.fixture
def figure() -> Figure:
    with drawing():
        made, axes = blank_page(3.3, 2.2)
        axes.text(0.5, 1.0, "a text", size=14)
        axes.plot([0.2, 3.0], [0.3, 2.0], lw=3)
        axes.imshow(np.eye(4), extent=(1.0, 2.0, 2.0, 1.0), aspect="auto")
        axes.set_xlim(0.0, 3.3)
        axes.set_ylim(2.2, 0.0)
    return made


@pytest.mark.parametrize("width", [331, 1000, 1999])
def test_a_png_is_so_many_pixels_wide(figure, width):
    size = Image.open(io.BytesIO(figure_bytes(figure, ".png", width))).size
    assert size == (width, pytest.approx(width * 2 / 3, abs=1))


@pytest.mark.parametrize("width", [60, 85.5, 180])
def test_a_pdf_page_is_so_many_millimetres_wide(figure, width):
    data = figure_bytes(figure, ".pdf", width)
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", data)
    assert box is not None
    wide, high = (float(number) / 72 * 25.4 for number in box.groups())
    assert (wide, high) == pytest.approx((width, width * 2 / 3), abs=0.01)


@pytest.mark.parametrize("width", [60, 85.5])
def test_an_svg_is_so_many_millimetres_wide(figure, width):
    text = figure_bytes(figure, ".svg", width).decode()
    tag = re.search(r"<svg[^>]*>", text).group()
    assert f'width="{width:g}mm"' in tag
    assert f'height="{width * 2 / 3:.6g}mm"' in tag
    assert 'viewBox="0 0 237.6 158.4"' in tag


def test_the_drawing_is_scaled_as_a_whole(figure):
    """The page's commands are the same at every size; only the matrix before them differs."""

    def content(width):
        data = figure_bytes(figure, ".pdf", width)
        streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
        pages = [zlib.decompress(s) for s in streams if s[:1] == b"x"]
        return next(page for page in pages if b" cm" in page and b"BT" in page)

    small, large = content(60), content(180)
    matrix = re.compile(rb"([\d.]+) 0 0 ([\d.]+) 0 0 cm")
    scales = [float(matrix.search(page).group(1)) for page in (small, large)]
    assert scales[1] == pytest.approx(3 * scales[0], rel=1e-3)
    assert matrix.sub(b"", small, count=1) == matrix.sub(b"", large, count=1)


def test_equal_figures_give_equal_files_and_the_figure_is_left_as_it_was(figure):
    dpi, size = figure.dpi, figure.get_size_inches().tolist()
    for suffix in (".png", ".pdf", ".svg"):
        assert figure_bytes(figure, suffix, 100) == figure_bytes(figure, suffix, 100)
    assert (figure.dpi, figure.get_size_inches().tolist()) == (dpi, size)


@pytest.mark.parametrize(
    ("suffix", "width", "words"),
    [(".gif", 100, "saved as"), (".png", 0, "out of range"), (".pdf", 6000, "out of range")],
)
def test_other_suffixes_and_sizes_are_refused(figure, tmp_path, suffix, width, words):
    with pytest.raises(InputError, match=words):
        save_at_width(figure, tmp_path / f"x{suffix}", width)
    assert list(tmp_path.iterdir()) == []
