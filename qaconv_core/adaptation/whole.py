"""How far a whole adaptation has come, by the forecast times of its steps."""

from __future__ import annotations

import re
import time

from qaconv_core.adaptation.forecast import Forecast
from qaconv_core.progress import Progress

_EPOCH = re.compile(r"epoch (\d+)/(\d+)")
_KNOWN = 0.02
"""Share of the whole from which its own speed says more than the forecast."""


def share_done(plan: Forecast, number: int, progress: Progress) -> float:
    """Share of all rounds' time that is over in round ``number`` (from 1), in [0, 1].

    ``progress`` is that of a step, whose stage is as the step itself calls it.
    """
    steps, part = plan.steps, progress.fraction or 0.0
    epoch = _EPOCH.match(progress.stage)
    if progress.stage == "grouping: features":
        done = part * steps.features
    elif progress.stage.startswith("grouping"):
        done = steps.features + part * steps.pairs
    elif epoch:
        through = (int(epoch[1]) - 1 + part) / int(epoch[2])
        done = steps.features + steps.pairs + through * steps.learning
    elif progress.stage.startswith(("calibrating", "checking")):
        done = steps.whole - (1 - part) * steps.checking
    else:
        done = steps.features + steps.pairs
    return min(1.0, (number - 1 + done / steps.whole) / plan.rounds)


def seconds_left(plan: Forecast, start: float, share: float, began: float) -> float:
    """Seconds until the end, at ``share`` of the work of a run that began at ``start`` of it.

    ``began`` is when, in :func:`time.monotonic`.
    """
    here = share - start
    if here < _KNOWN:
        return (1 - share) * plan.seconds
    return (1 - share) * (time.monotonic() - began) / here
