"""The protocol of an evaluation, in words; every report carries it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import qaconv_core
from qaconv_core.evaluation.formats import flat_text
from qaconv_core.readable import shown
from qaconv_core.types import EvaluationProtocol, EvaluationReport

AP_DEFINITIONS = {
    "step": "step-wise: mean over true matches of the precision at each (as scikit-learn)",
    "trapezoidal": "trapezoidal: area under the interpolated precision-recall curve "
    "(as Market-1501's own tool)",
}
CAMERAS_UNKNOWN = (
    "cameras are not known, so nothing is left out as the query's own camera; pictures taken just "
    "after the query count as matches"
)
JUNK_RULES = {
    True: "gallery pictures with the query's pid and camid, or with no known pid, are left out",
    False: "same-camera matches count; only gallery pictures with no known pid are left out",
}


def package_version(*names: str) -> str:
    """Version of the first of these distributions that is installed, else ``"unknown"``.

    Read from the installation's records, so that a report never imports torch for a number.
    """
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def versions() -> dict[str, str]:
    """Versions of this program, Python and the libraries that the numbers depend on."""
    own = package_version("qaconv-explorer")
    return {
        "qaconv": own if own != "unknown" else qaconv_core.__version__,
        "python": platform.python_version(),
        "numpy": package_version("numpy"),
        "scipy": package_version("scipy"),
        "torch": package_version("torch"),
        "torchvision": package_version("torchvision"),
        "pillow": package_version("pillow"),
    }


def protocol_record(
    *,
    ap: str = "step",
    junk: bool = True,
    cameras: bool = True,
    score: str = "QAConv logit (larger is closer); distance = 1 − sigmoid(logit / 10)",
    rerank: Mapping[str, Any] | None = None,
    roles_within_a_side: str | None = None,
    tlift: Mapping[str, Any] | None = None,
    normalisation: Mapping[str, Any] | None = None,
    approximations: Sequence[str] = (),
    preprocessing: str | None = None,
    layout: str | None = None,
) -> EvaluationProtocol:
    """What must be known to compare a number with another paper's.

    ``ap`` is a key of :data:`AP_DEFINITIONS` or a text of its own, ``junk`` whether pictures of
    the query's pid and camera are left out, ``cameras`` whether any query's camera is known,
    ``rerank``, ``tlift`` and ``normalisation`` their parameters (None: not used),
    ``roles_within_a_side`` which picture of a pair of one side is the query, ``layout`` that of
    the data set's folder.
    """
    return EvaluationProtocol(
        ap=AP_DEFINITIONS.get(ap, ap),
        junk=JUNK_RULES[bool(junk)] if cameras or not junk else CAMERAS_UNKNOWN,
        denominators="all means are over valid queries: those with a true match left",
        ties="in gallery order",
        score=score,
        approximations=tuple(dict.fromkeys(map(shown, approximations))),
        rerank=rerank,
        roles_within_a_side=roles_within_a_side,
        tlift=tlift,
        normalisation=normalisation,
        preprocessing=preprocessing,
        layout=layout,
        versions=versions(),
    )


def _origin(report: EvaluationReport) -> list[tuple[str, str]]:
    """Protocol, checkpoint and device of one report as names and values."""
    protocol, checkpoint = report.protocol.to_dict(), report.checkpoint.to_dict()
    facts = [(shown(key), flat_text(value)) for key, value in protocol.items()]
    if checkpoint:
        facts.append(("checkpoint", flat_text(checkpoint)))
    if report.device:
        facts.append(("device", shown(report.device)))
    return facts


def origin_lines(reports: Sequence[EvaluationReport]) -> list[str]:
    """How the numbers of these reports came about, one fact a line (:func:`origin_facts`)."""
    return [f"{name}: {value}" for name, value in origin_facts(reports)]


def origin_facts(reports: Sequence[EvaluationReport]) -> list[tuple[str, str]]:
    """How the numbers of these reports came about, as names and values.

    Facts that all reports share stand once; the names of others are preceded by their data set.
    """
    origins = [_origin(report) for report in reports]
    if not origins:
        return []
    shared = [fact for fact in origins[0] if all(fact in other for other in origins[1:])]
    own = [
        (f"{shown(report.dataset)}: {name}", value)
        for report, facts in zip(reports, origins, strict=True)
        for name, value in facts
        if (name, value) not in shared
    ]
    return shared + own
