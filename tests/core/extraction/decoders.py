"""Stand-ins for the decoder that worker processes can import (no torch here)."""

from __future__ import annotations

import os

from qaconv_core.extraction import decoding


def crash_on_bombs(paths, size):
    """As the real one, but a picture named ``bomb…`` brings the process down."""
    if any("bomb" in os.path.basename(path) for path in paths):
        os._exit(11)
    return decoding.decode_many(paths, size)


def crash_always(paths, size):
    """No worker ever answers."""
    os._exit(11)
