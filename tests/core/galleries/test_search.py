"""A gallery searched by the engine, beside the matching rule and a full sort."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qaconv_core.data import open_dataset
from qaconv_core.errors import InputError
from qaconv_core.evaluation.ranked_lists import ranked_item
from qaconv_core.galleries import partial
from qaconv_core.galleries.estimates import Estimates
from qaconv_core.galleries.partial import PartialGallery
from qaconv_core.galleries.search import GallerySearch, open_search
from qaconv_core.galleries.values import MethodScores, OpenSet
from qaconv_core.galleries.what_if import pair_logits, what_if_ranks
from qaconv_core.model import load_model
from qaconv_core.progress import NO_CONTEXT
from qaconv_core.ranking.cohorts import CohortRule
from qaconv_core.searching import choice
from qaconv_core.searching import top as top_module
from qaconv_core.types import ImageRef, RankingResult, score_of_logit
from tests.checkpoints import write_checkpoint
from tests.small_world import small_checkpoint, write_market


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(model, set of 5 queries and 26 gallery pictures)."""
    folder = tmp_path_factory.mktemp("search")
    dataset = open_dataset("market", write_market(folder))
    path = folder / "checkpoint.pth.tar"
    write_checkpoint(path, small_checkpoint())
    data = OpenSet(dataset.name, dataset.root, dataset.layout, dataset.query, dataset.gallery, 5)
    torch.set_num_threads(1)
    return load_model(path, "cpu"), data


@pytest.fixture(scope="module")
def maps(world):
    made, rejected = open_search(*world, None)
    assert rejected == ()
    return made


@pytest.fixture
def search(world, maps):
    """A search that has answered nothing yet."""
    return GallerySearch(*world, maps._query, maps.gallery)


def sorted_by(values):
    return np.argsort(-values, kind="stable").tolist()


def test_one_query_is_ranked_by_its_logits(search):
    logits = search.model.score(search.query_map(2)[None], search.gallery)[0]
    found = search.rank((2,))
    assert found.order.tolist() == sorted_by(logits)
    assert found.gallery_values.tolist() == logits.tolist()
    assert found.truth.tolist() == search.truth((2,))[found.order].tolist()
    assert (found.certainty, found.approximation, found.queries) == ("exact", "", (2,))
    listed = search.listed(found, 4)
    assert listed.order.tolist() == found.order[:5].tolist()
    assert sorted(listed.ranks.tolist()) == [0, 1, 2, 3, 4]  # junk among them does not count


@pytest.mark.parametrize(("fuse", "combine"), [("max", np.max), ("mean", np.mean)])
def test_several_queries_are_fused(search, fuse, combine):
    rows = search.model.score(np.stack([search.query_map(q) for q in (0, 3)]), search.gallery)
    found = search.rank((0, 3), fuse=fuse)
    assert found.gallery_values == pytest.approx(combine(rows, axis=0), abs=1e-5)
    assert set(found.truth.tolist()) == {RankingResult.JUNK, RankingResult.NOT_KNOWN}
    with pytest.raises(InputError, match="choose a query"):
        search.rank(())


def test_other_methods_need_their_scores_and_say_where_a_picture_stood_before(search):
    with pytest.raises(InputError, match=r"^QAConv \+ re-ranking needs .* evaluate this"):
        search.rank((0,), "qaconv+rerank")
    random = np.random.default_rng(0).random((2, 5, 26), dtype=np.float32)
    scores = {"qaconv": random[0], "qaconv+rerank": random[1]}
    search.measured = MethodScores(scores, {"qaconv+rerank": "of the 5 nearest"})
    found = search.rank((1,), "qaconv+rerank")
    assert found.order.tolist() == sorted_by(random[1][1])
    plain = sorted_by(random[0][1])
    assert [plain[place] for place in found.before] == found.order.tolist()
    assert (found.kind, found.approximation) == ("score", "of the 5 nearest")
    assert found.whole_logits.tolist() == random[0][1][found.order].tolist()
    item = ranked_item(search.data.gallery, replace(found, values=found.values * 9), 0)
    assert item["score"] == score_of_logit(float(found.whole_logits[0])) < 1
    assert item["reranked"] == pytest.approx(9 * found.values[0])
    assert search.rank((1,)).order.tolist() == plain


