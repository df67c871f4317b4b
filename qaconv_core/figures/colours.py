"""Colours that mean something, the same in figures and in the window. No matplotlib.

Truth is told apart without red against green; colour maps are given by their stops, evenly spaced,
with straight lines in RGB between them.
"""

from __future__ import annotations

TRUE = "#00798c"
FALSE = "#d95f0e"
JUNK = "#7a7a7a"

DECISIONS = {"confirm": TRUE, "reject": "#b84d08", "unsure": "#6b6b70"}
"""What a person decided about a candidate: near the colours of truth, and told apart by signs."""

DIVERGING_STOPS = ("#0b3c8c", "#3f7fd0", "#bcd5f0", "#f5f5f2", "#f6c9b6", "#d9534a", "#8c0d25")
"""What takes away from the logit (blue) – nothing – what adds to it (red)."""

SEQUENTIAL_STOPS = ("#2b1d5c", "#3d5aa8", "#2ba3b4", "#8fd694", "#f4f1a6")
"""Similarity, from 0 to 1."""
