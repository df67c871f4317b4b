"""Figures can be drawn of anything reasonable, are saved in each format, and say what they show."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from PIL import Image

from qaconv_core.errors import InputError
from qaconv_core.evaluation import separation
from qaconv_core.figures.curves import cmc_figure, legend_beside, score_distribution_figure
from qaconv_core.figures.match import match_figure
from qaconv_core.figures.ranking import RankedPicture, ranking_figure
from qaconv_core.figures.style import fit_text, printable, rgb_array, save_figure, text_width
from qaconv_core.types import MethodResult
from tests.core.records import make_match, make_picture, make_report, make_result


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A missing glyph or a layout that fails is a warning of matplotlib; here it is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def pixels(figure: Figure, dpi: int = 50) -> np.ndarray:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi)
    return np.asarray(Image.open(out).convert("RGB"))


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    found += [axes.get_xlabel() for axes in figure.axes]
    found += [axes.get_title(loc="left") for axes in figure.axes]
    found += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return found


def make_separation() -> dict[str, Any]:
    random = np.random.default_rng(0)
    query, gallery = random.integers(0, 9, 20), random.integers(0, 9, 50)
    values = random.normal(size=(20, 50)) + 2 * (query[:, None] == gallery)
    cams = (np.zeros(20, dtype=int), np.ones(50, dtype=int))
    return separation(values, query, gallery, *cams).to_dict()


def make_ranking(count: int = 12, note: str = "") -> Figure:
    items = [
        RankedPicture(make_picture(), i + 1, 0.9 - i / 50, i, i % 3, (1, 0, -1, -2)[i % 4])
        for i in range(count)
    ]
    return ranking_figure(make_picture(), "query $x$.jpg\nid 1", items, note=note)


FIGURES = {
    "match": lambda: match_figure(make_picture(), make_picture(40, 60), make_match()),
    "ranking": make_ranking,
    "cmc": lambda: cmc_figure(make_report()),
    "distribution": lambda: score_distribution_figure(make_separation()),
}


@pytest.mark.parametrize("name", list(FIGURES))
def test_every_figure_in_every_format(tmp_path: Path, name: str) -> None:
    settings = dict(rcParams)
    starts = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    for suffix, start in starts.items():
        first, second = tmp_path / f"first é{suffix}", tmp_path / f"second{suffix}"
        save_figure(FIGURES[name](), first, dpi=60)
        save_figure(FIGURES[name](), second, dpi=60)
        data = first.read_bytes()
        assert data.startswith(start)
        assert data == second.read_bytes(), "the same figure must give the same file"
        assert len(data) > 2000
    assert dict(rcParams) == settings


def test_vector_formats_keep_text_as_text(tmp_path: Path) -> None:
    save_figure(FIGURES["cmc"](), tmp_path / "c.svg")
    svg = (tmp_path / "c.svg").read_text("utf-8")
    assert "<text" in svg
    assert "QAConv + re-ranking" in svg
    assert "<dc:date>" not in svg
    save_figure(FIGURES["cmc"](), tmp_path / "c.pdf")
    assert b"CreationDate" not in (tmp_path / "c.pdf").read_bytes()


def test_an_unknown_format_is_named(tmp_path: Path) -> None:
    for name in ("figure.bmp", "figure"):
        with pytest.raises(InputError, match=r"\.png, \.pdf, \.svg"):
            save_figure(Figure(), tmp_path / name)
    with pytest.raises(InputError, match="missing"):
        save_figure(Figure(), tmp_path / "missing" / "f.png")


def test_no_pyplot_and_no_backend_is_touched() -> None:
    code = (
        "import sys, qaconv_core.figures.match, qaconv_core.figures.ranking, "
        "qaconv_core.figures.curves; assert 'matplotlib.pyplot' not in sys.modules"
    )
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=120)


def test_match_figure_states_counts_sum_and_names() -> None:
    match = make_match()
    figure = match_figure(
        make_picture(), make_picture(), match, threshold=0.5, top=3, labels=("a_$b$.jpg", "人.jpg")
    )
    said = texts(figure)
    count = min(3, int((match.query_similarity >= 0.5).sum()))
    assert f"{count} of 18 shown, similarity ≥ 0.50" in said
    assert "a_$b$.jpg" in said
    assert "□.jpg" in said
    for value in (match.logit, match.bias, match.score):
        assert f"{value:.3f}".replace("-", "−") in said
    assert sum("query, Σ" in text for text in said) == 1


@pytest.mark.parametrize("direction", ["query", "gallery", "mutual"])
@pytest.mark.parametrize("colour_by", ["contribution", "similarity"])
def test_match_figure_draws_the_lines_it_counts(direction: str, colour_by: str) -> None:
    pictures = (make_picture(), make_picture(50, 50))
    for top in (0, 4):
        figure = match_figure(
            *pictures, make_match((3, 2), 3), top=top, direction=direction, colour_by=colour_by
        )
        shown = next(int(t.split()[0]) for t in texts(figure) if t.endswith("shown"))
        assert len(figure.axes[0].collections) == 3 * shown
        assert shown == 0 or top == 4


def test_lines_end_in_cell_centres() -> None:
    """The corner cells of a 2×2 grid lie at a quarter of each picture's sides."""
    match = make_match((2, 2))
    figure = match_figure(make_picture(40, 80), make_picture(40, 80), match, top=1, heat=False)
    axes = figure.axes[0]
    left, right = (image.get_extent() for image in axes.images)
    (start, end) = axes.collections[0].get_segments()[0]
    cell = int(np.argmax(match.query_contribution))
    best = int(match.query_best.ravel()[cell])
    for point, number, (x0, x1, y1, y0) in ((start, cell, left), (end, best, right)):
        row, column = divmod(number, 2)
        expected = (x0 + (0.25 + column / 2) * (x1 - x0), y0 + (0.25 + row / 2) * (y1 - y0))
        assert point == pytest.approx(expected)