def test_an_added_query_is_ranked_by_plain_logits_and_its_own_file_is_left_out(search):
    picture = search.data.gallery[7]
    assert search.add_queries((picture,)).query[5] is picture
    found = search.rank((5,), "qaconv+rerank")
    assert found.method == "qaconv"
    assert found.truth_of(7) == RankingResult.JUNK
    assert found.rank_of(7) == 0
    assert 7 in found.order
    listed = search.listed(found, 26)
    assert 7 not in listed.order
    assert len(listed.order) == 25
    assert listed.ranks.tolist() == [r for g, r in zip(found.order, found.ranks, strict=True)
                                     if g != 7]  # fmt: skip


def test_averages_leave_the_own_file_out_and_a_part_has_none(search):
    search.add_queries((search.data.gallery[7],))
    assert not search.knows_average(5)
    assert search.explain(5, 0).relative is None
    search.measure_average(5)
    pairs = [search.explain(5, g).match for g in range(26) if g != 7]
    pair = search.explain(5, 0)
    mean = np.mean([match.logit for match in pairs])
    assert pair.relative.mean_logit == pytest.approx(mean, abs=1e-3)
    part = np.zeros(pair.match.grid, dtype=bool)
    part[0] = True
    assert search.explain(5, 0, part).relative is None
    picture, bank = search.data.gallery.select([7]), search.gallery.select([7])
    nobody = GallerySearch(
        search.model, replace(search.data, query=picture, gallery=picture), bank, bank
    )
    nobody.measure_average(0)
    assert nobody.knows_average(0)
    assert nobody.average(0) is None


# ── estimates ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def estimated(search, monkeypatch):
    """A prepared gallery; integer products are right everywhere."""
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: True)
    monkeypatch.setattr(top_module, "_PORTION", 1)
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, ranking_from=26))
    search.prepare("ranking")
    assert isinstance(search.estimates, Estimates)
    return search


def test_the_best_are_exact_and_the_ranking_says_where_that_ends(estimated):
    found = estimated.rank((0,), head=5)
    assert (found.certainty, found.exact_to, found.scored < 26) == ("proved", 5, True)
    assert found.approximation.startswith("the best 5 are exact; scores of others are estimates")
    exact = estimated.rank((0,), exact=True)
    assert (exact.certainty, exact.approximation) == ("exact", "")
    assert found.order[:5].tolist() == exact.order[:5].tolist()
    assert found.values[:5].tolist() == exact.values[:5].tolist()
    assert len(found.order) == 26
    off = np.abs(found.values - exact.gallery_values[found.order])
    assert 0 < off.max() < 1
    assert (off <= found.bounds + 1e-6).all()
    listed = estimated.listed(found, 5)
    assert (listed.exact_to, listed.approximation) == (5, ""), "what is shown is proved"
    # known exactly, it is not estimated again
    assert estimated.rank((0,)).certainty == "exact"


def test_several_queries_are_joined_by_their_best(estimated):
    found = estimated.rank((0, 1), head=5)
    assert (found.exact_to, found.certainty) == (0, "proved")
    assert found.approximation.startswith("the best 5 of each query are exact")
    assert found.order[0] == estimated.rank((0, 1), exact=True).order[0]


def test_a_head_of_everything_is_exact(estimated):
    assert estimated.rank((0,), head=26).certainty == "exact"
    both = estimated.rank((3, 4), head=26)
    assert both.certainty == "exact"
    assert both.order.tolist() == estimated.rank((3, 4), exact=True).order.tolist()


def test_normalised_scores_from_estimates_say_so_and_are_close(estimated):
    estimated.measure_cohorts(CohortRule(), NO_CONTEXT)
    found = estimated.rank_normalised((0,), head=5)
    assert (found.ranking.certainty, found.ranking.exact_to) == ("measured", 0)
    assert "rests on estimates" in found.ranking.approximation
    assert "rests on estimates" in estimated.listed(found.ranking, 3).approximation
    estimated.estimates = None
    estimated.measure_cohorts(CohortRule(), NO_CONTEXT)
    exact = estimated.rank_normalised((0,), head=5)
    assert (exact.ranking.certainty, exact.ranking.approximation) == ("exact", "")
    head = exact.ranking.order[:5]
    assert set(found.ranking.order[:5]) == set(head)
    np.testing.assert_allclose(found.n[head], exact.n[head], atol=0.02)
    np.testing.assert_array_equal(found.logits[head], exact.logits[head])


