"""Rankings by scores normalised by camera, of a gallery whose statistics are measured once.

What does not depend on a query is the gallery side: how its pictures look to the pictures of each
camera (:class:`GalleryCohorts`). It is kept in the feature store, beside the maps. The query's side
comes out of the query's own logits. Where these are estimates, the candidates that can be among
the best are scored exactly; mean and deviation of the query's logits then rest on estimates.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from zipfile import BadZipFile

import numpy as np

from qaconv_core.errors import StoreError
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
from qaconv_core.ranking.cohorts import CohortRule, Cohorts, Pairs
from qaconv_core.ranking.line import FALSE_ALARMS, Line, default_line
from qaconv_core.store.atomic import replacing
from qaconv_core.types import FeatureBank, Float32, Float64, Int64, RankingResult

log = logging.getLogger(__name__)

METHOD = "qaconv+norm"
STAGE = "measuring cohorts"
_PORTION = 64

RowLogits = Callable[[int], Float32]
"""A gallery picture in the query's role -> its logits to the gallery (g,)."""


@dataclass(frozen=True)
class GalleryCohorts:
    """What is known of a gallery before any query.

    ``whole`` are its cohorts for the query's side, ``sample`` those for the gallery's side;
    ``towards`` the sums of the latter. ``times_known`` says whether any picture has a time.
    """

    whole: Cohorts
    towards: Towards
    cams: Int64
    times: Float64

    @property
    def sample(self) -> Cohorts:
        """The pictures that stand for the queries' side."""
        return self.towards.cohorts

    def pair(self, camera: int, time: float, same: Int64, candidate: int) -> tuple[Int64, Int64]:
        """Gallery indices of the cohorts of Z and of T of one pair.

        ``camera`` and ``time`` are the query's, ``same`` its own file in the gallery.
        """
        places = np.zeros(len(same), dtype=np.int64), np.asarray(same, dtype=np.int64)
        query = np.array([camera], dtype=np.int64), np.array([time])
        other = self.cams[candidate : candidate + 1], self.times[candidate : candidate + 1]
        itself = np.zeros(1, dtype=np.int64), np.array([candidate], dtype=np.int64)
        found = []
        for cohorts, of_query in ((self.whole, False), (self.sample, True)):
            first, second = cohorts.place(*query, places), cohorts.place(*other, itself)
            member = cohorts.members[(first if of_query else second).cohort[0]] > 0
            member[first.near.indices] = False
            member[second.near.indices] = False
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
    path = _file(gallery, cams, times, rule, head)
    sums = _load(path, (3, len(sample.members), len(cams)))
    if sums is None:
        sums = column_sums(_blocks(sample, rows, context), sample, targets)
        _keep(path, sums)
    towards = Towards(sample, targets, sums, _row_reader(sample, rows))
    return GalleryCohorts(whole, towards, cams, times)


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


def _file(
    gallery: FeatureBank, cams: Int64, times: Float64, rule: CohortRule, head: AffineHead
) -> Path | None:
    """Where the statistics of this model, gallery and rule are kept; None: nowhere."""
    name = getattr(gallery.maps, "filename", None)
    if name is None:
        return None
    key = hashlib.sha256(Path(name).name.encode())
    for part in (gallery.rows, cams, times, head.query_weights, head.gallery_weights):
        key.update(np.ascontiguousarray(part).tobytes())
    key.update(repr((rule, float(head.bias))).encode())
    return Path(name).with_name(f"cohorts-{key.hexdigest()[:32]}.npz")


def _load(path: Path | None, shape: tuple[int, ...]) -> Float64 | None:
    if path is None or not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            found = np.asarray(file["sums"], dtype=np.float64)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        log.warning("%s: cannot be read (%s); measured again", path, error)
        return None
    return found if found.shape == shape and np.isfinite(found).all() else None


def _keep(path: Path | None, sums: Float64) -> None:
    if path is None:
        return
    try:
        with replacing(path, error=StoreError) as temporary, temporary.open("wb") as stream:
            np.savez(stream, sums=sums)
    except StoreError as error:
        log.warning("%s; the statistics of this gallery are not kept", error)


