"""The page of ``qaconv explain --failures``: errors of a model, with examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from qaconv_core.data.images import read_image
from qaconv_core.documents import html
from qaconv_core.errors import ImageError
from qaconv_core.evaluation.error_groups import ErrorGroup
from qaconv_core.evaluation.errors_of_ranking import ErrorAnalysis
from qaconv_core.figures.heat import HeatItem, heat_figure
from qaconv_core.readable import counted

EXAMPLES = 6
"""Errors of a group that are shown in pictures."""

_SCALE = "speaks for the true match  ←  mean difference  →  speaks for the false match"
_MEANING = (
    "For every query whose first match is false: what each query cell adds for that first false "
    "match minus what it adds for the first true one, averaged. Red cells mislead. These "
    "differences and those of the candidates' own cells add up to the margin, the difference of "
    "the two logits. Maps lie over the average picture of the queries."
)


def errors_html(analysis: ErrorAnalysis) -> str:
    """A :class:`ErrorAnalysis` as one HTML file with maps and pictures of the examples."""
    wrong = len(analysis.errors)
    lead = (
        f"data set {analysis.dataset}, model {analysis.model}: {wrong:,} of "
        f"{analysis.valid_queries:,} valid queries have a false first match"
    )
    if analysis.together is None:
        return html.page("What misleads the model", lead, [html.paragraph("Nothing to explain.")])
    body = [html.paragraph(_MEANING)]
    body += _section(analysis, "All errors", [analysis.together])
    body += _section(analysis, "By cameras (query → false match)", analysis.cameras)
    body += _section(analysis, "Clusters of errors that look alike", analysis.clusters)
    body.append(html.heading("All errors, one by one"))
    body.append(html.table(("number", "query", "false", "true", "margin"), _rows(analysis)))
    return html.page("What misleads the model", lead, body)


def _section(
    analysis: ErrorAnalysis, title: str, groups: Sequence[ErrorGroup], most: int = 12
) -> list[str]:
    shown = groups[:most]
    items = [
        HeatItem(group.name, group.mean, _count(group), average_picture(analysis, group))
        for group in shown
    ]
    pieces = [html.heading(title), html.figure(heat_figure(items, _SCALE), f"{title}: mean maps")]
    names = list(analysis.together.parts)[:8] if analysis.together else []
    head = ("group", "errors", "mean margin", *names)
    rows = [
        (g.name, len(g.examples), g.margin, *(g.parts.get(name) for name in names)) for g in groups
    ]
    pieces.append(html.table(head, rows))
    for group in shown:
        numbers = ", ".join(str(number + 1) for number in group.examples)
        pieces.append(html.heading(group.name, 3))
        pieces.append(html.paragraph(f"errors number {numbers}", "faint leads"))
        pieces.append(_examples(analysis, group))
    return pieces


def _count(group: ErrorGroup) -> str:
    count = len(group.examples)
    return counted(count, "error")


def average_picture(
    analysis: ErrorAnalysis, group: ErrorGroup, most: int = 24
) -> Image.Image | None:
    """The average picture of a group's first ``most`` queries, 128 × 256; None: none can be read.

    Pictures of people are cropped alike, so it shows which part of the body a mean map covers.
    """
    found = []
    for number in group.examples[:most]:
        try:
            picture = read_image(analysis.query[analysis.errors[number].query].path)
        except ImageError:
            continue
        found.append(np.asarray(picture.resize((128, 256)), dtype=np.float64))
    return Image.fromarray(np.mean(found, axis=0).astype(np.uint8)) if found else None


def _examples(analysis: ErrorAnalysis, group: ErrorGroup) -> str:
    shown = []
    for number in group.examples[:EXAMPLES]:
        error = analysis.errors[number]
        query = analysis.query[error.query].path
        false, true = (analysis.gallery[i].path for i in (error.false, error.true))
        shown.append(
            [
                (query, f"{number + 1}: query {query.name}"),
                (false, f"✕ first false {false.name}"),
                (true, f"✓ first true {true.name}"),
            ]
        )
    return html.picture_groups(shown)


def _rows(analysis: ErrorAnalysis) -> list[tuple[object, ...]]:
    return [
        (
            number,
            analysis.query[error.query].path.name,
            analysis.gallery[error.false].path.name,
            analysis.gallery[error.true].path.name,
            error.margin,
        )
        for number, error in enumerate(analysis.errors, start=1)
    ]
