"""Colours with a meaning, the same in figures and in the window. No matplotlib.

Colours of truth avoid red against green. Colour maps are given by evenly spaced stops and linear
in RGB between them.
"""

from __future__ import annotations

TRUE = "#00798c"
FALSE = "#d95f0e"
JUNK = "#7a7a7a"

DECISIONS = {"confirm": TRUE, "reject": "#b84d08", "unsure": "#6b6b70"}
"""Decisions about a candidate: close to the colours of truth, and distinguished by signs."""

DIVERGING_STOPS = ("#0b3c8c", "#3f7fd0", "#bcd5f0", "#f5f5f2", "#f6c9b6", "#d9534a", "#8c0d25")
"""Contributions: negative (blue), zero, positive (red)."""

SEQUENTIAL_STOPS = ("#2b1d5c", "#3d5aa8", "#2ba3b4", "#8fd694", "#f4f1a6")
"""Similarity, from 0 to 1."""
