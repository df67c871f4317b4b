"""What figures are saved as; here, for those who ask before anything is drawn. No matplotlib."""

from __future__ import annotations

FORMATS = (".png", ".pdf", ".svg")