def test_estimates_of_a_query_are_kept(estimated, monkeypatch):
    calls, real = [], estimated.model.rank_top
    monkeypatch.setattr(
        estimated.model, "rank_top", lambda *a, **k: calls.append(1) or real(*a, **k)
    )
    for _ in range(2):
        estimated.rank((2,), head=5)
    assert len(calls) == 1


def test_small_galleries_and_those_that_cannot_gain_are_scored_in_whole(search, monkeypatch):
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, ranking_from=27))
    search.prepare("ranking")
    assert search.estimates is None
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, ranking_from=26))
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: False)  # and a 12×4 grid is coarse
    search.prepare("ranking")
    assert search.estimates is None
    monkeypatch.setattr(choice, "LIMITS", replace(choice.LIMITS, best_from=1))
    monkeypatch.setattr(top_module, "fast_bytes", lambda _: True)
    search.prepare("best")  # in memory, what is prepared would be lost after the run
    assert search.estimates is None


# ── a gallery in part ───────────────────────────────────────────────────────────────────────────


def test_what_is_there_of_a_gallery_is_ranked_as_in_the_whole(search):
    some = PartialGallery(search.model, search.data)
    chosen = np.array([20, 3, 11, 8])
    assert some.rank((0,)).order.tolist() == []
    some.add_query(0, search.query_map(0).astype(np.float16))
    some.add(chosen[:3], np.stack([search.gallery[i] for i in chosen[:3]]))
    assert set(some.rank((0,)).order) == {20, 3, 11}
    some.add(chosen[3:], search.gallery[8][None])
    found, whole = some.rank((0,)), search.rank((0,))
    assert found.order.tolist() == [g for g in whole.order if g in chosen]
    assert not found.whole
    assert found.size == 26
    for g in chosen:
        assert found.value_of(g) == pytest.approx(whole.value_of(g), abs=1e-5)
        assert found.truth_of(g) == whole.truth_of(g)
    pair = some.explain(0, 20)
    assert pair.match.logit == pytest.approx(search.explain(0, 20).match.logit, abs=1e-5)
    assert some.why(pair, some.explain(0, 3)).difference.total == pytest.approx(
        pair.match.logit - search.explain(0, 3).match.logit, abs=1e-4
    )


def test_parts_of_a_gallery_are_reported_while_it_is_computed(world, monkeypatch):
    monkeypatch.setattr(partial, "FEWEST", 1)
    monkeypatch.setattr(partial, "PAUSE", 0.0)
    seen = []
    made, _ = open_search(
        *world, None, first=(1,),
        report=lambda part: seen.append(len(part.rank((1,)).order)),
    )  # fmt: skip
    assert seen == sorted(seen)
    assert seen[-1] == 26
    assert made.rank((1,)).whole


def test_unreadable_pictures_are_left_out_and_named(world, tmp_path):
    model, data = world
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    refs = (ImageRef(broken), *data.gallery.refs[:3])
    part = replace(data, gallery=replace(data.gallery, refs=refs))
    made, rejected = open_search(model, part, None)
    assert [one.path for one in rejected] == [broken]
    assert made.data.gallery.refs == data.gallery.refs[:3]
    nothing = replace(data, gallery=replace(data.gallery, refs=(ImageRef(Path("gone.jpg")),)))
    with pytest.raises(InputError, match="none of the gallery pictures"):
        open_search(model, nothing, None)


def test_a_normalised_score_is_broken_down_into_cells(search):
    with pytest.raises(InputError, match="not measured yet"):
        search.rank_normalised((1,))
    search.measure_cohorts(CohortRule(), NO_CONTEXT)
    found = search.rank_normalised((1,))
    assert found.ranking.truth.tolist() == search.truth((1,))[found.ranking.order].tolist()
    for candidate in found.ranking.order[:3].tolist():
        parts = search.explain(1, candidate, normalised=True).normalised
        assert parts.query.sum() + parts.gallery.sum() == pytest.approx(
            found.n[candidate], abs=1e-4
        )
        assert parts.slope == pytest.approx(found.slope[candidate], rel=1e-4)


