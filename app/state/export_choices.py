"""File formats of exports, and the choices that were made last."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Format:
    """A kind of file, or of folder where ``suffix`` is "". ``unit`` is that of its width: ``px``,
    ``mm``, or "" where it has none."""

    suffix: str
    title: str
    unit: str = ""

    @property
    def pictures(self) -> bool:
        """Whether pictures can be in it."""
        return bool(self.unit) or self.suffix in (".html", ".pdf")


PNG = Format(".png", "PNG picture", "px")
SVG = Format(".svg", "SVG drawing", "mm")
PDF = Format(".pdf", "PDF document", "mm")
JSON = Format(".json", "JSON numbers")
CSV = Format(".csv", "CSV table")
FIGURES = (PNG, SVG, PDF)
BLURS = {"": "As they are", "faces": "Head zones blurred", "all": "Blurred"}
"""How pictures are shown in what is exported."""
RANGES = {"px": (100, 20_000), "mm": (20, 2_000)}


@dataclass
class ExportChoices:
    """What was last chosen: where, as what, how wide, and how pictures are shown.

    ``blur`` is one of :data:`BLURS`. The session may keep all of it.
    """

    folder: Path = field(default_factory=Path.home)
    suffix: str = ".png"
    blur: str = ""
    widths: dict[str, int] = field(default_factory=lambda: {"px": 2000, "mm": 180})
