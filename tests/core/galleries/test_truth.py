"""Truth of several queries together, beside a formulation picture by picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.galleries.truth import GroundTruth, truth_by_labels
from qaconv_core.galleries.values import OpenSet
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.types import ImageRef, ImageSet, RankingResult, ranks

TRUE, FALSE = RankingResult.TRUE, RankingResult.FALSE
JUNK, NOT_KNOWN = RankingResult.JUNK, RankingResult.NOT_KNOWN
PEOPLE = st.sampled_from([None, 0, 1, 2])
REFS = st.builds(ImageRef, st.just(Path("nowhere.jpg")), PEOPLE, st.sampled_from([None, 0, 1]))


def plain_truth(queries, picture, junk_rule):
    """What one gallery picture is for queries together."""
    for query in queries:
        same_person = query.pid is not None and query.pid == picture.pid
        same_camera = query.camid is not None and query.camid == picture.camid
        if junk_rule and same_person and same_camera:
            return JUNK
    pids = {query.pid for query in queries}
    if len(pids) > 1 or None in pids or picture.pid is None:
        return NOT_KNOWN
    return TRUE if picture.pid in pids else FALSE


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(REFS, min_size=1, max_size=3), st.lists(REFS, min_size=1, max_size=8), st.booleans()
)
def test_truth_is_that_of_each_picture_alone(queries, gallery, junk_rule):
    found = GroundTruth(ImageSet(tuple(gallery)), junk_rule).of(queries)
    assert found.dtype == np.int8
    assert found.tolist() == [plain_truth(queries, picture, junk_rule) for picture in gallery]


def test_a_query_s_own_file_is_junk_whoever_is_on_it(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a picture")
    other = ImageRef(tmp_path / "b.jpg", 2, 0)
    truth = GroundTruth(ImageSet((other, ImageRef(path))))
    assert truth.of([ImageRef(path)]).tolist() == [NOT_KNOWN, JUNK]
    assert truth.of([ImageRef(Path("c.jpg"), 2, 1), ImageRef(path, 2, 3)]).tolist() == [TRUE, JUNK]
    assert truth.own_files([ImageRef(Path("c.jpg")), ImageRef(path)]).tolist() == [1]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(REFS, min_size=1, max_size=3), st.lists(REFS, min_size=1, max_size=8), st.booleans()
)
def test_labels_say_the_same_of_a_ranking_as_a_set_that_has_them(asked, pictures, junk_rule):
    read, labelled = (
        [ImageSet(tuple(replace(ref, pid=ref.pid if on else None) for ref in refs))
         for refs in (asked, pictures)]
        for on in (False, True)
    )  # fmt: skip
    data = OpenSet("own", Path(), "", *read, len(asked), junk_rule=junk_rule)
    called = data.called(*labelled)
    queries = tuple(range(len(asked)))
    order = np.arange(len(pictures))[::-1]
    truth = GroundTruth(read[1], junk_rule).of(read[0].refs)
    ranking = RankingResult(
        queries, order, np.linspace(1, 0, len(order), dtype=np.float32), truth[order]
    )
    found = truth_by_labels(ranking, called)
    wanted = GroundTruth(labelled[1], junk_rule).of(labelled[0].refs)
    assert found.truth.tolist() == wanted[order].tolist()
    assert called.as_read is data
    assert called.dataset == data.dataset
    assert truth_by_labels(ranking, data) is ranking


def test_ranks_count_all_but_junk():
    truth = np.array([JUNK, TRUE, FALSE, JUNK, NOT_KNOWN, TRUE], dtype=np.int8)
    assert ranks(truth).tolist() == [0, 1, 2, 0, 3, 4]


def test_values_of_several_queries_become_the_best_or_the_mean():
    rows = np.array([[1.0, -4.0, 2.0], [3.0, -5.0, 2.0]], dtype=np.float32)
    assert fuse_logits(list(rows)).tolist() == [3.0, -4.0, 2.0]
    assert fuse_logits(rows, "mean").tolist() == [2.0, -4.5, 2.0]
    assert fuse_logits(rows[:1], "mean").tolist() == rows[0].tolist()
    assert fuse_logits(rows, "mean").dtype == np.float32
    assert float(fuse_logits([1.5, 4.5], "mean")) == 3.0
    with pytest.raises(InputError, match="max or mean"):
        fuse_logits(rows, "min")
    with pytest.raises(InputError, match="choose a query"):
        fuse_logits([])
