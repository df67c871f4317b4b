"""Feature maps and rankings to measure on, made from a seed.

Maps of people resemble each other in some cells and not in others; numbers drawn independently
(:func:`random_maps`) are the worst case for any shortcut, since then all pictures are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from qaconv_core.models.qaconv import QAConv
from qaconv_core.types import Float16, Float32, Float64, Grid, Int64

_AT_ONCE = 256


def sample_matcher(grid: Grid, seed: int = 0) -> QAConv:
    """A shared head with weights of the size that training gives."""
    matcher = QAConv(grid)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        matcher.fc.weight.copy_(torch.rand(matcher.fc.weight.shape, generator=generator) * 0.3)
        matcher.bn.weight.fill_(5.0)
        matcher.bn.bias.fill_(-3.0)
    return matcher.eval()


def people_maps(count: int, channels: int, grid: Grid, seed: int = 0, each: int = 20) -> Float16:
    """Maps (count, C, h, w) with unit norm: what all share, what a person has, what a view has."""
    generator = torch.Generator().manual_seed(seed)

    def field(n: int) -> torch.Tensor:
        coarse = torch.randn(n, channels, 6, 3, generator=generator)
        return functional.interpolate(coarse, size=grid, mode="bilinear", align_corners=False)

    common, persons = field(1), field(-(-count // each)).half()
    maps = np.empty((count, channels, *grid), dtype=np.float16)
    for start in range(0, count, _AT_ONCE):
        stop = min(count, start + _AT_ONCE)
        person = persons[torch.arange(start, stop) // each].float()
        noise = torch.randn(stop - start, channels, *grid, generator=generator)
        view = common + 0.9 * person + 0.7 * field(stop - start) + 0.35 * noise
        maps[start:stop] = functional.normalize(view, dim=1).half().numpy()
    return maps


def people_blocks(
    count: int, channels: int, grid: Grid, seed: int = 0, each: int = 20
) -> Iterator[Float16]:
    """Maps like those of :func:`people_maps`, some hundred at a time, for galleries of any size.

    Quick to make: the noise of the cells is taken from a few maps of noise, channels shifted.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = 0.35 * torch.randn(16, channels, *grid, generator=generator)
    common = torch.randn(1, channels, 6, 3, generator=generator)
    step = each * max(1, _AT_ONCE // each)
    for start in range(0, count, step):
        person = torch.randn(step // each, channels, 6, 3, generator=generator)
        coarse = common + 0.9 * person.repeat_interleave(each, dim=0)
        coarse += 0.7 * torch.randn(step, channels, 6, 3, generator=generator)
        view = functional.interpolate(coarse, size=grid, mode="bilinear", align_corners=False)
        for number in range(0, step, len(noise)):
            part = view[number : number + len(noise)]
            shift = int(torch.randint(channels, (1,), generator=generator))
            part += noise.roll(shift, dims=1)[: len(part)]
        maps: Float16 = functional.normalize(view, dim=1).half().numpy()
        yield maps[: count - start]


def random_maps(count: int, channels: int, grid: Grid, seed: int = 0) -> Float16:
    """Maps (count, C, h, w) with unit norm of independent numbers."""
    generator = torch.Generator().manual_seed(seed)
    maps = np.empty((count, channels, *grid), dtype=np.float16)
    for start in range(0, count, _AT_ONCE):
        part = torch.randn(min(_AT_ONCE, count - start), channels, *grid, generator=generator)
        maps[start : start + len(part)] = functional.normalize(part, dim=1).half().numpy()
    return maps


@dataclass(frozen=True)
class Sample:
    """A ranking task: distances (p, g), persons, cameras, times in seconds."""

    dist: Float32
    query_ids: Int64
    gallery_ids: Int64
    query_cams: Int64
    gallery_cams: Int64
    query_times: Float64
    gallery_times: Float64


def sample_ranking(queries: int, galleries: int, seed: int = 0) -> Sample:
    """Persons before six cameras; pictures of one person are nearer."""
    rng = np.random.default_rng(seed)
    persons = max(2, galleries // 20)
    ids = [rng.integers(0, persons, n) for n in (queries, galleries)]
    cams = [rng.integers(0, 6, n) for n in (queries, galleries)]
    times = [rng.uniform(0, 6000, n) for n in (queries, galleries)]
    dist = rng.random((queries, galleries), dtype=np.float32)
    dist[ids[0][:, None] == ids[1]] *= 0.3
    return Sample(dist, ids[0], ids[1], cams[0], cams[1], times[0], times[1])


def sample_points(count: int, seed: int = 0) -> Float32:
    """Points (count, 32) of unit length, of which ten each lie together."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((-(-count // 10), 32)).repeat(10, axis=0)[:count]
    points = (points + 0.5 * rng.standard_normal(points.shape)).astype(np.float32)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


def point_distances(some: Float32, others: Float32) -> Float32:
    """(1 − cosine) / 2 of all pairs, in [0, 1]."""
    dist = some @ others.T
    np.subtract(1, dist, out=dist)
    np.maximum(dist, 0, out=dist)
    dist *= np.float32(0.5)
    return dist


def sample_distances(count: int, seed: int = 0) -> Float32:
    """Distances (count, count) in [0, 1] between :func:`sample_points`."""
    points = sample_points(count, seed)
    return point_distances(points, points)
