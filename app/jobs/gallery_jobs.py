"""Computes what looks alike in the open gallery, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs.job import JobContext
from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.jobs.sources import Sources
from app.state.gallery import Gallery
from qaconv_core.galleries.values import LikenessOrder

if TYPE_CHECKING:
    from qaconv_core.types import FeatureBank

LIKENESS = "likeness"


class GalleryJobs(QObject):
    """Starts and stops the work. ``started`` carries a job, ``ready_changed`` is about the maps."""

    started = pyqtSignal(object)
    ready_changed = pyqtSignal()

    def __init__(
        self, sources: Sources, runner: JobRunner, gallery: Gallery, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._sources, self.gallery = sources, gallery
        self._slots = JobSlots(runner, self)
        sources.changed.connect(self.ready_changed.emit)
        gallery.forgotten.connect(self._stop)

    @property
    def ready(self) -> bool:
        """Whether the feature maps are there."""
        return self._sources.matching is not None

    @property
    def running(self) -> bool:
        """Whether likeness is being computed."""
        return self._slots.has(LIKENESS)

    def _stop(self) -> None:
        self._slots.cancel(LIKENESS)
        self.ready_changed.emit()

    def find_likeness(self, **then: object) -> None:
        """Compute likeness, unless it is known, and then change the gallery's look."""
        matching, gallery = self._sources.matching, self.gallery
        if gallery.likeness is not None:
            gallery.change_look(**then)
            return
        if matching is None:
            return

        def apply(found: LikenessOrder) -> None:
            if matching is self._sources.matching:
                gallery.set_likeness(found)
                gallery.change_look(**then)

        job = self._slots.replace(
            LIKENESS, f"Likeness of {matching.data.name}",
            lambda context: likeness_of(matching.gallery, context), apply, lane="long",
            ended=lambda: self.ready_changed.emit(),
        )  # fmt: skip
        self.started.emit(job)
        self.ready_changed.emit()


def likeness_of(maps: FeatureBank, context: JobContext) -> LikenessOrder:
    """The order of a gallery by likeness; in a worker thread."""
    from qaconv_core.galleries.likeness import gallery_likeness

    return gallery_likeness(maps, context=context)
