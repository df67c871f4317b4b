"""One pair at a time that somebody is asked about: do these two pictures show one person?"""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QPainter, QPaintEvent
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.thumbnail import draw_thumbnail
from app.jobs.images import ImageLoader
from app.state.gallery import Gallery
from app.state.words import logit_text, who_text
from app.views.widgets.fields import push_button
from app.views.widgets.labels import plain_label
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.types import ImageRef

ANSWERS = {Qt.Key_Y: True, Qt.Key_R: False, Qt.Key_J: None}
"""Keys of the same person, of two persons, and of the next pair."""
CHOICES: dict[bool | None, tuple[str, str]] = {
    True: ("Same", "They show one person (Y): both get its name."),
    False: ("Different", "They show two persons (R): the pair is not asked about again."),
    None: ("Skip", "Leave this pair open (J)."),
}
_HIGH = 128


class PairPicture(QWidget):
    """Two pictures beside each other."""

    def __init__(self, thumbnails: ImageLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.refs: tuple[ImageRef, ...] = ()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setAccessibleName("The two pictures")
        thumbnails.loaded.connect(lambda _path: self.update())

    def sizeHint(self) -> QSize:
        return QSize(200, _HIGH)

    def show_pair(self, refs: tuple[ImageRef, ...]) -> None:
        """Show these."""
        self.refs = refs
        self.setToolTip("\n".join(f"{ref.path.name}: {who_text(ref)}" for ref in refs))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        wide = self.width() // 2
        for place, ref in enumerate(self.refs):
            room = QRect(place * wide + 4, 0, wide - 8, self.height())
            draw_thumbnail(painter, room, ref.path, self._thumbnails, self.palette())
        painter.end()


class SuggestionBox(QWidget):
    """The pairs of a :class:`~qaconv_core.galleries.suggestions.Suggestions`, one by one.

    ``answered`` carries the pair and whether it shows one person.
    """

    answered = pyqtSignal(object, bool)

    def __init__(
        self, gallery: Gallery, thumbnails: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._gallery = gallery
        self._pairs: list[object] = []
        self._threshold = 0.0
        self.picture = PairPicture(thumbnails)
        self.words = plain_label()
        self.buttons = {
            answer: push_button(words, tip, partial(self.answer, answer), f"{words}: this pair")
            for answer, (words, tip) in CHOICES.items()
        }
        in_column(self.picture, self.words, in_row(*self.buttons.values(), spacing=4), into=self)
        gallery.forgotten.connect(self.clear)
        self.hide()

    def show_found(self, found: object) -> None:
        """Begin with the first pair; a sentence where there is none."""
        self._pairs = list(found.pairs)  # type: ignore[attr-defined]  # Suggestions, loads torch
        self._threshold, self._rule = found.threshold, found.rule  # type: ignore[attr-defined]
        self._show_first()

    def ask_again(self, pair: object) -> None:
        """Show a pair whose answer was undone, unless nothing is asked any more."""
        if not self.isHidden():
            self._pairs.insert(0, pair)
            self._show_first()

    def clear(self) -> None:
        """Nothing is asked any more."""
        self._pairs = []
        self.hide()

    @property
    def asking(self) -> bool:
        """Whether a pair is shown."""
        return bool(self._pairs) and not self.isHidden()

    def _show_first(self) -> None:
        data = self._gallery.space.data
        for widget in (self.picture, *self.buttons.values()):
            widget.setVisible(bool(self._pairs))
        self.show()
        if not self._pairs or data is None:
            self.words.setText("No pair is left to ask about.")
            return
        pair = self._pairs[0]
        one, other, logit = pair.one, pair.other, pair.logit  # type: ignore[attr-defined]
        self.picture.show_pair((data.gallery[one], data.gallery[other]))
        self.words.setText(
            f"One person? Logit {logit_text(logit)}, threshold {logit_text(self._threshold)}; "
            f"{len(self._pairs)} left."
        )
        self.words.setToolTip(f"The threshold is where {self._rule}.")

    def answer(self, same: bool | None) -> None:
        """Answer about the pair shown (None: leave it open), and go on."""
        if not self._pairs:
            return
        pair = self._pairs.pop(0)
        if same is not None:
            self.answered.emit(pair, same)
        self._show_first()

    def take_key(self, event: QKeyEvent) -> bool:
        """Answer by a key; whether it was one."""
        if event.modifiers() or event.key() not in ANSWERS or not self.asking:
            return False
        self.answer(ANSWERS[Qt.Key(event.key())])
        return True
