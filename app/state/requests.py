"""Requests for a data set and a checkpoint, as plain values that can be written to JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DEMO = "demo"
BY_CONTENT = "auto"
"""As a data set's name: find out which it is."""


@dataclass(frozen=True)
class DataRequest:
    """Which data set: a name of :data:`qaconv_core.data.DATASETS` and, but for the demo, where.

    ``queries`` are picture files that stand in place of the set's own queries, as ``--query``
    asks for; ``gallery`` (a folder, a table or a name) is searched instead of the set. ``called``
    is what the set is called, once it was read.
    """

    name: str = DEMO
    root: Path | None = None
    queries: tuple[Path, ...] = ()
    gallery: str = ""
    called: str = field(default="", compare=False)

    @property
    def title(self) -> str:
        """A short name for lists and titles."""
        if self.called:
            return self.called
        if self.gallery:
            return Path(self.gallery).name or self.gallery
        if self.name in ("folder", BY_CONTENT) and self.root is not None:
            return self.root.name or str(self.root)
        return self.name


@dataclass(frozen=True)
class CaseRequest:
    """Which case: its file."""

    path: Path = Path()

    @property
    def title(self) -> str:
        """A short name for lists."""
        return self.path.stem


@dataclass(frozen=True)
class ModelRequest:
    """Which checkpoint (a path, or ``demo``), on which device, and what a file cannot tell.

    ``input_size`` is (height, width) in pixels, ``precision`` one of
    :data:`qaconv_core.device.PRECISIONS`; empty is the window's own choice.
    """

    path: str = DEMO
    device: str = "auto"
    input_size: tuple[int, int] | None = None
    precision: str = ""

    @property
    def arithmetic(self) -> str:
        """The precision to load it with: the bundled model may be quick, a measured one exact."""
        return self.precision or ("fast" if self.path == DEMO else "auto")

    @property
    def title(self) -> str:
        """A short name for lists and titles."""
        return "bundled model" if self.path == DEMO else Path(self.path).name


Request = DataRequest | ModelRequest | CaseRequest


def place_of(request: Request) -> str:
    """Where it lies, for a tooltip."""
    if isinstance(request, DataRequest):
        return str(request.root or request.gallery)
    return str(request.path)
