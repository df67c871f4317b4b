"""Rankings by scores normalised by camera, of a gallery whose statistics are measured once.

What does not depend on a query is the gallery side: how its pictures look to the pictures of each
camera (:class:`GalleryCohorts`). It is kept in the feature store, beside the maps. The query's side
comes out of the query's own logits. Where these are estimates, the candidates that can be among
the best are scored exactly; mean and deviation of the query's logits then rest on estimates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import WorkContext
from qaconv_core.ranking import rank_gallery
from qaconv_core.ranking.camera_norm import (
    Sides,
    Towards,
    column_sums,
    moments,
    t_sums,
    z_sums,
)
from qaconv_core.ranking.cohorts import FEWEST, CohortRule, Cohorts, Placed
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.ranking.line import FALSE_ALARMS, default_line, line_together
from qaconv_core.ranking.other_times import OtherTimes
from qaconv_core.ranking.strangers import Strangers
from qaconv_core.ranking.tracks import by_tracks
from qaconv_core.store.kept_arrays import COHORTS, keep_arrays, kept_path, load_arrays
from qaconv_core.types import (
    UNKNOWN,
    FeatureBank,
    Float32,
    Float64,
    ImageRef,
    Int64,
    RankingResult,
)

METHOD = "qaconv+norm"
STAGE = "measuring cohorts"
_PORTION = 64
PART_PAIRS = 400_000
"""Pairs that a search by part scores besides its own, for strangers in the query's place."""

RowLogits = Callable[[int], Float32]
"""A gallery picture in the query's role -> its logits to the gallery (g,)."""


@dataclass(frozen=True)
class Asked:
    """A picture as cohorts see it: its camera (or UNKNOWN) and time (or NaN), and the gallery
    indices of its own file."""

    seen: tuple[int, float]
    same: Int64

    def placed(self, cohorts: Cohorts) -> Placed:
        """It against cohorts."""
        places = np.zeros(len(self.same), dtype=np.int64), np.asarray(self.same, dtype=np.int64)
        camera, time = self.seen
        return cohorts.place(np.array([camera], dtype=np.int64), np.array([time]), places)


def asked_of(ref: ImageRef, same: Int64) -> Asked:
    """A picture whose own file has the gallery indices ``same``."""
    camera = UNKNOWN if ref.camid is None else ref.camid
    return Asked((camera, float("nan") if ref.time is None else ref.time), same)