# ── one query ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class NormalisedRanking:
    """A gallery in order of N for one query.

    ``ranking`` has N as its values; ``logits`` (g,), ``n`` (g,), ``alike`` (g,) and ``cohort``
    (g,) are in gallery order: how many of the strangers in the cohort of a picture's camera look at
    least as much like the query, and how many there are. ``slope`` (g,) is dN/dlogit.
    """

    ranking: RankingResult
    logits: Float32
    n: Float64
    alike: Int64
    cohort: Int64
    slope: Float64
    line: Line

    def counted_share(self, index: int) -> float:
        """Share of strangers that look as much alike, by count: never below 1 / (cohort + 1)."""
        return (int(self.alike[index]) + 1) / (int(self.cohort[index]) + 1)

    def normal_share(self, index: int) -> float:
        """The same by the standard normal distribution of N."""
        return NormalDist().cdf(-float(self.n[index]))

    def words(self, index: int) -> str:
        """``3.1 above strangers; 0.2 % look as much alike``: for people."""
        return f"{self.n[index]:+.1f} deviations above strangers, {self.share_words(index)}"

    def share_words(self, index: int) -> str:
        """The share of strangers that look as much alike; both where they disagree."""
        counted, normal = self.counted_share(index), self.normal_share(index)
        size = int(self.cohort[index])
        if not self.alike[index]:
            told = f"none of {size:,} strangers looks as much alike"
        else:
            alike = int(self.alike[index])
            verb = "looks" if alike == 1 else "look"
            told = f"{alike:,} of {size:,} strangers {verb} as much alike"
        least = 1 / (size + 1)
        if max(normal, least) > 2 * counted or counted > 2 * max(normal, least):
            told += f" (by the normal distribution {max(normal, least):.1%})"
        return told


def normalised_ranking(
    base: RankingResult,
    cohorts: GalleryCohorts,
    camera: int,
    time: float,
    same: Int64,
    head: int,
    exact: Callable[[Int64], Float32],
    false_alarms: float = FALSE_ALARMS,
) -> NormalisedRanking:
    """Order a gallery by N for one query.

    ``base`` is its ranking by logits, exact or estimated; ``same`` the gallery indices of the
    query's own file; ``exact`` scores gallery indices. The ``head`` best are exact logits.
    """
    values = base.gallery_values
    places = np.zeros(len(same), dtype=np.int64), np.asarray(same, dtype=np.int64)
    query = np.array([camera], dtype=np.int64), np.array([time])
    whole = cohorts.whole
    sides = Sides(whole, whole.place(*query, places), whole.place_own(cohorts.cams, cohorts.times))
    z = z_sums(values[None], sides.rows, sides)[:, 0]
    t = _towards_query(cohorts, values, query, places)
    (z_mean, z_std), (t_mean, t_std) = moments(z), moments(t)

    def normal(logits: Float32) -> Float64:
        return np.asarray(((logits - z_mean) / z_std + (logits - t_mean) / t_std) / 2)

    logits = values.copy()
    bounds = np.zeros(len(values), dtype=np.float32)
    if base.bounds is not None:
        bounds[base.order] = base.bounds
        _certify(logits, bounds, normal, head, exact)
    n = normal(logits)
    ranking = rank_gallery(n.astype(np.float32), method=METHOD)
    alike, count = _alike(logits, sides)
    others = len(values) - len(same)
    slope = np.asarray((1 / z_std + 1 / t_std) / 2)
    line = default_line(others, false_alarms)
    return NormalisedRanking(ranking, logits, n, alike, count, slope, line)


def _towards_query(
    cohorts: GalleryCohorts, values: Float32, query: tuple[Int64, Float64], places: Pairs
) -> Float64:
    """T's sums (3, g). The query's own file answers as the query does: its row is known."""
    towards, own = cohorts.towards, set(places[1].tolist())

    def rows(some: Int64) -> Float32:
        pictures = towards.cohorts.rows[some]
        return np.stack([
            values if picture in own else towards.rows(np.array([position]))[0]
            for position, picture in zip(some, pictures.tolist(), strict=True)
        ])  # fmt: skip

    placed = towards.cohorts.place(*query, places)
    known = Towards(towards.cohorts, towards.targets, towards.sums, rows)
    return np.asarray(t_sums(placed, known)[:, 0])


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


def _alike(logits: Float32, sides: Sides) -> tuple[Int64, Int64]:
    """(g,) strangers in the cohort of each picture's camera that look at least as much like the
    query, and (g,) how many there are; the pair's own pictures do not count."""
    own = np.zeros(len(logits), dtype=np.bool_)
    own[sides.rows.near[:1].indices] = True
    alike, count = np.zeros(len(logits), dtype=np.int64), np.zeros(len(logits), dtype=np.int64)
    for number, members in enumerate(sides.cohorts.members):
        here = np.flatnonzero(sides.targets.cohort == number)
        inside = (members > 0) & ~own
        ordered = np.sort(logits[inside])
        alike[here] = len(ordered) - np.searchsorted(ordered, logits[here], side="left")
        count[here] = len(ordered)
    near = sides.targets.inside
    picture = np.repeat(np.arange(len(logits)), np.diff(near.indptr))
    counted = ~own[near.indices]
    picture, other = picture[counted], near.indices[counted]
    np.subtract.at(count, picture, 1)
    np.subtract.at(alike, picture, (logits[other] >= logits[picture]).astype(np.int64))
    return alike, count
