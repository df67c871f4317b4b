"""What an adaptation does unless told otherwise; read without torch."""

from __future__ import annotations

ROUNDS = 2
"""Rounds of grouping and training."""
EPOCHS = 4
"""Epochs of training in a round."""
RATE = 4e-4
"""Largest rate of learning in a round."""
SHARE = 0.5
"""Share of what a round learned that its averaged weights keep, unless the maps fall."""
