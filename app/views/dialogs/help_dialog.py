"""Help: what a contribution is and is not, the seven questions, words and measures, about."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QWidget,
)

from app.state.drawn_parts import PART_TOOLS
from app.state.workspace import Workspace
from app.views.dialogs.help_topics import TOPICS
from app.views.dialogs.job_dialog import dialog_buttons
from app.views.widgets.layouts import in_column, in_row, size_on_screen, take_frame
from app.views.widgets.table_style import space_rows
from qaconv_core import __version__

CONTRIBUTION = """
<h3>What a contribution is</h3>
<p>Each picture becomes a map of cells. Every cell of the query looks for the cell of the candidate
that is most like it, and every cell of the candidate looks for one in the query. How alike such a
pair is, is its <b>similarity</b>, from −1 to 1. The model has learned a weight for every cell; the
weight times the similarity is what the cell <b>adds to the logit</b>: its contribution.</p>
<p>This is exact, not a picture drawn afterwards. The contributions of all cells and the bias sum to
the logit that the ranking used, to the last digit that is shown. Red cells add to the logit,
blue ones lower it.</p>
<p>A weight may be negative, and then a cell that fits well takes away. Cells at which almost every
picture looks alike (a pavement, a wall) can add much without telling two people apart. So lines and
maps show at first contributions <b>above average</b>: a cell's contribution minus its average for
this query over the whole gallery. These and the average logit sum to the logit too. Rare in this
gallery is not rare in the world: in another gallery, the same cell may be everybody's.</p>
<p>Two candidates compared (C, W) show what each cell adds for the one minus what it adds for the
other; all of it is the difference of their logits. It says where the numbers part, not which of the
two is the person.</p>
<h3>What it is not</h3>
<p>It is not a reason in the world. It says what this model's number is made of, not why two
pictures resemble each other and not what a person would look at.</p>
<p>It is not evidence that two pictures show one person. A model can be sure and wrong, most of all
on pictures unlike those it was trained on.</p>
<p>A <b>score</b> is not a probability: 0.66 does not mean that two of three such matches are right.
What a score means for your cameras, the score distributions of an evaluation on your data say.</p>
<p>A cell sees more than its square: a network's cells look at their surroundings as well. A line
between two cells says that these places match best, not that nothing around them took part.</p>
"""

WORDS = """
<h3>Words</h3>
<table cellpadding="4">
<tr><td><b>query</b></td><td>the picture that is searched for</td></tr>
<tr><td><b>gallery</b></td><td>the pictures that are searched</td></tr>
<tr><td><b>candidate</b></td><td>the gallery picture that is looked at</td></tr>
<tr><td><b>person (pid)</b></td><td>the number of a person in a data set</td></tr>
<tr><td><b>camera (camid)</b></td><td>counted from 1 in this window, from 0 in files</td></tr>
<tr><td><b>true match</b></td><td>✓ a picture of the query's person from another camera</td></tr>
<tr><td><b>false match</b></td><td>✕ a picture of somebody else</td></tr>
<tr><td><b>same camera (junk)</b></td><td>– a picture of the query's person from the query's own
camera; ignored in measuring, and without a rank</td></tr>
<tr><td><b>distractor</b></td><td>person 0 in Market-1501: nobody of the query set; kept</td></tr>
<tr><td><b>cell, grid</b></td><td>one place of the model's map of a picture, and how many there
are: height × width</td></tr>
<tr><td><b>similarity</b></td><td>of two cells, the inner product of their features, in
[−1, 1]</td></tr>
<tr><td><b>correspondence</b></td><td>a cell and its best cell in the other picture</td></tr>
<tr><td><b>contribution</b></td><td>what one cell adds to the logit</td></tr>
<tr><td><b>logit</b></td><td>what QAConv gives for two pictures; larger is closer,
unbounded</td></tr>
<tr><td><b>score</b></td><td>sigmoid(logit / 10), in (0, 1)</td></tr>
<tr><td><b>part</b></td><td>the cells of the query that a search is limited to</td></tr>
<tr><td><b>evidence</b></td><td>of a part: the sum of the sizes of its terms against the query
itself, as a share of the whole query's</td></tr>
<tr><td><b>distance</b></td><td>1 − score</td></tr>
<tr><td><b>re-ranking</b></td><td>k-reciprocal encoding (Zhong et al. 2017) on QAConv distances:
pictures that have each other as neighbours come closer</td></tr>
<tr><td><b>TLift</b></td><td>temporal lifting (Liao and Shao 2020): people who were seen together at
one camera are looked for together at the next; needs times</td></tr>
</table>
<h3>Measures</h3>
<p>All are means over <b>valid queries</b>: those with a true match left once those of
its own camera are removed. Their number stands beside every result.</p>
<table cellpadding="4">
<tr><td><b>Rank-k</b></td><td>the share of queries with a true match among the first k
pictures</td></tr>
<tr><td><b>CMC</b></td><td>Rank-k for all k, as a curve</td></tr>
<tr><td><b>AP, mAP</b></td><td>the mean, over a query's true matches, of the share of true matches
among the pictures up to it; step-wise as in scikit-learn, or trapezoidal as in Market-1501's own
tool. Hits at ranks 1, 2, 4, 7 give 0.830 and 0.811</td></tr>
<tr><td><b>mINP</b></td><td>the number of true matches divided by the rank of the last of them (Ye
et al. 2021): the price of finding all</td></tr>
</table>
<p>Ties rank in the gallery's order.</p>
"""

ABOUT = f"""
<h3>QAConv Explorer {__version__}</h3>
<p>Interpretable person re-identification: rank pictures by how well they match a person, and see
which part was matched with which, and what that was worth.</p>
<p>Please cite what you use:</p>
<ul>
<li>S. Liao and L. Shao. <i>Interpretable and Generalizable Person Re-Identification with
Query-Adaptive Convolution and Temporal Lifting.</i> ECCV 2020.</li>
<li>S. Liao and L. Shao. <i>Graph Sampling Based Deep Metric Learning for Generalizable Person
Re-Identification.</i> CVPR 2022.</li>
</ul>
<p>Licence: MIT.</p>
<p>The people of the demo are rendered, no real persons are depicted. Body, clothes and hair
geometry from MakeHuman assets (CC0 1.0, Data Collection AB, J. Palmius, J. Hauquier). Icons:
Phosphor (MIT), from the package qtawesome (MIT). The window uses Qt 5 through PyQt5 (GPL
version 3).</p>
"""

TEXTS: dict[str, tuple[str, str]] = {
    "help.contribution": ("What a contribution is, and is not", CONTRIBUTION),
    **{id: (topic.title, topic.html) for id, topic in TOPICS.items()},
    "help.words": ("Words and measures", WORDS),
    "help.about": ("About", ABOUT),
}
"""Title and text by the command that shows it, in the order of the list."""


def help_on(space: Workspace, page: str) -> str:
    """The id of the text about what is shown now, on one of the window's pages."""
    if page in ("failures", "trust", "gallery"):
        return f"help.{page}"
    if page != "explore":
        return "help.words"
    now = space.parts.now
    if now.tool == "hide" or now.hiding or now.regions_wanted:
        return "help.what_if"
    if now.tool in PART_TOOLS or now.part is not None:
        return "help.part"
    if space.look.mode == "compare":
        return "help.why"
    if len(space.selection.chosen) > 1:
        return "help.decisions"
    if space.look.mode in ("lines", "heat") and space.look.measure == "relative":
        return "help.crowd"
    return "help.contribution"


