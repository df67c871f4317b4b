"""Commands about persons: new, give, take away, merge, rename, undo, suggest, measure, save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QInputDialog

from app.jobs.label_jobs import LabelJobs
from app.jobs.runner import JobRunner
from app.state.export_choices import CSV, ExportChoices, Format
from app.state.gallery import Gallery
from app.views import dialogs
from app.views.gallery.persons_panel import PersonsPanel
from app.views.widgets.actions import Handler, Handlers
from qaconv_core.readable import counted

LABEL_FORMATS = (
    CSV,
    Format(".json", "COCO boxes"),
    Format("", "New folder in the layout of Market-1501"),
)
NO_MAPS = "the feature maps of the gallery are not all there yet"


class PersonCommands(QObject):
    """What the buttons of the panel do."""

    def __init__(
        self,
        gallery: Gallery,
        jobs: LabelJobs,
        panel: PersonsPanel,
        runner: JobRunner,
        choices: ExportChoices,
    ) -> None:
        super().__init__(panel)
        self.gallery, self.jobs, self.panel = gallery, jobs, panel
        self._runner, self._choices = runner, choices
        panel.box.answered.connect(jobs.answer)
        jobs.suggested.connect(panel.box.show_found)
        jobs.asked_again.connect(panel.box.ask_again)
        jobs.measured.connect(panel.show_measured)

    def _pictures(self) -> list[int]:
        return self.gallery.with_duplicates(self.gallery.chosen)

    def new_person(self) -> None:
        """Make the chosen pictures, and what is folded into their tiles, a new person."""
        self.jobs.assign(self._pictures(), None)

    def give(self) -> QInputDialog:
        """Give the chosen pictures to a person that is there, or to one of a new name."""
        pictures = self._pictures()
        names = [person.name for person in self.gallery.people]
        return self._ask(
            "Give to a person",
            f"{counted(len(pictures), 'picture is', 'pictures are')} &of:", names, "",
            lambda name: self.jobs.assign(pictures, name),
        )  # fmt: skip

    def take_away(self) -> None:
        """Take their person away from the chosen pictures."""
        self.jobs.clear(self._pictures())

    def rename(self) -> QInputDialog:
        """Ask for another name of the chosen person."""
        person = self.panel.chosen()[0]
        called = f"{person.replace('&', '&&')} is &called:"
        return self._ask("Rename a person", called, None, person,
                         lambda name: self.jobs.rename(person, name))  # fmt: skip

    def _ask(
        self, title: str, label: str, names: list[str] | None, text: str,
        then: Callable[[str], object],
    ) -> QInputDialog:  # fmt: skip
        dialog = QInputDialog(self.panel)
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        if names is not None:
            dialog.setComboBoxItems(names)
            dialog.setComboBoxEditable(True)
        dialog.setTextValue(text)
        dialog.textValueSelected.connect(lambda name: then(name.strip()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def merge(self) -> None:
        """Make the chosen persons the first of them."""
        first, *others = self.panel.chosen()
        self.jobs.merge(first, others)

    def save(self) -> dialogs.ExportDialog | None:
        """Ask for format and file of the labels."""
        data = self.gallery.space.data
        if data is None:
            return None
        dialog = dialogs.ExportDialog(
            "Save labels", f"labels_{data.name}", LABEL_FORMATS, self._write, self._runner,
            self._choices, self.panel.window(),
        )  # fmt: skip
        dialog.open()
        return dialog

    def _write(self, path: Path, _width: float | None) -> None:
        self.jobs.export(path)

    def handlers(self) -> Handlers:
        """The commands."""
        gallery, jobs = self.gallery, self.jobs

        def chosen() -> bool:
            return bool(gallery.chosen) and jobs.open

        def several() -> bool:
            return len(self.panel.chosen()) > 1

        def can(name: str) -> Callable[[], bool]:
            return lambda: jobs.ready and not jobs.running(name)

        def people() -> bool:
            return bool(gallery.people)

        def none() -> str:
            return "choose pictures of the gallery"

        return {
            "gallery.new_person": Handler(self.new_person, chosen, reason=none),
            "gallery.give": Handler(self.give, chosen, reason=none),
            "gallery.take_away": Handler(self.take_away, chosen, reason=none),
            "gallery.rename": Handler(
                self.rename, lambda: len(self.panel.chosen()) == 1,
                reason=lambda: "choose a person in the list",
            ),
            "gallery.merge": Handler(
                self.merge, several, reason=lambda: "choose several persons in the list"
            ),
            "gallery.from_decisions": Handler(jobs.take_decisions, lambda: jobs.open),
            "gallery.suggest": Handler(jobs.suggest, can("suggest"), reason=lambda: NO_MAPS),
            "gallery.evaluate_labels": Handler(
                jobs.evaluate, lambda: people() and can("evaluate")(),
                reason=lambda: NO_MAPS if people() else "no picture has a person yet",
            ),
            "file.save_labels": Handler(
                self.save, people, reason=lambda: "no picture has a person yet"
            ),
        }  # fmt: skip
