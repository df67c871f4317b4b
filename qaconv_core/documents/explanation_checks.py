"""The page of ``qaconv explain``: the explanation checks of a model."""

from __future__ import annotations

from qaconv_core.documents import html
from qaconv_core.evaluation.equal_scores import TOLERANCE, EqualScores
from qaconv_core.evaluation.explanation_checks import ExplanationCheckGroup, ExplanationCheckReport
from qaconv_core.evaluation.explanations import SHIFTS, STRONG
from qaconv_core.explaining.limits import PAIR_X
from qaconv_core.figures.explanation_checks import curves_figure
from qaconv_core.readable import counted

_CHOSEN = {"contribution": "contribution", "relative": "contribution above average"}
_HEAD = (
    "pairs",
    "strongest by",
    "part agreement",
    "background",
    "off the person",
    "border",
    *(f"shift {k}" for k in SHIFTS),
    "mean logit",
)
_MEANING = (
    f"Looked at are the {STRONG} strongest correspondences of each pair, query to gallery. Part "
    "agreement: both ends lie on one body part or garment. Background, off the person, border: "
    "either end does. Shift following: the gallery picture is moved by k cells and the matches are "
    "expected to move along; 1 is right, 0 means that places of the frame are matched. The second "
    "kind of pairs is the control: what is as high there says nothing about persons."
)
_UNLABELLED = (
    "This data set has no label maps, which tell what every pixel shows: part agreement, "
    "background and what lies off the person could not be measured."
)
EQUAL = (
    "At equal logits the model does not tell a true match from a false one: can its explanation? "
    "Given is the share of cases in which the true match is the more plausible (ties count half), "
    "with its 95 % interval over persons; one half is chance. Moved alike: how well one common "
    "movement explains the strong matches, 1 / (1 + mean distance from it in cells). Same part: "
    f"the share of them whose ends lie on one body part or garment. The question is {PAIR_X}; "
    "these measures of plausibility are this program's."
)
EQUAL_HEAD = ("more plausible by", "strongest by", "share", "from", "to", "true", "false")
_AREAS = (
    "Area between the curve and that of random order, as a share of |logit − bias|: positive where "
    "the cells named as strongest decide more than others. Removal is exact: cells are taken out "
    "of the matching rule."
)


def explanation_checks_html(report: ExplanationCheckReport) -> str:
    """A report as one HTML file with figures and example pairs."""
    lead = f"data set {report.dataset}, model {report.model}"
    body = [html.paragraph(f"{note[:1].upper()}{note[1:]}.") for note in report.notes]
    if len(quality_head(report)) < len(_HEAD):
        body.append(html.paragraph(_UNLABELLED))
    body += [html.heading("What strong matches join"), html.paragraph(_MEANING)]
    body.append(html.table(quality_head(report), quality_rows(report)))
    if report.equal is not None:
        body += [html.heading("At equal scores"), html.paragraph(EQUAL)]
        body.append(html.paragraph(equal_words(report.equal)))
        body.append(html.table(EQUAL_HEAD, equal_rows(report.equal)))
    body += [html.heading("Whether the strongest cells decide"), html.paragraph(_AREAS)]
    body.append(html.table(("pairs", "order", "deletion", "insertion"), area_rows(report)))
    caption = (
        "Mean logit and median rank of the gallery picture (among "
        f"{report.gallery_ranked:,} pictures) while query cells are removed or brought back"
    )
    body.append(html.figure(curves_figure(report.groups), caption))
    body += [_examples(report, group) for group in report.groups]
    return html.page("How far the explanations can be trusted", lead, body)


def quality_head(report: ExplanationCheckReport) -> tuple[str, ...]:
    """Names of the columns of :func:`quality_rows`."""
    return tuple(_HEAD[column] for column in _measured_columns(report))


def quality_rows(report: ExplanationCheckReport) -> list[tuple[object, ...]]:
    """One row for each kind of pair and choice of strong matches; what was measured nowhere is
    left out."""
    columns = _measured_columns(report)
    return [tuple(row[column] for column in columns) for row in _rows(report)]


def _measured_columns(report: ExplanationCheckReport) -> list[int]:
    rows = _rows(report)
    return [i for i in range(len(_HEAD)) if any(row[i] is not None for row in rows)]


def _rows(report: ExplanationCheckReport) -> list[tuple[object, ...]]:
    return [
        (
            f"{group.name} ({len(group.pairs)})",
            _CHOSEN.get(order, order),
            quality.part_agreement,
            quality.background,
            quality.off_person,
            quality.border,
            *(quality.shift_following.get(k) for k in SHIFTS),
            quality.mean_logit,
        )
        for group in report.groups
        for order, quality in group.quality.items()
    ]


def area_rows(report: ExplanationCheckReport) -> list[tuple[object, ...]]:
    """One row for each kind of pair and order of removal."""
    return [
        (
            group.name,
            _CHOSEN.get(order, order),
            group.curves.area[order, "deletion"],
            group.curves.area[order, "insertion"],
        )
        for group in report.groups
        for order in group.curves.orders[:-1]
    ]


def equal_words(equal: EqualScores) -> str:
    """What was compared."""
    cases, gap = len(equal.cases), equal.gap
    return (
        f"{counted(cases, 'case')}: a query with a true and a false match whose logits are at most "
        f"{TOLERANCE:g} standard deviations apart; true minus false {gap:+.3f} on average."
    )


def equal_rows(equal: EqualScores) -> list[tuple[object, ...]]:
    """One row for each measure and choice of strong matches."""
    return [
        (name, _CHOSEN.get(order, order), one.share, one.low, one.high, one.true, one.false)
        for order, measures in equal.found.items()
        for name, one in measures.items()
    ]


def _examples(report: ExplanationCheckReport, group: ExplanationCheckGroup, most: int = 4) -> str:
    """The first pairs that were measured."""
    shown = []
    for q, g in group.pairs[:most]:
        query, gallery = report.query[q].path, report.gallery[g].path
        shown.append([(query, f"query {query.name}"), (gallery, gallery.name)])
    return html.heading(f"Examples: {group.name}", 3) + html.picture_groups(shown)