@dataclass(frozen=True)
class GalleryCohorts:
    """What is known of a gallery before any query.

    ``whole`` are its cohorts for the query's side, ``sample`` those for the gallery's side;
    ``towards`` the sums of the latter, ``largest`` what its line rests on
    (:func:`~qaconv_core.ranking.line.default_line`).
    """

    whole: Cohorts
    towards: Towards
    cams: Int64
    times: Float64
    largest: Float64

    @cached_property
    def own(self) -> Placed:
        """The gallery's pictures against ``whole``."""
        return self.whole.place_own(self.cams, self.times)

    @property
    def sample(self) -> Cohorts:
        """The pictures that stand for the queries' side."""
        return self.towards.cohorts

    def pair(self, query: Asked, candidate: int, by_part: bool = False) -> tuple[Int64, Int64]:
        """Gallery indices of the cohorts of Z and of T of one pair.

        ``by_part``: the strangers of a search by part.
        """
        seen = int(self.cams[candidate]), float(self.times[candidate])
        other = Asked(seen, np.array([candidate], dtype=np.int64))
        drawn = self.part_strangers(query) if by_part else None
        return pair_cohorts(self.whole, self.sample, query, other, drawn)

    def part_strangers(self, query: Asked) -> Int64:
        """Positions in ``sample``, ascending, of those who take the query's place in a search by
        part: its cohort, or as many drawn of it as :data:`PART_PAIRS` allows."""
        placed = query.placed(self.sample)
        member = self.sample.members[placed.cohort[0]] > 0
        member[placed.near.indices] = False
        found = np.flatnonzero(member)
        most = max(FEWEST + 1, PART_PAIRS // max(1, len(self.cams)))
        if len(found) <= most:
            return found
        random = np.random.default_rng([self.sample.rule.seed, most])
        return np.sort(random.choice(found, most, replace=False))

    def part_sums(self, strangers: Int64, logits: Float32) -> Float64:
        """T's sums (3, g) over ``strangers``, whose ``logits`` (k, g) are by the same part."""
        near = self.towards.targets.near[:, strangers].T.toarray() > 0
        values = np.where(near, 0.0, logits.astype(np.float64))
        return np.stack([(~near).sum(axis=0), values.sum(axis=0), (values**2).sum(axis=0)])


def pair_cohorts(
    whole: Cohorts, sample: Cohorts, query: Asked, candidate: Asked, drawn: Int64 | None = None
) -> tuple[Int64, Int64]:
    """Gallery indices of the cohorts of Z (of ``whole``) and of T (of ``sample``, or those
    ``drawn`` of it) of two pictures, whether they are in the gallery or not."""
    found = []
    for cohorts, camera_of in ((whole, candidate), (sample, query)):
        member = cohorts.members[camera_of.placed(cohorts).cohort[0]] > 0
        if camera_of is query and drawn is not None:
            member = np.zeros_like(member)
            member[drawn] = True
        for picture in (query, candidate):
            member[picture.placed(cohorts).near.indices] = False
        found.append(cohorts.rows[member])
    return found[0], found[1]


def open_cohorts(
    gallery: FeatureBank,
    cams: Int64,
    times: Float64,
    rule: CohortRule,
    head: AffineHead,
    rows: RowLogits,
    context: WorkContext,
) -> GalleryCohorts:
    """The cohorts of a gallery, from the store where they were measured before.

    ``rows`` scores what is missing. Raises Cancelled between pictures.
    """
    whole = Cohorts.of(cams, times, len(cams), CohortRule(None, rule.seed, rule.nearby))
    sample = Cohorts.of(cams, times, len(cams), rule)
    targets = sample.place_own(cams, times)
    parts = (cams, times, head.query_weights, head.gallery_weights)
    path = kept_path(gallery, COHORTS, parts, (rule, float(head.bias)))
    known = _load(path, (3, len(sample.members), len(cams)))
    if known is None:
        watched = OtherTimes(sample, cams, times)
        sums = column_sums(watched.watch(_blocks(sample, rows, context)), sample, targets)
        known = sums, watched.largest(sums)
        keep_arrays(path, "the statistics of this gallery are", sums=known[0], largest=known[1])
    sums, largest = known
    towards = Towards(sample, targets, sums, _row_reader(sample, rows))
    return GalleryCohorts(whole, towards, cams, times, largest)


def _row_reader(sample: Cohorts, rows: RowLogits) -> Callable[[Int64], Float32]:
    return lambda some: np.stack([rows(int(sample.rows[position])) for position in some])


def _blocks(
    sample: Cohorts, rows: RowLogits, context: WorkContext
) -> Iterator[tuple[int, Float32]]:
    tracker = context.tracker(STAGE, len(sample.rows), "pictures")
    for position, picture in enumerate(sample.rows.tolist()):
        yield position, rows(picture)[None]
        tracker.advance()


# ── kept ────────────────────────────────────────────────────────────────────────────────────────


def _load(path: Path | None, shape: tuple[int, ...]) -> tuple[Float64, Float64] | None:
    """Sums of that shape, and what the line rests on."""
    known = load_arrays(path, "sums", "largest")
    if known is None:
        return None
    found, largest = known
    fits = found.shape == shape and largest.ndim == 2 and len(largest) == 2
    return (found, largest) if fits else None


# ── one query ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False, kw_only=True)
class NormalisedRanking(Strangers):
    """A gallery in order of N for one query, or for several together.

    ``ranking`` has N as its values, and beside them the logits of the whole pictures. ``logits``
    (g,) are what N was made of, in gallery order: by the part that was searched by, if any.
    ``slope`` (g,) is dN/dlogit; of several queries, while all their logits move alike. ``best``
    (g,) is which of several, from 0, each picture stands highest for.
    """

    ranking: RankingResult
    logits: Float32
    slope: Float64
    best: Int64 | None = None


def normalised_values(
    cohorts: GalleryCohorts, asked: Asked, values: Float32, t_sums: Float64 | None = None
) -> Float64:
    """N (g,) of ``values`` (g,). ``t_sums`` are T's sums where they are not those of whole pictures
    (:meth:`GalleryCohorts.part_sums`)."""
    return _scale(cohorts, asked, values, t_sums).of(values)


def normalised_ranking(
    base: RankingResult,
    cohorts: GalleryCohorts,
    asked: Asked,
    head: int,
    exact: Callable[[Int64], Float32],
    false_alarms: float = FALSE_ALARMS,
    part_sums: Float64 | None = None,
) -> NormalisedRanking:
    """Order a gallery by N for one query.

    ``base`` is its ranking by logits, exact or estimated; ``exact`` scores gallery indices. The
    ``head`` best are exact logits. ``part_sums`` belong to a ranking by part.
    """
    logits = base.gallery_values
    scale = _scale(cohorts, asked, logits, part_sums)
    if base.bounds is not None:
        bounds = np.zeros(len(logits), dtype=np.float32)
        bounds[base.order] = base.bounds
        _certify(logits, bounds, scale.of, head, exact)
    n = scale.of(logits)
    ranking = rank_gallery(n.astype(np.float32), method=METHOD)
    alike, count = _alike(logits, cohorts, _near(cohorts, asked))
    line = default_line(len(logits) - len(asked.same), false_alarms, cohorts.largest)
    whole = logits if base.whole_logits is None else base.whole_logits[base.places]
    ranking = replace(ranking, kind="score", whole_logits=whole[ranking.order])
    whole_n = None if part_sums is None else normalised_values(cohorts, asked, whole)
    return NormalisedRanking(
        n, alike, count, line, whole_n=whole_n, ranking=ranking, logits=logits, slope=scale.slope
    )


def normalised_together(
    found: Sequence[NormalisedRanking],
    fuse: str,
    cohorts: GalleryCohorts,
    asked: Sequence[Asked],
    false_alarms: float = FALSE_ALARMS,
) -> NormalisedRanking:
    """Order a gallery by the largest (``fuse`` ``"max"``) or the ``"mean"`` of N of each query.

    ``found`` are the rankings of the queries ``asked``. Logits beside N are joined in the same way.
    """
    each = np.stack([one.n for one in found])
    n = fuse_logits(each, fuse).astype(np.float64)
    near = np.unique(np.concatenate([_near(cohorts, one) for one in asked]))
    alike, count = _alike(n, cohorts, near)
    same = np.unique(np.concatenate([one.same for one in asked]))
    line = line_together(len(found), fuse, len(n) - len(same), false_alarms, cohorts.largest)
    slopes = np.stack([one.slope for one in found])
    best = each.argmax(axis=0)
    slope = np.take_along_axis(slopes, best[None], 0)[0] if fuse == "max" else slopes.mean(axis=0)
    logits = fuse_logits([one.logits for one in found], fuse)
    whole = fuse_logits([_whole(one.ranking) for one in found], fuse)
    whole_n = None
    if any(one.whole_n is not None for one in found):
        rows = [one.n if one.whole_n is None else one.whole_n for one in found]
        whole_n = fuse_logits(np.stack(rows), fuse).astype(np.float64)
    ranking = rank_gallery(n.astype(np.float32), method=METHOD)
    ranking = replace(ranking, kind="score", whole_logits=whole[ranking.order])
    return NormalisedRanking(
        n, alike, count, line, len(found), fuse, ranking=ranking, logits=logits, slope=slope,
        best=best, whole_n=whole_n,
    )  # fmt: skip


def normalised_by_tracks(found: NormalisedRanking, rule: str) -> NormalisedRanking:
    """The ranking with its tracks in the order of ``rule``
    (:func:`~qaconv_core.ranking.tracks.by_tracks`)."""
    ranking = by_tracks(found.ranking, rule)
    if ranking.track_means is None:
        return found
    return replace(
        found, ranking=ranking, track_n=ranking.track_means[ranking.places].astype(np.float64)
    )


def _whole(ranking: RankingResult) -> Float32:
    """Logits (g,) of the whole pictures, in gallery order."""
    assert ranking.whole_logits is not None
    return ranking.whole_logits[ranking.places]


@dataclass(frozen=True)
class _Scale:
    """Mean and deviation (g,) of either half for one query."""

    z: tuple[Float64, Float64]
    t: tuple[Float64, Float64]

    def of(self, logits: Float32) -> Float64:
        """N (g,)."""
        (z_mean, z_std), (t_mean, t_std) = self.z, self.t
        return np.asarray(((logits - z_mean) / z_std + (logits - t_mean) / t_std) / 2)

    @property
    def slope(self) -> Float64:
        """dN/dlogit (g,)."""
        return np.asarray((1 / self.z[1] + 1 / self.t[1]) / 2)


def _scale(
    cohorts: GalleryCohorts, asked: Asked, values: Float32, part_sums: Float64 | None
) -> _Scale:
    whole = cohorts.whole
    sides = Sides(whole, asked.placed(whole), cohorts.own)
    z = z_sums(values[None], sides.rows, sides)[:, 0]
    t = _towards_query(cohorts, values, asked) if part_sums is None else part_sums
    return _Scale(moments(z), moments(t))


def _towards_query(cohorts: GalleryCohorts, values: Float32, asked: Asked) -> Float64:
    """T's sums (3, g). The query's own file answers as the query does: its row is known."""
    towards, own = cohorts.towards, set(asked.same.tolist())

    def rows(some: Int64) -> Float32:
        pictures = towards.cohorts.rows[some]
        return np.stack([
            values if picture in own else towards.rows(np.array([position]))[0]
            for position, picture in zip(some, pictures.tolist(), strict=True)
        ])  # fmt: skip

    known = Towards(towards.cohorts, towards.targets, towards.sums, rows)
    return np.asarray(t_sums(asked.placed(towards.cohorts), known)[:, 0])


def _certify(
    logits: Float32,
    bounds: Float32,
    normal: Callable[[Float32], Float64],
    head: int,
    exact: Callable[[Int64], Float32],
) -> None:
    """Score exactly, the largest upper bounds of N first, until no other can reach the head."""
    upper = normal(logits + bounds)
    order = np.argsort(-upper, kind="stable")
    seen = np.full(len(logits), -np.inf)
    done, limit = 0, -np.inf
    while done < len(order) and upper[order[done]] >= limit:
        part = order[done : done + max(head, _PORTION)]
        missing = part[bounds[part] > 0]
        if len(missing):
            logits[missing] = exact(missing)
            bounds[missing] = 0
        seen[part] = normal(logits)[part]
        done += len(part)
        if done >= head:
            limit = float(np.partition(seen, -head)[-head])


def _near(cohorts: GalleryCohorts, asked: Asked) -> Int64:
    """Gallery indices of a query's own file and of its near-duplicates in time."""
    return np.asarray(asked.placed(cohorts.whole).near[:1].indices, dtype=np.int64)


def _alike(
    values: Float32 | Float64, cohorts: GalleryCohorts, left_out: Int64
) -> tuple[Int64, Int64]:
    """(g,) strangers in the cohort of each picture's camera with at least its value, and (g,) how
    many there are; the pair's own pictures do not count, those of the query being ``left_out``."""
    targets = cohorts.own
    own = np.zeros(len(values), dtype=np.bool_)
    own[left_out] = True
    alike, count = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    for number, members in enumerate(cohorts.whole.members):
        here = np.flatnonzero(targets.cohort == number)
        inside = (members > 0) & ~own
        ordered = np.sort(values[inside])
        alike[here] = len(ordered) - np.searchsorted(ordered, values[here], side="left")
        count[here] = len(ordered)
    near = targets.inside
    picture = np.repeat(np.arange(len(values)), np.diff(near.indptr))
    counted = ~own[near.indices]
    picture, other = picture[counted], near.indices[counted]
    np.subtract.at(count, picture, 1)
    np.subtract.at(alike, picture, (values[other] >= values[picture]).astype(np.int64))
    return alike, count
