"""The result of checking a data set: values, JSON and lines for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qaconv_core.data.market_like import JUNK_BOX
from qaconv_core.data.scan import peek
from qaconv_core.readable import shown
from qaconv_core.types import Rejected

_SHOWN_FILES = 5


@dataclass(frozen=True)
class SplitSummary:
    """What one split holds.

    ``camids`` are 0-based and sorted, ``cameras`` what they are called, ``time_range`` in seconds
    (None without times), ``identities`` counts persons and no distractors, ``unknown_*`` the
    pictures of which pid, camera or time are not known.
    """

    name: str
    images: int
    identities: int
    camids: tuple[int, ...]
    time_range: tuple[float, float] | None
    distractors: int
    unknown_pids: int
    unknown_camids: int
    unknown_times: int
    cameras: tuple[str, ...] = ()

    @property
    def cameras_words(self) -> str:
        """The cameras as they are called: ``1–6``, or names; empty where none is known."""
        if all(map(str.isdecimal, self.cameras)):
            return short_ranges(sorted(map(int, self.cameras)))
        return peek(list(self.cameras))

    def to_dict(self) -> dict[str, Any]:
        """Numbers and lists, for JSON."""
        return {
            "images": self.images,
            "identities": self.identities,
            "camids": list(self.camids),
            "cameras": len(self.camids),
            "time_range": None if self.time_range is None else list(self.time_range),
            "distractors": self.distractors,
            "unknown_pids": self.unknown_pids,
            "unknown_camids": self.unknown_camids,
            "unknown_times": self.unknown_times,
        }

    def line(self) -> str:
        """One row for people."""
        text = f"{self.name:<8} {self.images:>7,} pictures  "
        if not self.images:
            return text.rstrip()
        persons = "persons not known  " if self.unknown_pids == self.images else ""
        text += persons or f"{self.identities:>6,} identities  "
        if self.distractors:
            text += f"+ {self.distractors:,} distractor pictures (pid 0)  "
        if self.camids:
            text += f"cameras {self.cameras_words}  "
        if self.time_range is not None:
            text += f"time {self.time_range[0]:,.1f}–{self.time_range[1]:,.1f} s"
        return text.rstrip()


@dataclass(frozen=True)
class CheckReport:
    """What :func:`check_dataset` found.

    ``valid_queries`` have a true match from another (or an unknown) camera; ``decoded`` says
    whether every picture was decoded, or only its name and size looked at.
    """

    dataset: str
    root: Path
    layout: str
    splits: tuple[SplitSummary, ...]
    valid_queries: int
    rejected: tuple[Rejected, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    decoded: bool

    def to_dict(self) -> dict[str, Any]:
        """All fields as numbers, texts and lists, for JSON. Camids are 0-based."""
        return {
            "dataset": self.dataset,
            "root": str(self.root),
            "layout": self.layout,
            "counts": {split.name: split.images for split in self.splits},
            "splits": {split.name: split.to_dict() for split in self.splits},
            "valid_queries": self.valid_queries,
            "rejected": [{"path": str(r.path), "reason": r.reason} for r in self.rejected],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "decoded": self.decoded,
        }

    def lines(self, *, every_file: bool = False) -> list[str]:
        """The report as text; cameras count from 1.

        Every rejected file is named, grouped by reason. Of junk boxes, of which there are
        thousands, only a few are named unless ``every_file``.
        """
        queries = next((s.images for s in self.splits if s.name == "query"), 0)
        out = [f"{self.dataset}: {self.layout}", f"in {shown(self.root)}", ""]
        out += [split.line() for split in self.splits]
        out += ["", f"valid queries: {self.valid_queries:,} of {queries:,}"]
        out += [f"warning: {text}" for text in self.warnings]
        out += [f"note: {text}" for text in self.notes]
        how = "every picture was decoded" if self.decoded else "pictures were not decoded"
        files = "file" if len(self.rejected) == 1 else "files"
        out.append(f"rejected: {len(self.rejected):,} {files} ({how})")
        return out + list(self._rejected_lines(every_file))

    def _rejected_lines(self, every_file: bool) -> Iterator[str]:
        groups: dict[str, list[Path]] = defaultdict(list)
        for item in self.rejected:
            groups[item.reason].append(item.path)
        for reason, paths in groups.items():
            yield f"  {len(paths):,} × {shown(reason)}"
            few = _SHOWN_FILES if reason == JUNK_BOX and not every_file else len(paths)
            for path in paths[:few]:
                yield f"      {shown(path)}"
            if len(paths) > few:
                yield f"      … and {len(paths) - few:,} more (--all names them)"


def short_ranges(numbers: Sequence[int]) -> str:
    """Sorted numbers in short: ``1–6, 9``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{p[0]}–{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
