"""Files that are videos by their names."""

from __future__ import annotations

import os

VIDEO_SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv"),
        *(".3gp", ".ts", ".mts", ".m2ts", ".ogv", ".dav"),
    )
)


def is_video_name(name: str) -> bool:
    """Whether a file of that name is worth opening as a video."""
    return not name.startswith(".") and os.path.splitext(name.lower())[1] in VIDEO_SUFFIXES
