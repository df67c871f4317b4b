"""CMC curves as numbers."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from qaconv_core.evaluation.formats import one_line
from qaconv_core.evaluation.protocol import origin_lines
from qaconv_core.types import EvaluationReport


def cmc_csv(reports: Sequence[EvaluationReport]) -> str:
    """One row for each data set, method and rank k: the share of valid queries found within k.

    Shares in [0, 1]; ranks whose share is not known are left out; the protocol in ``#`` lines.
    """
    out = io.StringIO()
    out.write("# cmc is the share, in [0, 1], of valid queries with a true match among the first k")
    out.write("\n" + "".join(f"# {line}\n" for line in origin_lines(reports)))
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["dataset", "method", "k", "cmc", "approximation"])
    for report in reports:
        for result in report.results:
            for k, share in enumerate(result.cmc.tolist(), start=1):
                if math.isfinite(share):
                    names = [one_line(report.dataset), result.method]
                    writer.writerow([*names, k, share, one_line(result.approximation)])
    return out.getvalue()
