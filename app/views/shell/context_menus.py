"""Context menus of pictures and rows: the commands of the table that are about them."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, QPoint, QPointF, Qt
from PyQt5.QtWidgets import QAbstractItemView, QMenu, QWidget

from app.views.explore.case_panel import CasePanel
from app.views.explore.explore_page import ExplorePage
from app.views.explore.match_canvas import MatchCanvas
from app.views.gallery.gallery_page import GalleryPage
from app.views.widgets.actions import Actions
from app.views.widgets.copy_menu import offer_copying

DECIDE = (
    "candidate.confirm", "candidate.reject", "candidate.unsure", "candidate.note",
    "candidate.withdraw", "",
)  # fmt: skip
QUERY = (
    "query.next_error", "query.previous_error", "query.answers", "query.to_case",
    "query.show_scene", "", "file.open_query", "edit.paste", "", "file.export_ranking",
)  # fmt: skip
CANDIDATE = (
    *DECIDE, "candidate.show_scene", "candidate.compare", "match.compare",
    "candidate.sheet", "candidate.why_false", "",
    "file.export_match", "file.save_report", "edit.copy_figure",
)  # fmt: skip
MATCH = (
    "match.lines", "match.heat", "match.hover", "match.compare", "", "match.overlay",
    "match.grid", "match.zoom_fit", "", "match.part_box", "match.hide_box", "match.occlusion_map",
    "match.part_whole", "", "edit.copy_figure", "edit.copy_numbers", "file.export_match",
)  # fmt: skip
GALLERY = (
    "gallery.search", "", "gallery.new_person", "gallery.give", "gallery.take_away", "",
    "gallery.unfold", "gallery.fold", "", "gallery.sort_camera",
    "gallery.sort_time", "gallery.sort_name", "gallery.sort_likeness",
)  # fmt: skip
PERSONS = (
    "gallery.rename", "gallery.merge", "gallery.from_decisions", "", "gallery.suggest",
    "gallery.evaluate_labels", "file.save_labels",
)  # fmt: skip
CASE = (
    "query.case_all", "query.to_case", "", "file.describe_case", "file.save_case_log",
    "file.close_case",
)  # fmt: skip
NUMBERS = (
    "edit.copy_numbers", "edit.copy_figure", "", "file.export_match", "file.save_report", "",
    "help.contribution",
)  # fmt: skip
PAGES = {
    "evaluate": ("evaluate.current", "evaluate.matrix", "", "file.export_cmc"),
    "failures": ("evaluate.failures", "", "file.export_failures", "", "help.failures"),
    "trust": ("evaluate.trust", "", "file.export_trust", "", "help.trust"),
}
"""What is about all figures and rows of a page."""


class ContextMenus(QObject):
    """Opens a menu where the right button was clicked; what is under it is chosen first."""

    def __init__(
        self, explore: ExplorePage, gallery: GalleryPage, case: CasePanel, commands: Actions
    ) -> None:
        super().__init__(explore)
        self._commands = commands
        for widget, ids in (
            (explore.queries.list, QUERY),
            (explore.results.view, CANDIDATE),
            (explore.details, NUMBERS),
            (case, CASE),
            (gallery.grid, GALLERY),
            (gallery.persons.table, PERSONS),
            (gallery, GALLERY),
        ):
            self.offer(widget, ids)
        canvas = explore.inspector.canvas
        self.offer(canvas, lambda at: (*(DECIDE if decides_at(canvas, at) else ()), *MATCH))
        offer_copying(explore.results.find_bar)

    def offer(
        self, widget: QWidget, ids: tuple[str, ...] | Callable[[QPoint], tuple[str, ...]]
    ) -> None:
        """Commands for a widget, and for all in it that has no menu of its own; ``ids`` can depend
        on the place."""
        widget.setContextMenuPolicy(Qt.CustomContextMenu)
        widget.customContextMenuRequested.connect(
            lambda at: self.open(widget, ids(at) if callable(ids) else ids, at)
        )

    def offer_page(self, name: str, page: QWidget) -> None:
        """The commands of a page, for its figures and rows."""
        if name in PAGES:
            self.offer(page, PAGES[name])

    def open(self, widget: QWidget, ids: tuple[str, ...], at: QPoint) -> QMenu:
        """The menu of these commands at a place of a widget."""
        if isinstance(widget, QAbstractItemView):
            index = widget.indexAt(at)
            if index.isValid() and not widget.selectionModel().isSelected(index):
                widget.setCurrentIndex(index)
        self._commands.refresh()
        menu = QMenu(widget)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        for id in ids:
            if id:
                menu.addAction(self._commands.by_id[id])
            else:
                menu.addSeparator()
        menu.popup(widget.mapToGlobal(at))
        return menu


def decides_at(canvas: MatchCanvas, at: QPoint) -> bool:
    """Whether a place is not that of the query, nor of a candidate which is compared alone."""
    panel = canvas.panel_at(QPointF(at))
    if panel is None or not panel.which:
        return panel is None or panel.side == "gallery"
    return canvas.workspace.selection.other is None
