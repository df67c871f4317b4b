"""What the user sees of long work: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from qaconv_core.progress import Progress
from qaconv_core.readable import shown, shown_lines

if TYPE_CHECKING:
    from tqdm import tqdm

PLAIN_INTERVAL = 10.0
"""Seconds between two plain progress lines where stderr is no terminal."""


def say(message: str) -> None:
    """One line on stderr, above any bar."""
    from tqdm import tqdm

    tqdm.write(shown_lines(message), file=sys.stderr)


class ProgressShower:
    """Shows :class:`Progress` values: a bar a stage on a terminal, lines now and then elsewhere."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._bar: tqdm | None = None
        self._stage = ""
        self._last = 0.0

    def __enter__(self) -> ProgressShower:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, progress: Progress) -> None:
        """Show where the job stands."""
        if self._quiet or progress.total == 0:
            return
        if self._terminal:
            self._show_bar(progress)
        else:
            self._show_line(progress)

    def _show_bar(self, progress: Progress) -> None:
        from tqdm import tqdm

        if progress.stage != self._stage or self._bar is None:
            self._close()
            self._stage = progress.stage
            self._bar = tqdm(
                total=progress.total,
                desc=shown(progress.stage),
                unit=f" {progress.unit}",
                unit_scale=progress.unit == "pairs",
                initial=progress.done,
                dynamic_ncols=True,
                file=sys.stderr,
            )
        self._bar.update(progress.done - self._bar.n)
        if progress.total is not None and progress.done >= progress.total:
            self._close()

    def _show_line(self, progress: Progress) -> None:
        now = time.monotonic()
        new_stage = progress.stage != self._stage
        if new_stage:
            self._stage, self._last = progress.stage, now
            return
        finished = progress.total is not None and progress.done >= progress.total
        if finished or now - self._last >= PLAIN_INTERVAL:
            self._last = now
            print(shown(progress_line(progress)), file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def progress_line(progress: Progress) -> str:
    """``extracting: 512 of 3,368 images (15 %), 41 images/s, 1:10 left``."""
    parts = [f"{progress.stage}: {progress.done:,}"]
    if progress.total is not None:
        share = f" ({100 * (progress.fraction or 0):.0f} %)"
        parts[0] += f" of {progress.total:,} {progress.unit}{share}"
    if progress.rate:
        parts.append(
            f"{progress.rate:,.3g} {progress.unit}/s"
            if progress.rate < 1000
            else f"{progress.rate:,.0f} {progress.unit}/s"
        )
    if progress.eta:
        parts.append(f"{clock(progress.eta)} left")
    return ", ".join(parts)


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
