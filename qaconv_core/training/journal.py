"""What a training leaves beside its checkpoint: log.txt, results.json (JSON lines), TensorBoard."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qaconv_core.errors import InputError
from qaconv_core.files import check_output

LOG_FILE = "log.txt"
RESULTS_FILE = "results.json"
EVENT_FILES = "events.out.tfevents.*"


class Journal:
    """Writes a run's log and results; ``folder`` None (another process leads) writes nothing."""

    def __init__(self, folder: Path | None, say: Callable[[str], None] | None = None) -> None:
        self.folder = folder
        self._say = say if folder is not None else None
        self._events: Any = None
        self._refused: set[str] = set()

    def log(self, line: str, *, aloud: bool = True) -> None:
        """One line to log.txt, with the time, and where it is ``aloud`` to whoever listens."""
        if self.folder is None:
            return
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        self._append(LOG_FILE, f"{stamp}  {line}\n")
        if aloud and self._say is not None:
            self._say(line)

    def result(self, record: dict[str, Any]) -> None:
        """One JSON line to results.json."""
        if self.folder is not None:
            self._append(RESULTS_FILE, json.dumps(record, ensure_ascii=False) + "\n")

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Points of curves for TensorBoard, e.g. ``train/loss``, where it is installed."""
        if self.folder is None or not _tensorboard_installed():
            return
        if self._events is None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(self.folder))
        for name, value in values.items():
            self._events.add_scalar(name, value, step)
        self._events.flush()

    def forget_curves(self) -> None:
        """Remove the event files of a run that is replaced, whose curves would mix with these."""
        if self.folder is not None:
            for path in self.folder.glob(EVENT_FILES):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """End the event file."""
        events, self._events = self._events, None
        if events is not None:
            events.close()

    def _append(self, name: str, text: str) -> None:
        """Add to a file; a disk that refuses is said once for each and ends no training."""
        assert self.folder is not None
        path = self.folder / name
        try:
            check_output(path)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except (OSError, InputError) as error:
            if self._say is not None and name not in self._refused:
                why = error.strerror if isinstance(error, OSError) else error
                self._say(f"warning: {path}: cannot be written ({why}); the training goes on")
            self._refused.add(name)


def _tensorboard_installed() -> bool:
    return importlib.util.find_spec("tensorboard") is not None
