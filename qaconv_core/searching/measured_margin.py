"""How far estimates are from exact logits, measured on pictures that were scored both ways.

1. The pictures with the best estimates are scored exactly, and as many drawn at random.
2. A straight line through these pairs puts estimates on the scale of logits. The margin is 1.5
   times the largest distance of a pair above the line, and at least six standard deviations.
3. Every picture whose estimate plus margin reaches the head is scored exactly, too.
4. The margin is measured again with these, until no other picture can reach the head.

A picture whose estimate is further off than all that were measured can be missed: this is a
measurement and no proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.types import Bool, Float32, Float64, Int64

SAMPLE = 256
"""Pictures scored exactly at first: so many by their estimates, and so many at random."""
WIDER, DEVIATIONS = 1.5, 6.0

Exact = Callable[[Int64], Float32]
"""Gallery indices -> their exact logits."""


@dataclass(frozen=True)
class Margin:
    """``values`` (g,) are estimates on the scale of logits. An exact logit is at most ``most``
    above its estimate, as far as was measured."""

    values: Float64
    most: float


@dataclass(frozen=True)
class Head:
    """The pictures that were scored: gallery indices ``scored`` (k,), ascending, their exact
    ``logits`` (k,), and the margin of all others."""

    scored: Int64
    logits: Float32
    margin: Margin


def measured_head(estimates: Float32, top: int, exact: Exact, sample: int | None = None) -> Head:
    """Score exactly what can be among the ``top`` best, by a margin that is measured.

    ``estimates`` (g,) have any scale; larger is closer. ``sample`` is :data:`SAMPLE` unless given.
    Raises InputError where estimates or logits are not finite.
    """
    size = sample or SAMPLE
    done = _first(estimates, max(top, size), size)
    logits = np.full(len(estimates), np.nan, dtype=np.float32)
    logits[done] = exact(np.flatnonzero(done))
    if not np.isfinite(estimates).all() or not np.isfinite(logits[done]).all():
        raise InputError("some logits are not numbers: the feature maps are damaged")
    values = _on_scale(estimates.astype(np.float64), logits.astype(np.float64), done)
    while True:
        margin = _margin(values, logits, done)
        limit = np.partition(logits[done], -top)[-top]
        reaches = np.flatnonzero(~done & (values + margin.most >= limit))
        if not len(reaches):
            break
        step = max(size, int(done.sum()) // 2)
        part = np.sort(reaches[np.argsort(-values[reaches], kind="stable")[:step]])
        logits[part] = exact(part)
        done[part] = True
    scored = np.flatnonzero(done)
    return Head(scored, logits[scored], margin)


def _on_scale(estimates: Float64, logits: Float64, done: Bool) -> Float64:
    """Estimates (g,) on the straight line through the pairs that are ``done``."""
    x, y = estimates[done], logits[done]
    spread = float(np.var(x))
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread if spread else 0.0
    return y.mean() + slope * (estimates - x.mean())


def _first(estimates: Float32, promising: int, drawn: int) -> Bool:
    """Which pictures are scored at first, as bool (g,)."""
    done = np.zeros(len(estimates), dtype=np.bool_)
    done[np.argsort(-estimates, kind="stable")[:promising]] = True
    others = np.flatnonzero(~done)
    done[np.random.default_rng(0).choice(others, min(drawn, len(others)), replace=False)] = True
    return done


def _margin(values: Float64, logits: Float32, done: Bool) -> Margin:
    above = logits[done] - values[done]
    return Margin(values, float(max(WIDER * above.max(), DEVIATIONS * above.std())))
