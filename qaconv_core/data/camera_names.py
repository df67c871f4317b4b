"""Folders that are a camera's by their names."""

from __future__ import annotations

import re

CAMERA_NUMBER = re.compile(r"c(?:am(?:era)?)?[ _-]?([0-9]{1,9})", re.IGNORECASE)
_DEVICES = (
    "cam|camera|cctv|ipcam|view|sensor|channel|gate|door|site|"
    "kamera|caméra|cámara|câmera|telecamera|камера|カメラ|摄像头|摄像机|카메라"
)
_PLACES = (
    "north|south|east|west|left|right|front|back|rear|entrance|entry|exit|lobby|hall|hallway|"
    "corridor|inside|outside|indoors?|outdoors?|stairs|lift|elevator|platform|street|yard|parking"
)
CAMERA_NAME = re.compile(
    rf"(?:{_DEVICES})[ _-]?(?:[0-9]{{1,9}}|[^\W\d_]|{_PLACES})"
    rf"|(?:{_PLACES})[ _-]?(?:{_DEVICES}|[0-9])?",
    re.IGNORECASE,
)
"""Folders that are a camera's without being numbered: ``cam_a``, ``gate 3``, ``north``."""


def is_camera_folder(name: str) -> bool:
    """Whether a folder of that name is a camera's: ``cam1``, ``c2``, ``gate 3``, ``north``,
    ``Kamera 2``."""
    return any(pattern.fullmatch(name) for pattern in (CAMERA_NUMBER, CAMERA_NAME))
