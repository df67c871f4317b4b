"""Where the window, its docks and splitters were: kept in the settings and brought back."""

from __future__ import annotations

from dataclasses import replace

from PyQt5.QtCore import QByteArray
from PyQt5.QtWidgets import QMainWindow

from app.state.settings import SettingsFile
from app.views.explore.explore_page import ExplorePage
from app.views.gallery.gallery_page import GalleryPage


def restore_layout(
    window: QMainWindow, explore: ExplorePage, gallery: GalleryPage, settings: SettingsFile
) -> None:
    """The layout that was kept; that of a first start where none was."""
    kept = settings.value
    if kept.geometry:  # full screen is part of it
        window.restoreGeometry(QByteArray.fromBase64(kept.geometry.encode()))
    if kept.state:
        window.restoreState(QByteArray.fromBase64(kept.state.encode()))
    explore.restore(kept)
    gallery.restore(kept)


def keep_layout(
    window: QMainWindow, explore: ExplorePage, gallery: GalleryPage, settings: SettingsFile
) -> None:
    """Remember the layout as it is now."""
    settings.change(
        replace(
            gallery.layout_to_keep(explore.layout_to_keep(settings.value)),
            geometry=bytes(window.saveGeometry().toBase64()).decode(),
            state=bytes(window.saveState().toBase64()).decode(),
        )
    )
