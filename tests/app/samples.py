"""Made-up values for views: a set of small pictures, rankings, pairs. No torch, no engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.state.values import ModelInfo
from app.state.workspace import Workspace
from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.galleries.values import OpenSet, PairView
from qaconv_core.types import CorrespondenceMap, ImageRef, ImageSet, ModelSpec, RankingResult
from tests.builders import write_picture

GRID = (6, 3)


def sample_set(folder: Path, people: int = 4, cameras: int = 3, pictures: bool = True) -> OpenSet:
    """``people`` × ``cameras`` gallery pictures and one query of each person (camera 0)."""
    query, gallery = [], []
    for pid in range(1, people + 1):
        for camid in range(cameras):
            path = folder / "gallery" / f"{pid:04}_c{camid + 1}s1_{100 * pid + camid:06}_01.png"
            gallery.append(ImageRef(path, pid, camid, 100.0 * pid + camid))
        path = folder / "query" / f"{pid:04}_c1s1_{100 * pid:06}_00.png"
        query.append(ImageRef(path, pid, 0, 100.0 * pid))
    if pictures:
        for ref in (*query, *gallery):
            write_picture(ref.path, ref.pid or 0, (32, 64))
    return OpenSet(
        name="sample",
        root=folder,
        layout="made for tests",
        query=ImageSet(tuple(query), "query"),
        gallery=ImageSet(tuple(gallery), "gallery"),
        added_from=len(query),
    )


def sample_ranking(data: OpenSet, query: int = 0, seed: int = 0) -> RankingResult:
    """The gallery in random order, with its truth."""
    random = np.random.default_rng((seed, query))
    values = np.sort(random.normal(0, 5, len(data.gallery)).astype(np.float32))[::-1].copy()
    order = random.permutation(len(data.gallery))
    same = data.gallery_pids[order] == data.query_pids[query]
    own_camera = data.gallery_camids[order] == data.query_camids[query]
    truth = np.where(same, RankingResult.TRUE, RankingResult.FALSE)
    truth[same & own_camera] = RankingResult.JUNK
    return RankingResult((query,), order, values, truth.astype(np.int8))


def sample_pair(query: int = 0, candidate: int = 0, grid: tuple[int, int] = GRID) -> PairView:
    """An exact explanation of random similarities under a random head."""
    random = np.random.default_rng((query, candidate))
    cells = grid[0] * grid[1]
    similarity = random.uniform(-0.2, 1, (cells, cells)).astype(np.float32)
    weights = random.normal(0.4, 0.5, (2, cells)).astype(np.float32)
    best_query, best_gallery = similarity.max(axis=0), similarity.max(axis=1)
    adds = best_query * weights[0], best_gallery * weights[1]
    match = CorrespondenceMap(
        logit=float(adds[0].sum() + adds[1].sum() - 3.0),
        bias=-3.0,
        grid=grid,
        query_similarity=best_query.reshape(grid),
        query_best=similarity.argmax(axis=0).reshape(grid),
        query_contribution=adds[0].reshape(grid),
        gallery_similarity=best_gallery.reshape(grid),
        gallery_best=similarity.argmax(axis=1).reshape(grid),
        gallery_contribution=adds[1].reshape(grid),
    )
    return PairView(query, candidate, match, similarity)


def sample_model(grid: tuple[int, int] = GRID) -> ModelInfo:
    """What is known of a loaded model."""
    spec = ModelSpec(
        arch="resnet18", ibn="b", layer="layer3", neck=128, neck_bn=False, head="shared",
        grid=grid, channels=128, input_size=(16 * grid[0], 16 * grid[1]), release="2.1", epoch=8,
    )  # fmt: skip
    return ModelInfo(spec, (), "a processor", "demo")


def sample_workspace(folder: Path, people: int = 4, cameras: int = 3) -> Workspace:
    """A workspace with a set, a model, a ranking and a pair, as after a first start."""
    space = Workspace()
    space.open_data(sample_set(folder, people, cameras))
    space.set_model(sample_model())
    space.select_queries((0,))
    assert space.data is not None
    ranking = sample_ranking(space.data)
    space.set_ranking(ranking)
    space.select_candidate(int(ranking.order[0]))
    space.set_pair(sample_pair(0, int(ranking.order[0])))
    return space


def above_average(pair: PairView) -> PairView:
    """The pair with a random average contribution of each cell."""
    random, match = np.random.default_rng(7), pair.match
    average = random.normal(0.2, 0.3, (2, *match.grid))
    places = random.uniform(0, 100, (2, *match.grid))
    found = RelativeMatch(
        match.query_contribution - average[0],
        match.gallery_contribution - average[1],
        places[0],
        places[1],
        float(match.bias + average.sum()),
        match.logit,
    )
    return replace(pair, relative=found)
