"""Normalised scores of an evaluation beside the formula, with what re-ranking takes of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from qaconv_core.errors import InputError
from qaconv_core.evaluation.evaluator import GALLERY_STAGE, Job, _normalised, _Scoring
from qaconv_core.evaluation.methods import (
    PROFILE_NOTE,
    Labels,
    MethodOptions,
    distance_of_normalised,
    measure_methods,
)
from qaconv_core.evaluation.normalised import NormalisedScores, SavedLogits
from qaconv_core.matching.plan import plan_scoring
from qaconv_core.models import QAConv
from qaconv_core.ranking import camera_normalise
from qaconv_core.ranking.cohorts import CohortRule
from qaconv_core.types import FIRST_RELEASES, FeatureBank

P, G = 12, 80
OPTIONS = MethodOptions(rerank=True, tlift=True, normalise=True)


def labels(seed=0, times=True):
    random = np.random.default_rng(seed)
    cams = random.integers(0, 2, P), random.integers(0, 2, G)
    seen = [random.uniform(0, 500, n) if times else np.full(n, np.nan) for n in (P, G)]
    return Labels(
        random.integers(1, 6, P), random.integers(1, 6, G), *cams, *seen,
        left_out=(np.array([2]), np.array([5])),
    )  # fmt: skip


def model_of(head, release="v2.0"):
    return SimpleNamespace(
        head=head,
        device=torch.device("cpu"),
        spec=SimpleNamespace(release=release),
        plan=lambda p, g, in_memory: plan_scoring(p, g, (8, 3, 2), available=1 << 40),
    )


def banks(seed=1):
    random = np.random.default_rng(seed)
    for n in (P, G):
        maps = random.normal(0, 1, (n, 8, 3, 2))
        maps /= np.linalg.norm(maps, axis=1, keepdims=True)
        yield FeatureBank(maps.astype(np.float16), np.arange(n))


def rule_of(head):
    torch.manual_seed(3)
    return QAConv((3, 2), head).eval().affine()


def matrices(seed=0, symmetric=True):
    random = np.random.default_rng(seed)
    whole = random.normal(-3, 8, (P + G, P + G))
    if symmetric:
        whole = (whole + whole.T) / 2
    return whole[:P, :P], whole[:P, P:], whole[P:, P:]


def test_within_the_gallery_both_pictures_are_left_out():
    qq, qg, gg = matrices()
    known = labels()
    found = NormalisedScores(SavedLogits(qg, (qq, gg)), known, OPTIONS)
    times = {"gallery_times": known.gallery_times}
    n = camera_normalise(
        qg, gg, known.query_cams, known.gallery_cams, query_times=known.query_times, **times,
        left_out=known.left_out,
    )  # fmt: skip
    np.testing.assert_allclose(found.scores(), n, atol=1e-5)
    every = np.arange(G), np.arange(G)
    inner = camera_normalise(
        gg, gg, known.gallery_cams, known.gallery_cams, query_times=known.gallery_times, **times,
        left_out=every,
    )  # fmt: skip
    _, gallery = found.within()
    np.testing.assert_allclose(gallery, distance_of_normalised(inner), atol=1e-5)


def test_within_the_queries_strangers_are_gallery_pictures():
    qq, qg, gg = matrices()
    known = labels(times=False)
    found = NormalisedScores(SavedLogits(qg, (qq, gg)), known, OPTIONS)
    found.scores()
    expected = np.empty((P, P))
    for a in range(P):
        for b in range(P):
            leave = {5} if 2 in (a, b) else set()
            z = [qg[a, x] for x in range(G)
                 if known.gallery_cams[x] == known.query_cams[b] and x not in leave]  # fmt: skip
            t = [qg[b, x] for x in range(G)
                 if known.gallery_cams[x] == known.query_cams[a] and x not in leave]  # fmt: skip
            expected[a, b] = sum((qq[a, b] - np.mean(v)) / np.std(v) for v in (z, t)) / 2
    queries, _ = found.within()
    np.testing.assert_allclose(queries, distance_of_normalised(expected), atol=1e-5)


def test_without_scores_within_the_gallery_other_queries_are_the_strangers():
    random = np.random.default_rng(0)
    p, g = 60, 90
    qg = random.normal(0, 5, (p, g))
    cams = np.arange(p) % 2, np.arange(g) % 2
    nothing = np.full(p, np.nan), np.full(g, np.nan)
    known = Labels(random.integers(1, 6, p), random.integers(1, 6, g), *cams, *nothing)
    found = NormalisedScores(SavedLogits(qg, None), known, OPTIONS)
    z = [qg[3, x] for x in range(g) if x % 2 == 0 and x != 4]
    t = [qg[x, 4] for x in range(p) if x % 2 == 1 and x != 3]
    expected = sum((qg[3, 4] - np.mean(v)) / np.std(v) for v in (z, t)) / 2
    assert found.scores()[3, 4] == pytest.approx(expected, abs=1e-5)
    assert found.within_approximation == PROFILE_NOTE
    assert "other queries of the query's camera" in found.notes()[0]
    assert [part.shape for part in found.within()] == [(p, p), (g, g)]


@pytest.mark.parametrize("head", ["shared", "two-sided"])
def test_an_evaluation_scores_each_pair_once(head):
    query, gallery = banks()
    rule = rule_of(head)
    told: dict[str, int] = {}

    def listen(progress):
        told[progress.stage] = progress.done

    job = Job(progress=listen, keep_inner=True)
    scoring = _Scoring(model_of(rule), query, gallery, job, None, OPTIONS)
    known = labels()
    options = MethodOptions(rerank=True, normalise=True)
    normalised = _normalised(scoring, known, options, job)
    result = measure_methods(
        scoring.logits(), scoring.distances, known, options, within=scoring.within,
        normalised=normalised, context=job,
    )  # fmt: skip
    assert [r.method for r in result.results] == [
        "qaconv", "qaconv+rerank", "qaconv+norm", "qaconv+norm+rerank",
    ]  # fmt: skip
    two_sided = head == "two-sided"
    assert told[GALLERY_STAGE] == (G * G if two_sided else G * (G + 1) // 2)
    assert ("scoring cohorts" in told) == two_sided  # the gallery as queries' queries
    gg = scoring.gallery_logits()
    expected = camera_normalise(
        scoring.logits(), gg, known.query_cams, known.gallery_cams,
        query_times=known.query_times, gallery_times=known.gallery_times, left_out=known.left_out,
    )  # fmt: skip
    np.testing.assert_allclose(result.score_norm, expected, atol=1e-4)


def test_the_first_releases_take_the_other_role_within_a_side():
    query, gallery = banks()
    rule = rule_of("two-sided")
    known, options = labels(), MethodOptions(rerank=True, normalise=True)
    found = []
    for release in ("v2.0", FIRST_RELEASES):
        job = Job(keep_inner=True)
        scoring = _Scoring(model_of(rule, release), query, gallery, job, None, OPTIONS)
        normalised = _normalised(scoring, known, options, job)
        found.append((normalised.scores(), *normalised.within()))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-4)
    for later, first in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(later, first.T, atol=1e-4)
        assert np.abs(later - first).max() > 0.01


def test_without_re_ranking_only_the_cohorts_are_scored():
    query, gallery = banks()
    rule = rule_of("shared")
    told: dict[str, int] = {}
    job = Job(progress=lambda progress: told.update({progress.stage: progress.done}))
    scoring = _Scoring(model_of(rule), query, gallery, job, None, OPTIONS)
    known = labels()
    options = MethodOptions(normalise=True, cohorts=CohortRule(25))
    found = _normalised(scoring, known, options, job).scores()
    assert GALLERY_STAGE not in told
    assert told["scoring cohorts"] == 50 * G
    expected = camera_normalise(
        scoring.logits(), scoring.gallery_logits(), known.query_cams, known.gallery_cams,
        query_times=known.query_times, gallery_times=known.gallery_times, left_out=known.left_out,
        rule=options.cohorts,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_wrong_options_are_named():
    with pytest.raises(InputError, match="leave out --rerank-top or --normalise"):
        MethodOptions(normalise=True, rerank=True, rerank_top=50)
    with pytest.raises(InputError, match="more than 20 pictures"):
        CohortRule(20)
    with pytest.raises(InputError, match="0 or more seconds"):
        CohortRule(nearby=-1)


def test_saved_matrices_with_the_row_in_the_gallerys_role_are_turned():
    qq, qg, gg = matrices(symmetric=False)
    usual = NormalisedScores(SavedLogits(qg, (qq, gg)), labels(), OPTIONS)
    turned = NormalisedScores(SavedLogits(qg, (qq.T, gg.T), True), labels(), OPTIONS)
    wrong = NormalisedScores(SavedLogits(qg, (qq.T, gg.T)), labels(), OPTIONS)
    np.testing.assert_allclose(turned.scores(), usual.scores(), atol=1e-6)
    assert np.abs(wrong.scores() - usual.scores()).max() > 0.01
    for ours, theirs in zip(turned.within(), usual.within(), strict=True):
        np.testing.assert_allclose(ours, theirs.T, atol=1e-6)
