"""What is drawn over a match, as numbers and geometry, against slow and obvious counting."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from app.items.colours import colour_of, heat_image, steps, table
from app.state import words
from app.state.framing import BETWEEN, CLOSEST, MARGIN, WIDEST, Zoom, panes, panes_around, swiped
from app.state.overlay import (
    SIMILARITIES,
    answer_of,
    cell_at,
    cell_centre,
    cell_place,
    lines_of,
    own_cell,
    scale_of,
)
from app.state.reading_line import difference_text
from app.state.scene import Scene, scene_of, second_candidate
from app.state.score_breakdown import breakdown_of
from app.state.values import Cell, Look
from app.state.workspace import Workspace
from qaconv_core.figures.style import DIVERGING, SEQUENTIAL
from qaconv_core.types import ImageRef, ImageSet, RankingResult
from tests.app.samples import GRID, sample_pair, sample_set


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("grid", [(6, 3), (24, 8)])
def test_the_parts_of_a_sum_add_up_to_the_logit(seed, grid):
    match = sample_pair(seed, 7, grid).match
    total = breakdown_of(match)
    *terms, logit = total.totals
    assert sum(part.value for part in terms) == pytest.approx(logit.value, abs=1e-9)
    assert logit.value == pytest.approx(match.logit, abs=1e-3)
    assert sum(part.value for part in total.cells) == pytest.approx(terms[0].value, abs=1e-9)
    assert round(sum(part.shown for part in terms), 2) == logit.shown
    assert round(sum(part.shown for part in total.cells), 2) == terms[0].shown
    assert all(abs(part.shown - part.value) < 0.1 for part in total.totals)


def test_the_strongest_cells_are_the_strongest():
    match = sample_pair().match
    adds = {Cell("query", i): v for i, v in enumerate(match.query_contribution.ravel().tolist())}
    adds |= {
        Cell("gallery", i): v for i, v in enumerate(match.gallery_contribution.ravel().tolist())
    }
    values = sorted(adds.values())
    cells = breakdown_of(match, positive=4, negative=2).cells
    assert [adds[part.cell] for part in cells[:4]] == values[::-1][:4]
    assert [adds[part.cell] for part in cells[4:]] == values[:2][::-1]


def test_a_sum_of_few_cells_has_no_cell_twice():
    match = sample_pair(grid=(2, 1)).match
    cells = [part.cell for part in breakdown_of(match).cells]
    assert len(cells) == len(set(cells))
    rest = [part for part in breakdown_of(match).totals if part.kind == "rest"]
    assert sum(part.cells for part in rest) + len(cells) == 4


def test_heat_maps_of_both_pictures_have_one_scale_around_zero():
    match = sample_pair().match
    scale = scale_of("contribution", match)
    largest = max(np.abs(match.query_contribution).max(), np.abs(match.gallery_contribution).max())
    assert scale.high == pytest.approx(largest)
    assert scale.low == -scale.high
    assert scale.position([scale.low, 0.0, scale.high]).tolist() == [0.0, 0.5, 1.0]


def test_similarities_have_a_fixed_scale():
    assert scale_of("similarity", sample_pair().match) is SIMILARITIES
    assert SIMILARITIES.position([-0.5, 0.25, 1.0]).tolist() == [0.0, 0.25, 1.0]


def test_a_match_that_adds_nothing_has_a_scale():
    zeros = np.zeros(GRID, dtype=np.float32)
    match = dataclasses.replace(
        sample_pair().match, query_contribution=zeros, gallery_contribution=zeros
    )
    assert scale_of("contribution", match).high == 1.0


def test_heat_maps_have_one_pixel_of_its_colour_for_each_cell():
    match = sample_pair().match
    scale = scale_of("contribution", match)
    image = heat_image(match.query_contribution, scale)
    assert (image.height(), image.width()) == GRID
    row = int(steps(match.query_contribution[4:5, 2], scale)[0])
    colour = image.pixelColor(2, 4)
    assert (colour.red(), colour.green(), colour.blue()) == tuple(table("contribution")[row, :3])


@pytest.mark.parametrize(
    ("kind", "map_of"), [("contribution", DIVERGING), ("similarity", SEQUENTIAL)]
)
def test_the_window_has_the_colours_of_the_figures(kind, map_of):
    figures = np.asarray(map_of(np.linspace(0, 1, 256))) * 255
    assert np.abs(table(kind) - figures).max() <= 2  # matplotlib rounds to its own 256 steps


def test_what_adds_is_red_and_what_takes_away_is_blue():
    scale = scale_of("contribution", sample_pair().match)
    adds, takes = colour_of(scale.high, scale), colour_of(scale.low, scale)
    assert adds.red() > 2 * adds.blue()
    assert takes.blue() > 2 * takes.red()


@pytest.mark.parametrize("grid", [(6, 3), (24, 8), (1, 1)])
def test_the_middle_of_every_cell_lies_in_it(grid):
    for number in range(grid[0] * grid[1]):
        assert cell_at(*cell_centre(number, grid), grid) == number
        place = cell_place(number, grid)
        assert cell_at(place.x + 1e-9, place.y + 1e-9, grid) == number


@pytest.mark.parametrize("point", [(-0.01, 0.5), (1.0, 0.5), (0.5, 1.0), (0.5, -1e-9)])
def test_beside_the_picture_is_no_cell(point):
    assert cell_at(*point, GRID) is None


def test_lines_follow_threshold_number_and_direction():
    pair = sample_pair()
    match = pair.match
    look = Look(threshold=0.8, count=5, direction="gallery", colour_by="similarity")
    lines = lines_of(pair, look)
    best = sorted(match.gallery_similarity.ravel().tolist(), reverse=True)
    assert [line.similarity for line in lines.drawn] == [s for s in best[:5] if s >= 0.8]
    assert lines.total == GRID[0] * GRID[1]
    assert own_cell(lines.drawn[0], "gallery").side == "gallery"


def test_an_answer_is_the_largest_response():
    pair = sample_pair()
    for cell in (Cell("query", 7), Cell("gallery", 3)):
        answer = answer_of(pair, cell)
        responses = pair.responses(cell.side, cell.number)
        assert answer.similarity == responses.max()
        assert responses.ravel()[answer.best.number] == responses.max()
        assert answer.best.side != cell.side
    assert answer_of(pair, Cell("query", 18)) is None


# ── places and zoom ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("aspects", [(0.5, 0.5), (0.3, 1.4), (0.5, 0.4, 0.6), (12.0, 0.1)])
@pytest.mark.parametrize("size", [(320, 240), (1280, 560), (3840, 2000)])
def test_pictures_are_undistorted_apart_and_inside(aspects, size):
    places = panes(*size, aspects, foot=80)
    for aspect, pane in zip(aspects, places, strict=True):
        home, clip = pane.home, pane.clip
        assert home.width / home.height == pytest.approx(aspect)
        assert home.height == pytest.approx(places[0].home.height)
        assert clip.x <= home.x
        assert home.x + home.width <= clip.x + clip.width + 1e-6
        assert home.y >= 0
        assert home.y + home.height <= size[1] - 80
        assert 0 <= pane.words.y - (home.y + home.height) <= MARGIN
        assert clip.y + clip.height <= pane.words.y
    for left, right in itertools.pairwise(places):
        assert left.clip.x + left.clip.width == pytest.approx(right.clip.x - BETWEEN)
        assert left.home.x + left.home.width < right.home.x


@pytest.mark.parametrize("right", [(0.5,), (0.4, 0.6)])
@pytest.mark.parametrize("size", [(420, 330), (690, 490), (1700, 1180), (3000, 900)])
def test_pictures_around_a_tall_one_are_undistorted_apart_and_inside(right, size):
    columns = (0.5, 0.3), (0.5,), right
    places = panes_around(*size, columns, foot=34)
    aspects = [aspect for column in columns for aspect in column]
    for aspect, pane in zip(aspects, places, strict=True):
        home = pane.home
        assert home.width / home.height == pytest.approx(aspect)
        assert home.x >= MARGIN - 1e-6
        assert home.x + home.width <= size[0] - MARGIN + 1e-6
        assert home.y >= MARGIN - 1e-6
        assert home.y + home.height + 34 <= size[1] + 1e-6
    for one, other in itertools.combinations(places, 2):
        for a, b in ((one.home, other.home), (one.words, other.words), (one.words, other.home)):
            beside = a.x + a.width <= b.x + 1e-6 or b.x + b.width <= a.x + 1e-6
            above = a.y + a.height <= b.y + 1e-6 or b.y + b.height <= a.y + 1e-6
            assert beside or above
    assert places[2].home.height > places[0].home.height


@pytest.mark.parametrize("at", [0.0, 0.3, 1.0])
def test_swiped_pictures_lie_at_one_place_and_share_it_at_the_line(at):
    first, second = swiped(700, 500, (0.5, 0.4), 34, at)
    assert first.home.height == second.home.height
    assert first.home.at(0.5, 0.5) == pytest.approx(second.home.at(0.5, 0.5))
    assert first.clip.x + first.clip.width == pytest.approx(second.clip.x)
    assert second.clip.x == pytest.approx(first.home.at(at, 0)[0])
    assert first.words.x + first.words.width < second.words.x


def test_zooming_keeps_the_point_under_the_pointer():
    home = panes(800, 600, (0.5, 0.5), 80)[0].home
    for factor in (1.25, 3.0):
        before, after = Zoom(), Zoom().by(factor, 0.3, 0.8)
        at = home.at(0.3, 0.8)
        assert after.box(home).fractions(*at) == pytest.approx(before.box(home).fractions(*at))


def test_zoom_and_moving_have_bounds():
    assert Zoom().by(0.1).factor == CLOSEST
    assert Zoom().by(1e9).factor == WIDEST
    assert Zoom().moved(5, 5) == Zoom()
    home = panes(800, 600, (0.5, 0.5), 80)[0].home
    box = Zoom(2.0).moved(9, -9).box(home)
    assert (box.x, box.y + box.height) == pytest.approx((home.x, home.y + home.height))


# ── what is on the screen ───────────────────────────────────────────────────────────────────────


def test_an_empty_workspace_says_what_to_do():
    assert "Open" in scene_of(Workspace()).message


def test_before_a_pair_is_there_its_pictures_are(tmp_path):
    space = Workspace()
    space.open_data(sample_set(tmp_path, pictures=False))
    assert scene_of(space).message == "Choose a query on the left."
    alone = Workspace()
    alone.open_data(dataclasses.replace(space.data, query=ImageSet((), "query"), added_from=0))
    assert "gallery (Ctrl+5)" in scene_of(alone).message
    assert "(Ctrl+I)" in scene_of(alone).message
    space.select_queries((1,))
    scene = scene_of(space)
    assert [panel.ref is not None for panel in scene.panels] == [True, False]
    assert "model" in scene.message
    assert scene.pairs == ()


def test_an_old_pair_is_stale(space):
    assert not scene_of(space).stale
    space.select_candidate(int(space.ranking.order[1]))
    scene = scene_of(space)
    assert scene.stale
    assert scene.panels[1].ref == space.data.gallery[space.pair.candidate]


def test_captions_say_rank_truth_logit_and_score(space):
    ranking = space.ranking
    for truth, title in ((RankingResult.TRUE, "Rank"), (RankingResult.JUNK, "No rank")):
        candidate = ranking.first(truth)
        space.select_candidate(candidate)
        space.set_pair(sample_pair(0, candidate))
        panel = scene_of(space).panels[1]
        assert panel.caption[0].startswith(title)
        assert panel.truth == truth
        assert words.logit_text(space.pair.match.logit) in panel.caption[1]
        assert words.TRUTHS[truth] in panel.spoken


def test_comparing_puts_the_query_between_its_candidates(space):
    first, second = (int(c) for c in space.ranking.order[:2])
    space.change_look(mode="compare")
    assert scene_of(space).panels[2].ref is None
    space.compare_with(second)
    space.set_pair(sample_pair(0, first), (sample_pair(0, second),))
    scene = scene_of(space)
    assert [panel.key for panel in scene.panels] == [("gallery", 0), ("query", 0), ("gallery", 1)]
    assert scene.panels[2].ref == space.data.gallery[second]


def test_the_second_candidate_is_the_first_true_match_or_another(space):
    first_true = space.ranking.first(RankingResult.TRUE)
    space.select_candidate(space.ranking.first(RankingResult.FALSE))
    assert second_candidate(space) == first_true
    space.select_candidate(first_true)
    assert second_candidate(space) not in (first_true, None)
    space.set_ranking_stale()
    assert second_candidate(space) is None


def test_three_numbers_of_a_comparison_agree():
    pairs = tuple(
        dataclasses.replace(p, match=dataclasses.replace(p.match, logit=x))
        for p, x in ((sample_pair(), 1.004), (sample_pair(), -0.006))
    )
    text = difference_text(Scene(pairs=pairs))
    assert text == "Difference +1.01"  # the others stand under the pictures: +1.00 and −0.01


# ── words ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.logit_text(6.1), "+6.10"),
        (words.logit_text(-0.001), "0.00"),
        (words.adds_text(-1.236), "−1.24"),
        (words.score_text(0.66449), "0.664"),
        (words.similarity_text(-0.5), "−0.50"),
        (words.ap_text(float("nan")), "–"),
        (words.cell_name(7, (6, 3)), "r3 c2"),
        (words.time_text(21.76), "21.8 s"),
        (words.time_text(725.2), "12:05"),
        (words.time_text(-3727), "−1:02:07"),
        (words.time_text(None), ""),
        (words.truth_text(RankingResult.NOT_KNOWN), ""),
        (words.truth_text(RankingResult.FALSE), "✕ false match"),
    ],
)
def test_numbers_have_one_form(text, expected):
    assert text == expected


def test_what_is_not_known_of_a_picture_is_left_out(tmp_path):
    assert words.who_text(ImageRef(tmp_path / "x.png")) == "person not known"
    assert words.who_text(ImageRef(tmp_path / "x.png", 3, 0, None)) == "person 3 · camera 1"
