"""Which arithmetic searches a gallery: the one place that decides it, and all limits of it.

Nothing here imports torch. What the machine can do is passed in
(:func:`qaconv_core.searching.top.plan_search` finds it out). Every path scores the pictures that it
shows in float32; paths differ in how the others are ruled out. How float32 scores themselves are
computed (tiles on the CPU, chunks or the fused kernel on a GPU) is decided by
:mod:`qaconv_core.matching.scores`, from the device and the type of the maps alone, and changes no
claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from qaconv_core.errors import InputError
from qaconv_core.types import Certainty, Grid

FLOAT32: Final = "float32"
"""Path: every picture is scored."""
BYTES: Final = "8-bit integers, then float32"
"""Path: all are estimated from 8-bit integers; what can be among the best is scored."""
COARSE: Final = "coarse maps, then float32"
"""Path: all are estimated from coarse maps; what can be among the best is scored."""
POOLED: Final = "pooled maps, then float32"
"""Path: all are estimated from pooled maps; the shortlist of the best estimates is scored."""

SearchPath = Literal[
    "float32",
    "8-bit integers, then float32",
    "coarse maps, then float32",
    "pooled maps, then float32",
]
Wish = Literal["exact", "best", "ranking", "prepared"]

CLAIMS: dict[SearchPath, Certainty] = {
    FLOAT32: "exact",
    BYTES: "proved",
    COARSE: "measured",
    POOLED: "shortlist",
}
"""What the result of each path may claim of its best pictures."""


@dataclass(frozen=True)
class Limits:
    """Sizes of galleries (pictures) and other numbers from which on a path pays."""

    best_from: int = 2_000
    """Preparing a gallery pays for its best pictures; all of a smaller one are soon scored."""
    ranking_from: int = 20_000
    """A ranking of the whole gallery is estimated beyond its head."""
    ranking_head: int = 200
    """The best pictures of an estimated ranking that have exact logits."""
    coarse_above: int = 2_048
    """Coarse maps pay only above eight times the pictures that their margin is measured on."""
    coarse_cells: Grid = (12, 4)
    """The most cells of a coarse map; a map with no more cells has no coarse map."""
    shortlist: int = 5_000
    """Pictures on a shortlist unless the caller says how many."""
    evaluate_from: float = 4e12
    """Operations of all pairs of an evaluation from which on estimates are worth their bounds."""
    byte_gain: float = 1.5
    """8-bit products count as fast from this many times the rate of float32 on."""


LIMITS = Limits()


@dataclass(frozen=True)
class SearchChoice:
    """The ``path`` that a search takes, and how many of the best it scores exactly.

    ``head`` is None where the caller says how many it wants.
    """

    path: SearchPath
    head: int | None = None

    @property
    def claim(self) -> Certainty:
        """What the result may claim of its best pictures; see :func:`choose_search`."""
        return CLAIMS[self.path]


def choose_search(
    size: int,
    grid: Grid,
    device: str,
    *,
    wish: Wish,
    fast_bytes: bool,
    shortlist: int | None = None,
    queries: int = 1,
    on_disk: bool = True,
) -> SearchChoice:
    """How a gallery of ``size`` pictures with maps on ``grid`` (h, w) is searched.

    The first row that fits holds; "any" stands for every value. "Fast" means ``fast_bytes``,
    "fine" a grid of more cells than a coarse map has.

    ============  ======  ==============================  ===============  =========
    size          device  wish                            path             claim
    ============  ======  ==============================  ===============  =========
    > shortlist   any     any, ``shortlist`` is given     :data:`POOLED`   shortlist
    any           any     exact                           :data:`FLOAT32`  exact
    any           GPU     any                             :data:`FLOAT32`  exact
    any           CPU     best of several queries joined  :data:`FLOAT32`  exact
    any           CPU     best, maps not ``on_disk``      :data:`FLOAT32`  exact
    < 2,000       CPU     best                            :data:`FLOAT32`  exact
    < 20,000      CPU     ranking                         :data:`FLOAT32`  exact
    ≥ 1           CPU     any, fast                       :data:`BYTES`    proved
    > 2,048       CPU     any, not fast, fine             :data:`COARSE`   measured
    any           CPU     any                             :data:`FLOAT32`  exact
    ============  ======  ==============================  ===============  =========

    ``wish`` is what the caller wants:

    - ``"exact"``: the exact logit of every picture;
    - ``"best"``: the few best in a single run, for which preparing has to pay;
    - ``"ranking"``: the whole gallery in order, its head exact, for one query after another;
    - ``"prepared"``: the few best of a gallery that the caller has prepared.

    A claim is about the best pictures, whose own logits are exact on every path:

    - ``exact``: every picture was scored;
    - ``proved``: no other picture can belong there, by a proved bound;
    - ``measured``: no other picture belongs there as far as a margin measured on a sample tells;
    - ``shortlist``: pictures that are not on the shortlist were not looked at.

    ``device`` is torch's name ("cpu", "cuda:1"). ``queries`` are ranked together. ``on_disk`` says
    that what is prepared can be kept beside the maps. Raises InputError for a shortlist of less
    than one picture.
    """
    if shortlist is not None and shortlist < 1:
        raise InputError(f"a shortlist needs at least 1 picture, not {shortlist}")
    if shortlist is not None and shortlist < size:
        return SearchChoice(POOLED)
    limits = LIMITS
    fewest = {"best": limits.best_from, "ranking": limits.ranking_from}.get(wish, 1)
    only_once = wish == "best" and (queries > 1 or not on_disk)
    if wish == "exact" or not device.startswith("cpu") or only_once or size < fewest:
        return SearchChoice(FLOAT32)
    path = estimates_by(grid, fast_bytes)
    if path == COARSE and size <= limits.coarse_above:
        path = FLOAT32
    estimated = wish == "ranking" and path != FLOAT32
    return SearchChoice(path, min(limits.ranking_head, size) if estimated else None)


def choose_evaluation(operations: float, device: str, *, fast_bytes: bool) -> SearchPath:
    """Which arithmetic measures all pairs: :data:`BYTES` or :data:`FLOAT32`.

    ``operations`` are those of all products in float32. Both give the same measures. Coarse maps
    never serve here, since what is reported must not rest on a measured margin.
    """
    enough = operations >= LIMITS.evaluate_from
    return BYTES if enough and fast_bytes and device.startswith("cpu") else FLOAT32


def estimates_by(grid: Grid, fast_bytes: bool) -> SearchPath:
    """What estimates are computed from on a CPU; FLOAT32 where there are none worth computing."""
    if fast_bytes:
        return BYTES
    return FLOAT32 if coarse_grid(grid) == grid else COARSE


def coarse_grid(grid: Grid) -> Grid:
    """``grid`` (h, w) with each side halved until it has at most ``LIMITS.coarse_cells``."""
    (h, w), (most_h, most_w) = grid, LIMITS.coarse_cells
    while h > most_h:
        h = -(-h // 2)
    while w > most_w:
        w = -(-w // 2)
    return h, w
