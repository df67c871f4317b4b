"""The page Gallery: all pictures of the open set, in an order of their own, before any query."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QModelIndex, QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QShowEvent
from PyQt5.QtWidgets import QLabel, QSplitter, QStackedWidget, QWidget

from app.items.gallery_model import GalleryDelegate, GalleryModel
from app.items.result_delegate import MOST, SMALLEST_IN_GRID
from app.items.row_texts import count_text, shown_of
from app.jobs.gallery_jobs import GalleryJobs
from app.jobs.images import ImageLoader
from app.jobs.job import Job
from app.jobs.label_jobs import LabelJobs
from app.state.commands import BY_ID
from app.state.export_choices import ExportChoices
from app.state.gallery import GALLERY_SORTS, Gallery
from app.state.settings import Settings
from app.views.gallery.gallery_grid import GalleryGrid
from app.views.gallery.person_commands import NO_MAPS, PersonCommands
from app.views.gallery.persons_panel import PersonsPanel
from app.views.widgets.actions import Actions, Handler, Handlers
from app.views.widgets.choice import Choice
from app.views.widgets.fields import line_edit, named, tick_box
from app.views.widgets.hints import EmptyPage
from app.views.widgets.labels import heading
from app.views.widgets.layouts import boxed, in_column, in_row
from app.views.widgets.tile_view import SizeSlider
from app.views.widgets.work_strip import WorkStrip
from qaconv_core.readable import counted

NO_DATA = "No data set is open: its pictures will stand here."
ALONE = "the chosen picture has no near-duplicates"
SORT_TIP = "In which order the pictures stand. By likeness, alike ones stand beside each other."
FIELD_TIP = "Only pictures whose file name holds this, or of that person number."
FOLD_TIP = (
    "Show pictures that look nearly the same as one tile with their number. A click on the number "
    "unfolds them. It says how alike the pictures are, not whether they show one person."
)


class GalleryPage(QWidget):
    """The grid and the line above it.

    ``search_wanted`` carries the file of a picture to search by, ``data_wanted`` asks for the
    dialog that opens a data set.
    """

    search_wanted = pyqtSignal(object)
    data_wanted = pyqtSignal()

    def __init__(
        self,
        gallery: Gallery,
        jobs: GalleryJobs,
        labels: LabelJobs,
        thumbnails: ImageLoader,
        actions: Actions,
        choices: ExportChoices,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.gallery, self.jobs, self.labels = gallery, jobs, labels
        self.setAccessibleName("Gallery")
        self.model = GalleryModel(gallery, self)
        self.delegate = GalleryDelegate(thumbnails, self)
        self.grid = GalleryGrid(self.model, self.delegate)
        self.sort = Choice("Order", SORT_TIP, GALLERY_SORTS)
        self.fold = tick_box(BY_ID["gallery.fold"].title, FOLD_TIP)
        self.field = line_edit("List only files or persons with this text", FIELD_TIP,
                               placeholder="File or person")  # fmt: skip
        self.field.setClearButtonEnabled(True)
        self.count = named(QLabel(), "Pictures listed")
        self.slider = SizeSlider()
        self.work = WorkStrip()
        self.persons = PersonsPanel(gallery, thumbnails, actions)
        self.person_commands = PersonCommands(gallery, labels, self.persons, labels.runner, choices)
        self.empty = EmptyPage()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.grid)
        self.stack.addWidget(self.empty)
        self._arrange()
        self._connect()
        self.setFocusProxy(self.grid)
        self._resize(Settings().gallery_size)
        self.refresh()

    def _arrange(self) -> None:
        self.field.setMaximumWidth(240)
        head = in_row(
            heading("Gallery"), boxed(in_row(self.sort, spacing=4)), self.fold, self.field, None,
            self.count, self.slider, spacing=12,
        )  # fmt: skip
        self.splitter = QSplitter(Qt.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.stack)
        self.splitter.addWidget(self.persons)
        self.splitter.setStretchFactor(0, 1)
        in_column(head, self.work, self.splitter, into=self, grows=self.splitter, margins=8)

    def _connect(self) -> None:
        self.sort.chosen.connect(self.sort_by)
        self.fold.clicked.connect(self.fold_duplicates)
        self.field.textChanged.connect(lambda text: self.gallery.change_look(text=text))
        self.slider.valueChanged.connect(self._resize)
        self.grid.resized.connect(self._resize)
        self.grid.opened.connect(self._open)
        self.grid.fold_switched.connect(self.gallery.switch_fold)
        self.empty.link_clicked.connect(self._mend)
        self.gallery.changed.connect(self.refresh)
        self.gallery.chosen_changed.connect(self._show_count)
        self.jobs.started.connect(self._show_job)
        self.labels.started.connect(self._show_job)
        self.jobs.ready_changed.connect(self.refresh)

    # ── following ───────────────────────────────────────────────────────────────────────────────

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.grid.setFocus()
        self.labels.follow()  # the command line may have changed them

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters that answer about a pair."""
        if not self.persons.box.take_key(event):
            super().keyPressEvent(event)

    def refresh(self) -> None:
        """Show the gallery as it is."""
        gallery, look, data = self.gallery, self.gallery.look, self.gallery.space.data
        self.sort.show_value(look.sort)
        can = gallery.likeness is not None or (self.jobs.ready and not self.jobs.running)
        self.sort.actions_["likeness"].setEnabled(can)
        self.sort.actions_["likeness"].setToolTip("" if can else NO_MAPS)
        self.fold.setEnabled(can)
        self.fold.setChecked(look.fold)
        if self.field.text() != look.text:
            with QSignalBlocker(self.field):
                self.field.setText(look.text)
        if data is None:
            self.empty.say(NO_DATA, "Open data set…")
        elif not len(gallery.rows):
            self.empty.say("No picture of the gallery is listed.", "Show all")
        self.stack.setCurrentIndex(0 if len(gallery.rows) else 1)
        self._show_count()

    def _show_count(self) -> None:
        data, rows = self.gallery.space.data, self.gallery.rows
        if data is None:
            self.count.setText("")
            return
        total = len(data.gallery)
        opened = int(rows.counts[rows.open].sum() - rows.open.sum())
        listed = int(rows.counts.sum()) - opened
        words = count_text(total) if listed == total else shown_of(listed, total)
        words += " picture" if total == 1 else " pictures"
        if self.gallery.look.fold and listed:
            tiles = counted(len(rows), "tile")
            words += f" in {tiles}" if rows.counts.max() > 1 else ", no near-duplicates"
        chosen = len(self.gallery.chosen)
        self.count.setText(f"{count_text(chosen)} chosen · {words}" if chosen > 1 else words)

    def _show_job(self, job: Job) -> None:
        self.work.forget_failures()
        self.work.add_job(job.title, job)

    def layout_to_keep(self, settings: Settings) -> Settings:
        """The settings with order and size of the pictures as they are now."""
        sort = self.gallery.look.sort
        return replace(
            settings,
            gallery_sort=settings.gallery_sort if sort == "likeness" else sort,
            gallery_size=self.slider.value(),
        )

    def restore(self, settings: Settings) -> None:
        """Order and size that were kept."""
        self._resize(settings.gallery_size)
        self.sort_by(settings.gallery_sort)

    # ── what people do ──────────────────────────────────────────────────────────────────────────

    def sort_by(self, sort: str) -> None:
        """One of :data:`~app.state.gallery.GALLERY_SORTS`; likeness is computed first."""
        if sort == "likeness":
            self.jobs.find_likeness(sort=sort)
        else:
            self.gallery.change_look(sort=sort)
        self.refresh()

    def fold_duplicates(self, on: bool) -> None:
        """Fold near-duplicates or not; likeness is computed first."""
        if on:
            self.jobs.find_likeness(fold=True)
        else:
            self.gallery.change_look(fold=False)
        self.refresh()

    def _resize(self, picture: int) -> None:
        size = min(max(picture, SMALLEST_IN_GRID), MOST)
        with QSignalBlocker(self.slider):
            self.slider.setValue(size)
        self.grid.show_as_grid(size)

    def _open(self, index: QModelIndex) -> None:
        self.search_wanted.emit(self.model.path_at(index.row()))

    def search(self) -> None:
        """Search by the chosen picture."""
        path = self._chosen_path()
        if path is not None:
            self.search_wanted.emit(path)

    def _chosen_path(self) -> Path | None:
        data, chosen = self.gallery.space.data, self.gallery.chosen
        return data.gallery[chosen[0]].path if data is not None and chosen else None

    def _mend(self) -> None:
        if self.gallery.space.data is None:
            self.data_wanted.emit()
        else:
            self.gallery.change_look(text="", person=None)

    def _unfold(self) -> None:
        self.gallery.switch_fold(self.gallery.chosen[0])

    def _can_unfold(self) -> bool:
        gallery = self.gallery
        if not (gallery.chosen and gallery.look.fold and gallery.likeness is not None):
            return False
        groups = gallery.likeness.group_of
        return int((groups == groups[gallery.chosen[0]]).sum()) > 1

    def handlers(self) -> Handlers:
        """Commands of the gallery."""

        def by(sort: str) -> Handler:
            def can() -> bool:
                known = self.gallery.likeness is not None
                return sort != "likeness" or known or (self.jobs.ready and not self.jobs.running)

            return Handler(
                lambda: self.sort_by(sort), can, lambda: self.gallery.look.sort == sort,
                lambda: NO_MAPS,
            )  # fmt: skip

        return {
            "gallery.search": Handler(
                self.search, lambda: bool(self.gallery.chosen), reason=lambda: "choose a picture"
            ),
            "gallery.unfold": Handler(self._unfold, self._can_unfold, reason=lambda: ALONE),
            "gallery.fold": Handler(
                lambda: self.fold_duplicates(not self.gallery.look.fold), self.fold.isEnabled,
                lambda: self.gallery.look.fold, lambda: NO_MAPS,
            ),
            **self.person_commands.handlers(),
            **{f"gallery.sort_{sort}": by(sort) for sort in GALLERY_SORTS},
        }  # fmt: skip