@pytest.mark.parametrize(("fuse", "combine"), [("max", np.max), ("mean", np.mean)])
def test_several_queries_are_normalised_one_by_one_and_joined(search, fuse, combine):
    search.measure_cohorts(CohortRule(), NO_CONTEXT)
    each = [search.rank_normalised((query,)) for query in (0, 3)]
    found = search.rank_normalised((0, 3), fuse, false_alarms=0.2)
    expected = combine([one.n for one in each], axis=0)
    np.testing.assert_allclose(found.n, expected, atol=1e-5)
    assert found.ranking.order.tolist() == sorted_by(found.n.astype(np.float32))
    assert found.ranking.queries == (0, 3)
    assert found.ranking.truth.tolist() == search.truth((0, 3))[found.ranking.order].tolist()
    plain = search.rank((0, 3), fuse=fuse, exact=True)
    whole = found.ranking.whole_logits[found.ranking.places]
    np.testing.assert_allclose(whole, plain.gallery_values, atol=1e-4)
    np.testing.assert_array_equal(found.best, np.argmax([one.n for one in each], axis=0))
    record = found.line_record(found.ranking)
    assert (record["queries"], record["fuse"], record["false_alarms"]) == (2, fuse, 0.2)
    single = search.rank_normalised((0,), false_alarms=0.1 if fuse == "max" else 0.2)
    assert found.line.value == pytest.approx(single.line.value)
    kind = "largest" if fuse == "max" else "mean"
    assert found.line_words(found.ranking).startswith(f"N is the {kind} of 2 queries")
    index = int(found.ranking.order[0])
    assert found.share_words(index).startswith(f"2 queries together {found.n[index]:+.2f} σ: ")
    assert found.counted_words(index) in found.share_words(index)


def test_strangers_of_several_queries_are_counted_by_their_joined_n(search):
    search.measure_cohorts(CohortRule(), NO_CONTEXT)
    found = search.rank_normalised((0, 3), "mean")
    cohorts, n = search.cohorts, found.n
    left_out = set()
    for query in (0, 3):
        left_out |= set(search._asked(query).placed(cohorts.whole).near.indices.tolist())
    for index in (0, 5, len(n) - 1):
        members = cohorts.whole.members[cohorts.own.cohort[index]] > 0
        near = set(cohorts.own.inside[index : index + 1].indices.tolist())
        others = [x for x in np.flatnonzero(members).tolist() if x not in left_out | near]
        assert found.cohort[index] == len(others)
        assert found.alike[index] == sum(n[x] >= n[index] for x in others)


def test_a_part_is_one_of_the_first_query_or_of_all(search):
    search.measure_cohorts(CohortRule(), NO_CONTEXT)
    part = np.zeros(search.model.spec.grid, dtype=bool)
    part[:2] = True
    by_part = [search.rank_normalised((query,), part=part) for query in (0, 3)]
    whole = search.rank_normalised((3,))
    first = search.rank_normalised((0, 3), "mean", part=part)
    np.testing.assert_allclose(first.n, (by_part[0].n + whole.n) / 2, atol=1e-5)
    assert first.ranking.evidence == pytest.approx(by_part[0].ranking.evidence)
    every = search.rank_normalised((0, 3), "max", part=part, everywhere=True)
    np.testing.assert_allclose(every.n, np.maximum(*(one.n for one in by_part)), atol=1e-5)
    shares = [one.ranking.evidence for one in by_part]
    assert every.ranking.evidence == pytest.approx(np.mean(shares))
    nothing = search.rank_normalised((0, 3), part=np.zeros_like(part))
    np.testing.assert_allclose(nothing.n, whole.n, atol=1e-5)
    assert nothing.ranking.evidence == 0
    values = search.normalised_values((0, 3), part, "mean")
    np.testing.assert_allclose(values, first.n, atol=1e-5)


def test_hidden_cells_change_the_rank_by_joined_n(search):
    search.measure_cohorts(CohortRule(), NO_CONTEXT)
    ranking = search.rank_normalised((0, 3), "mean").ranking
    candidate = int(ranking.order[ranking.truth != RankingResult.JUNK][2])
    hidden = np.zeros(search.model.spec.grid, dtype=bool)
    hidden[0] = True
    before, after = what_if_ranks(search, ranking, candidate, (hidden, None), "mean")
    assert before == ranking.rank_of(candidate)
    left = search.rank_normalised((0, 3), "mean", part=~hidden).ranking
    assert after == left.rank_of(candidate)
    _before, covered = what_if_ranks(search, ranking, candidate, (None, hidden), "mean")
    n = [pair_logits(search, (query, candidate), None, (None, hidden), True)[1].total
         for query in (0, 3)]  # fmt: skip
    counted = ranking.order[(ranking.truth != RankingResult.JUNK) & (ranking.order != candidate)]
    values = ranking.gallery_values[counted]
    assert covered == 1 + (values > np.mean(n)).sum()