class HelpDialog(QDialog):
    """All help texts, one of them shown; it may stay open beside the work."""

    def __init__(self, id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        size_on_screen(self, 880, 640)
        self.topics = QListWidget()
        self.topics.setAccessibleName("Help texts")
        self.topics.setToolTip("Choose what to read about (↑ ↓).")
        for each, (title, _text) in TEXTS.items():
            item = QListWidgetItem(title)
            item.setData(Qt.UserRole, each)
            self.topics.addItem(item)
        space_rows(self.topics)
        self.topics.setFixedWidth(self.topics.sizeHintForColumn(0) + 24)
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(False)
        take_frame(self.text)
        self.text.document().setDocumentMargin(16)
        self.topics.currentItemChanged.connect(lambda item, _before: self._show(item))
        buttons = dialog_buttons(self, QDialogButtonBox.Close)
        both = in_row(self.topics, self.text, grows=self.text, spacing=16)
        in_column(both, buttons, into=self, grows=both, margins=16, spacing=16)
        self.choose(id)
        self.topics.setFocus()

    def choose(self, id: str) -> None:
        """Show the text of a command (``help.words``)."""
        self.topics.setCurrentRow(list(TEXTS).index(id))

    def _show(self, item: QListWidgetItem) -> None:
        title, text = TEXTS[item.data(Qt.UserRole)]
        self.setWindowTitle(title)
        self.text.setAccessibleName(title)
        self.text.setHtml(text)


def show_help(id: str, parent: QWidget | None = None) -> HelpDialog:
    """Open the help text of a command (``help.words``); it is deleted when it is closed."""
    dialog = HelpDialog(id, parent)
    dialog.setAttribute(Qt.WA_DeleteOnClose)
    dialog.show()
    return dialog
