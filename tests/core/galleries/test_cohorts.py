"""Rankings by normalised scores beside the formula; statistics that are measured once."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from qaconv_core.galleries.cohorts import Asked, normalised_ranking, open_cohorts, pair_cohorts
from qaconv_core.models import QAConv
from qaconv_core.progress import NO_CONTEXT
from qaconv_core.ranking import camera_normalise, rank_gallery
from qaconv_core.ranking.cohorts import CohortRule
from qaconv_core.ranking.line import NORMAL, default_line
from qaconv_core.ranking.other_times import GAP
from qaconv_core.types import FeatureBank

G = 140
CAMS = np.arange(G) % 3
CAMS[-4:] = 3  # too few for a cohort of its own
TIMES = np.linspace(0, 400, G)
RULE = CohortRule(30, nearby=6.0)
HEAD = QAConv((3, 2)).eval().affine()
NONE = np.empty(0, int)


def logits(seed=0):
    random = np.random.default_rng(seed)
    gg = random.normal(-3, 8, (G, G)).astype(np.float32)
    return random.normal(-3, 8, G).astype(np.float32), gg


def opened(gg, bank=None, rows=None, cams=CAMS):
    if bank is None:
        bank = FeatureBank(np.zeros((G, 1, 3, 2), np.float16), np.arange(G))
    return open_cohorts(bank, cams, TIMES, RULE, HEAD, rows or gg.__getitem__, NO_CONTEXT)


def never(*_):
    raise AssertionError("nothing is left to score")


@pytest.mark.parametrize("camera", [-1, 0, 3])
def test_n_is_that_of_the_formula(camera):
    row, gg = logits()
    found = normalised_ranking(
        rank_gallery(row), opened(gg), Asked((camera, 201.0), NONE), 5, never
    )
    expected = camera_normalise(
        row[None], gg, [camera], CAMS, query_times=[201.0], gallery_times=TIMES, rule=RULE
    )[0]
    np.testing.assert_allclose(found.n, expected, atol=1e-5)
    assert found.ranking.order.tolist() == np.argsort(-expected, kind="stable").tolist()


def test_a_query_out_of_the_gallery_is_no_stranger_to_itself():
    _, gg = logits(1)
    cohorts = opened(gg)
    own = int(cohorts.sample.rows[4])
    asked = []

    def rows(picture):
        asked.append(picture)
        return gg[picture]

    cohorts = opened(gg, rows=rows)
    asked.clear()
    found = normalised_ranking(
        rank_gallery(gg[own]), cohorts, Asked((int(CAMS[own]), np.nan), np.array([own])), 5, never
    )
    assert own not in asked  # its logits are the query's
    expected = camera_normalise(
        gg[own][None], gg, [CAMS[own]], CAMS, gallery_times=TIMES, rule=RULE,
        left_out=(np.array([0]), np.array([own])),
    )[0]  # fmt: skip
    np.testing.assert_allclose(found.n, expected, atol=1e-5)
    assert found.line.strangers == G - 1


def test_of_estimates_the_best_are_exact():
    row, gg = logits(2)
    random = np.random.default_rng(3)
    bounds = random.uniform(0.5, 1.5, G).astype(np.float32)
    guess = (row + bounds * random.uniform(-1, 1, G)).astype(np.float32)
    base = rank_gallery(guess)
    base = replace(base, bounds=bounds[base.order], certainty="proved", exact_to=0)
    scored = []

    def exact(some):
        scored.extend(some.tolist())
        return row[some]

    found = normalised_ranking(base, opened(gg), Asked((1, np.nan), NONE), 5, exact)
    head = found.ranking.order[:5]
    np.testing.assert_array_equal(found.logits[head], row[head])
    assert len(scored) < G
    # The others, had they been exact, would not be among them.
    others = np.setdiff1d(np.arange(G), head)
    truth = found.n[others] + found.slope[others] * (row[others] - found.logits[others])
    assert truth.max() <= found.n[head].min() + 1e-6


def test_strangers_that_look_as_much_alike_are_counted():
    row, gg = logits(4)
    found = normalised_ranking(
        rank_gallery(row), opened(gg), Asked((0, 200.0), np.array([6])), 5, never
    )
    for index in (0, 1, 7, 50, G - 1):
        same = np.flatnonzero(np.equal(CAMS, CAMS[index])) if CAMS[index] < 3 else np.arange(G)
        leave = {6, index}
        for camera, time in ((0, 200.0), (CAMS[index], TIMES[index])):
            if camera < 3:
                near = np.equal(CAMS, camera) & (np.abs(TIMES - time) <= RULE.nearby)
                leave |= set(np.flatnonzero(near))
        others = [x for x in same if x not in leave]
        assert found.cohort[index] == len(others)
        assert found.alike[index] == sum(row[x] >= row[index] for x in others)
        assert found.counted_share(index) >= 1 / (len(others) + 1)
    best = int(found.ranking.order[0])
    assert "strangers look" in found.share_words(best)
    assert found.above_line(best) == (found.n[best] > found.line.value)
    assert found.above(found.ranking) == (found.n > found.line.value).sum()
    assert found.normal_share(best) == pytest.approx(1 - NormalDist().cdf(found.n[best]))


def test_cohorts_of_one_pair_are_those_of_the_formula():
    cohorts = opened(logits(5)[1])
    query = Asked((1, 200.0), np.array([10]))
    z, t = cohorts.pair(query, 6)
    near = {x for x in range(G) for c, s in ((1, 200.0), (0, TIMES[6]))
            if CAMS[x] == c and abs(TIMES[x] - s) <= RULE.nearby} | {6, 10}  # fmt: skip
    assert z.tolist() == [x for x in range(G) if CAMS[x] == 0 and x not in near]
    assert t.tolist() == [x for x in cohorts.sample.rows.tolist() if CAMS[x] == 1 and x not in near]
    outside = Asked((0, float(TIMES[6])), np.array([6]))
    z_out, t_out = pair_cohorts(cohorts.whole, cohorts.sample, query, outside)
    assert (z_out.tolist(), t_out.tolist()) == (z.tolist(), t.tolist())


def test_strangers_of_a_search_by_part_are_few_enough(monkeypatch):
    cohorts = opened(logits(6)[1])
    query = Asked((1, np.nan), NONE)
    assert len(cohorts.part_strangers(query)) == 30
    monkeypatch.setattr("qaconv_core.galleries.cohorts.PART_PAIRS", 22 * G)
    few = cohorts.part_strangers(query)
    assert len(few) == 22
    assert (CAMS[cohorts.sample.rows[few]] == 1).all()
    assert cohorts.part_strangers(query).tolist() == few.tolist()
    values = np.random.default_rng(1).normal(-80, 0.5, (22, G)).astype(np.float32)
    sums, values = cohorts.part_sums(few, values), values.astype(np.float64)
    for g in (0, 1, int(cohorts.sample.rows[few[3]])):
        _, t = cohorts.pair(query, g, by_part=True)
        kept = np.isin(cohorts.sample.rows[few], t)
        expected = (kept.sum(), values[kept, g].sum(), (values[kept, g] ** 2).sum())
        np.testing.assert_allclose(sums[:, g], expected, rtol=1e-12)


def test_statistics_are_measured_once(tmp_path):
    _, gg = logits()
    maps = np.memmap(tmp_path / "maps-a.f16", np.float16, "w+", shape=(G, 1, 3, 2))
    bank = FeatureBank(maps, np.arange(G))
    first = opened(gg, bank)
    again = opened(gg, bank, rows=never)
    np.testing.assert_array_equal(first.towards.sums, again.towards.sums)
    with pytest.raises(AssertionError):
        opened(gg, bank, rows=never, cams=CAMS + 1)
    (kept,) = tmp_path.glob("cohorts-*.npz")
    kept.write_bytes(b"PK damaged")
    np.testing.assert_array_equal(opened(gg, bank).towards.sums, first.towards.sums)


def test_the_line_holds_the_share_of_queries():
    line = default_line(1000, 0.1)
    assert 1 - NormalDist().cdf(line.value) ** 1000 == pytest.approx(0.1)
    assert default_line(1000, 0.01).value > line.value > default_line(10, 0.1).value


@pytest.mark.parametrize("scale", [1.1, 1.4])
def test_a_line_from_other_times_follows_the_tails_of_strangers(scale):
    """Oracle: strangers drawn anew, of whom the line is crossed in a tenth of cases."""
    random = np.random.default_rng(1)
    known = (random.normal(0, scale, (2000, 100))).max(axis=1)
    line = default_line(600, 0.1, np.stack([known, np.full(2000, 100.0)]))
    crossed = random.normal(0, scale, (4000, 600)).max(axis=1) > line.value
    assert crossed.mean() == pytest.approx(0.1, abs=0.025)
    known[:40] = 9.0  # one in fifty came back
    again = default_line(600, 0.1, np.stack([known, np.full(2000, 100.0)]))
    assert again.value == pytest.approx(line.value, abs=0.25)
    few = np.stack([known, np.full(2000, 100.0)])[:, :59]
    assert default_line(600, 0.1, few) == default_line(600, 0.1)
    assert default_line(600, 0.1, np.stack([known / 2, np.full(2000, 100.0)])).basis == NORMAL


def test_strangers_at_other_times_are_those_of_the_formula():
    """Oracle: N of pairs of one camera with every other picture left out by hand."""
    _, gg = logits(7)
    cohorts = opened(gg)
    times = cohorts.times
    sample = cohorts.sample.rows
    expected = []
    for camera in (0, 1, 2):
        here = np.flatnonzero(np.equal(CAMS, camera))
        queries = sample[CAMS[sample] == camera]
        for x in queries:
            far = here[np.abs(times[here] - times[x]) > GAP]
            n = []
            for g in far:
                z = gg[x, far[far != g]]
                near = (np.abs(times - times[g]) <= RULE.nearby) & (times != times[g])
                others = [q for q in queries if q not in (x, g) and not near[q]]
                t = gg[others, g]
                n.append(((gg[x, g] - z.mean()) / z.std() + (gg[x, g] - t.mean()) / t.std()) / 2)
            expected.append((max(n), len(far)))
    np.testing.assert_allclose(cohorts.largest.T, expected, rtol=1e-4)
