"""CMC curves as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qaconv_core.evaluation.protocol import origin_lines
from qaconv_core.readable import csv_text, shown
from qaconv_core.types import EvaluationReport


def cmc_csv(reports: Sequence[EvaluationReport]) -> str:
    """One row for each data set, method and rank k: the share of valid queries found within k.

    Shares in [0, 1]; ranks whose share is not known are left out; the protocol in ``#`` lines.
    """
    first = "cmc is the share, in [0, 1], of valid queries with a true match among the first k"
    rows = (
        (shown(report.dataset), result.method, k, share, shown(result.approximation))
        for report in reports
        for result in report.results
        for k, share in enumerate(result.cmc.tolist(), start=1)
        if math.isfinite(share)
    )
    header = ("dataset", "method", "k", "cmc", "approximation")
    return csv_text(header, rows, comments=(first, *origin_lines(reports)), quote_texts=True)
