"""How far estimates are from exact logits, measured on pictures that were scored both ways.

The pictures most promising by their estimates and as many drawn at random are scored exactly; a
straight line through these pairs puts estimates on the scale of logits, and the margin is one and
a half times the most that any of them lies above the line, at least six standard deviations. Then
everything whose estimate plus margin reaches the head is scored exactly too, and measured with the
rest, until nothing is left that could reach it. A picture that the estimate misjudges by more than
all that were measured can be missed: this is a measurement and no proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.types import Bool, Float32, Float64, Int64

SAMPLE = 256
"""Pictures scored exactly at first, by promise and again at random."""
FEWEST = 8 * SAMPLE
"""In smaller galleries everything is scored exactly."""
WIDER, DEVIATIONS = 1.5, 6.0

Exact = Callable[[Int64], Float32]
"""Gallery indices -> their exact logits."""


@dataclass(frozen=True)
class Margin:
    """``values`` (g,) are estimates on the scale of logits; exact ones are below these plus
    ``most``, as far as was measured."""

    values: Float64
    most: float


@dataclass(frozen=True)
class Head:
    """What was scored: indices (ascending), their exact logits, and the margin of the others."""

    scored: Int64
    logits: Float32
    margin: Margin


def measured_head(estimates: Float32, top: int, exact: Exact, sample: int | None = None) -> Head:
    """Score exactly what can be among the ``top`` best, by a margin that is measured.

    ``estimates`` (g,) are of any scale, the larger the closer; ``sample`` is :data:`SAMPLE` unless
    given.
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
    """What is scored at first, as bool (g,)."""
    done = np.zeros(len(estimates), dtype=np.bool_)
    done[np.argsort(-estimates, kind="stable")[:promising]] = True
    others = np.flatnonzero(~done)
    done[np.random.default_rng(0).choice(others, min(drawn, len(others)), replace=False)] = True
    return done


def _margin(values: Float64, logits: Float32, done: Bool) -> Margin:
    above = logits[done] - values[done]
    return Margin(values, float(max(WIDER * above.max(), DEVIATIONS * above.std())))