@pytest.mark.parametrize(
    "sizes", [((8, 4), (30, 60)), ((600, 40), (30, 90)), ((5000, 3), (1, 900)), ((3, 9), (2, 8))]
)
def test_pictures_are_never_distorted(sizes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    figure = match_figure(*(make_picture(*size) for size in sizes), make_match((1, 1)))
    query, gallery, query_again, query_heat, gallery_again, gallery_heat = figure.axes[0].images
    heights = set()
    for image, (width, height) in (
        (query, sizes[0]),
        (query_again, sizes[0]),
        (query_heat, sizes[0]),
        (gallery, sizes[1]),
        (gallery_again, sizes[1]),
        (gallery_heat, sizes[1]),
    ):
        x0, x1, y1, y0 = image.get_extent()
        assert (x1 - x0) / (y1 - y0) == pytest.approx(width / height)
        heights.add(round(y1 - y0, 6))
    assert len(heights) == 1
    assert pixels(figure, 30).std() > 0


def test_heat_maps_share_one_scale_and_cover_the_pictures() -> None:
    match = make_match((4, 2))
    match.gallery_contribution[...] = match.query_contribution * 0.5
    figure = match_figure(make_picture(), make_picture(), match)
    images = figure.axes[0].images  # two pictures, then picture and heat for each side
    picture, heat, _, other = images[2:6]
    assert picture.get_extent() == heat.get_extent()
    assert heat.get_array().shape == (4, 2, 4)
    cell = np.unravel_index(np.argmax(np.abs(match.query_contribution)), (4, 2))
    assert heat.get_array()[cell][3] > other.get_array()[cell][3]


def test_text_stays_on_the_page() -> None:
    long = "a_very_long_folder_name/" * 9 + "0002_c1s1_000451_03.jpg"
    for sizes in (((8, 90), (8, 90)), ((30, 60), (30, 60)), ((600, 40), (20, 60))):
        pictures = [make_picture(*size) for size in sizes]
        for heat in (True, False):
            figure = match_figure(*pictures, make_match(), labels=(long, long), heat=heat)
            _assert_inside(figure)
    _assert_inside(make_ranking(1))
    _assert_inside(make_ranking(12))


def _assert_inside(figure: Figure) -> None:
    pixels(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for axes in figure.axes:
        for text in axes.texts:
            if not text.get_text():
                continue
            box = text.get_window_extent()
            assert box.x0 >= -0.5, text
            assert box.x1 <= width + 0.5, text
            assert box.y0 >= -0.5, text
            assert box.y1 <= height + 0.5, text


def test_match_figure_refuses_what_it_does_not_know() -> None:
    pictures = (make_picture(), make_picture())
    with pytest.raises(InputError, match="beauty"):
        match_figure(*pictures, make_match(), colour_by="beauty")
    with pytest.raises(InputError, match="two labels"):
        match_figure(*pictures, make_match(), labels=("one",))


def test_ranking_marks_do_not_rely_on_colour() -> None:
    figure = make_ranking(4)
    said = texts(figure)
    for sign, name in (("✓", "true match"), ("✕", "false match"), ("–", "junk")):
        assert sign in said
        assert any(text.startswith(name) for text in said)
    frames = [p for p in figure.axes[0].patches if not p.get_fill()]
    assert len({str(frame.get_linestyle()) for frame in frames}) >= 3


def test_ranking_captions_and_rows() -> None:
    figure = make_ranking(23)
    said = texts(figure)
    assert "1   0.900" in said
    assert "id 22 · c2" in said
    assert "query $x$.jpg" in said
    tops = {round(image.get_extent()[3], 3) for image in figure.axes[0].images}
    assert len(tops) == 3
    with pytest.raises(InputError, match="truth"):
        ranking_figure(make_picture(), "", [RankedPicture(make_picture(), 1, 0.5, truth=7)])
    pixels(ranking_figure(make_picture(), "", []))
    junk = [RankedPicture(make_picture(), rank, 0.5, truth=-1) for rank in (0, None)]
    captions = [text for text in texts(ranking_figure(make_picture(), "", junk)) if "0.500" in text]
    assert captions == ["–   0.500"] * 2


def test_cmc_figure_of_reports_and_methods() -> None:
    figure = cmc_figure([make_report(), make_report("duke")])
    said = texts(figure)
    assert "demo: QAConv: Rank-1 50.0 %, mAP 50.0 %" in said
    assert any(text.startswith("duke: ") and "(approximate)" in text for text in said)
    assert len(figure.axes[0].lines) == 6
    one = cmc_figure(make_result("other", 0.25))
    assert one.axes[0].lines[0].get_ydata()[0] == 25.0
    pixels(cmc_figure(MethodResult("m", np.array([1.0]), 1.0, 1.0, np.array([1.0]))))
    empty = MethodResult("m", np.array([]), np.nan, np.nan, np.array([]))
    with pytest.raises(InputError, match="no CMC curve"):
        cmc_figure([empty])


@pytest.mark.parametrize(("width", "height"), [(10.8, 2.4), (8.8, 2.0), (4.0, 6.0)])
def test_nine_curves_leave_the_axes_room(width: float, height: float) -> None:
    curves = [replace(make_result("m", 0.25), method="qaconv+norm+rerank+tlift")] * 9
    beside = legend_beside(curves, width, height)
    assert beside == (width > height)
    figure = cmc_figure(curves, beside=beside)
    figure.set_size_inches(width, height)
    pixels(figure)
    room = figure.axes[0].get_position()
    assert room.width * width > 1.5
    assert room.height * height > 1.0
    assert not legend_beside(curves[:1], 10.8, 2.4)


def test_distribution_figure_shows_shares_thresholds_and_keeps_every_pair() -> None:
    given = make_separation()
    figure = score_distribution_figure(given, name="score")
    said = texts(figure)
    assert f"{sum(given['negative_histogram']):,} false pairs" in said
    assert "score (larger is closer)" in said
    assert sum("FPR ≤" in text for text in said) == 3
    for patch in figure.axes[0].patches:
        values, _, _ = patch.get_data()
        assert values.sum() == pytest.approx(100.0)
    pixels(figure)


def test_distribution_figure_without_positive_pairs_and_of_broken_data() -> None:
    nothing = separation(np.zeros((1, 2)), [1], [2, 3], [0], [1, 1]).to_dict()
    pixels(score_distribution_figure(nothing))
    with pytest.raises(InputError, match="positive_histogram"):
        score_distribution_figure({"edges": [0, 1], "negative_histogram": [1]})
    wrong = {"edges": [0, 1], "negative_histogram": [1, 2], "positive_histogram": [1, 2]}
    with pytest.raises(InputError, match="2 edges"):
        score_distribution_figure(wrong)


def test_text_is_fitted_and_made_printable() -> None:
    assert printable("a\nb\t人\udcff✓") == "a b □\\udcff✓"
    long = "x" * 300 + "end"
    fitted = fit_text(long, 8, 1.0)
    assert text_width(fitted, 8) <= 1.0
    assert "…" in fitted
    assert fitted.endswith("end")
    assert fit_text("short", 8, 1.0) == "short"
    assert fit_text("abc", 8, 0.0) == "…"


def test_pictures_of_any_mode_become_rgb() -> None:
    clear = Image.new("RGBA", (4, 2), (255, 0, 0, 0))
    assert (rgb_array(clear) == 255).all()
    assert rgb_array(Image.new("CMYK", (4, 2))).shape == (2, 4, 3)
    assert rgb_array(Image.new("P", (4, 2))).shape == (2, 4, 3)
    assert rgb_array(Image.new("L", (20000, 3))).shape == (1, 1600, 3)


def test_what_is_not_exact_stands_below_a_ranking_in_whole_words() -> None:
    note = "through a shortlist of 9 of 26 pictures by pooled maps " * 4
    made = make_ranking(3, note.strip())
    texts = [text.get_text() for text in made.axes[0].texts]
    start = next(i for i, text in enumerate(texts) if text.startswith("through"))
    lines = texts[start:]
    assert len(lines) > 1
    assert " ".join(lines) == note.strip()
    assert made.get_size_inches()[1] > make_ranking(3).get_size_inches()[1]
