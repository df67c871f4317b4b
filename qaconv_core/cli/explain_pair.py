"""``qaconv explain QUERY A [B]``: what hiding regions does, and why A is above B."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.galleries import (
    EVIDENCE,
    NORMALISED,
    Against,
    above_strangers,
    against_gallery,
    as_stored,
    averages_for,
    evidence_of,
    no_strangers,
    standing_of,
    strangers_words,
)
from qaconv_core.cli.options import load_chosen_model, show, write_json
from qaconv_core.cli.terminal import say
from qaconv_core.errors import InputError
from qaconv_core.matching.strongest import RELATIVE
from qaconv_core.progress import CancelToken
from qaconv_core.types import ImageRef

if TYPE_CHECKING:
    from PIL import Image

    from qaconv_core.explaining.values import ContributionDifference, NormalisedBreakdown, Reason
    from qaconv_core.figures.heat import HeatItem
    from qaconv_core.model import Model
    from qaconv_core.types import CorrespondenceMap, Float32

_CHANGE = "hiding it lowers the logit  ←  change  →  hiding it raises the logit"
_LEAD = "speaks for B  ←  difference of the {}  →  speaks for A"


def explain_pictures(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Explain a query and one candidate, or two."""
    from qaconv_core.data.images import read_image

    if len(arguments.pictures) not in (2, 3):
        raise InputError(
            f"{len(arguments.pictures)} pictures were given; explain takes QUERY A or QUERY A B"
        )
    if len(arguments.pictures) == 2 or not arguments.against:
        for name, given in (
            ("--colour-by", arguments.colour_by),
            ("--among-pairs", arguments.among_pairs),
        ):
            if given:
                raise InputError(f"{name} belongs to QUERY A B --against GALLERY")
    pictures = [read_image(path) for path in arguments.pictures]
    model = load_chosen_model(arguments)
    cancel.raise_if_cancelled()
    maps = model.extract(pictures)
    against = None
    if arguments.against:
        maps = as_stored(maps)
        against = against_gallery(model, arguments.against, arguments, cancel)
    if len(pictures) == 2:
        record, text, items, scale = _two(model, maps, pictures, arguments)
    else:
        record, text, items, scale = _three(model, maps, pictures, against, arguments, cancel)
    record |= {"pictures": arguments.pictures, "checkpoint": model.spec.sha256}
    if arguments.json != "-":
        show(text)
    if arguments.json:
        write_json(arguments.json, record, indent=None)
    if arguments.figure:
        from qaconv_core.figures.heat import heat_figure
        from qaconv_core.figures.style import save_figure

        save_figure(heat_figure(items, scale), arguments.figure)
        say(f"figure: {arguments.figure}")


Explained = tuple[dict[str, Any], str, "list[HeatItem]", str]


def _two(
    model: Model,
    maps: Float32,
    pictures: list[Image.Image],
    arguments: argparse.Namespace,
) -> Explained:
    """What hiding each window of the query, and of the candidate, does to the logit."""
    from qaconv_core.explaining.covering import occlusion_map
    from qaconv_core.figures.heat import HeatItem

    found = [
        occlusion_map(maps[0], maps[1], model.head, arguments.window, side)
        for side in ("query", "gallery")
    ]
    rows, columns = arguments.window
    lines = [f"logit {found[0].logit:.3f}; with a window of {rows} × {columns} cells hidden:"]
    for each, name in zip(found, ("query", "candidate"), strict=True):
        low, high = int(each.change.argmin()), int(each.change.argmax())
        lines.append(
            f"  {name + ':':<11} from {each.change.min():+.3f} (around cell {_cell(low, model)}) "
            f"to {each.change.max():+.3f} (around {_cell(high, model)})"
        )
    record = {
        "logit": found[0].logit,
        "window": list(arguments.window),
        "query_change": found[0].change.tolist(),
        "gallery_change": found[1].change.tolist(),
    }
    names = [Path(path).name for path in arguments.pictures]
    items = [
        HeatItem(title, each.change, name, picture)
        for title, each, name, picture in zip(
            ("hidden in the query", "hidden in the candidate"), found, names, pictures, strict=True
        )
    ]
    return record, "\n".join(lines), items, _CHANGE


def _above_strangers(
    model: Model,
    maps: Float32,
    matches: tuple[CorrespondenceMap, CorrespondenceMap],
    against: Against,
    arguments: argparse.Namespace,
    cancel: CancelToken,
) -> tuple[NormalisedBreakdown, NormalisedBreakdown] | None:
    """The normalised scores of both candidates in parts; None, and a line that says so, where one
    of them has no strangers."""
    query, *candidates = (Path(path) for path in arguments.pictures)
    found = [
        above_strangers(model, match, (query, path), (maps[0], candidate), against, cancel)
        for match, path, candidate in zip(matches, candidates, maps[1:], strict=True)
    ]
    if found[0] is not None and found[1] is not None:
        return found[0], found[1]
    say(no_strangers(arguments))
    return None


def _three(
    model: Model,
    maps: Float32,
    pictures: list[Image.Image],
    against: Against | None,
    arguments: argparse.Namespace,
    cancel: CancelToken,
) -> Explained:
    """Why A has another normalised score, or another logit, than B, and which hidden window would
    change their order."""
    from qaconv_core.explaining.average import relative
    from qaconv_core.explaining.covering import order_map
    from qaconv_core.explaining.difference import difference, normalised_difference, reasons
    from qaconv_core.figures.heat import HeatItem

    a, b = (model.match(maps[0], candidate) for candidate in maps[1:])
    parts, crowd = None, None
    if against is not None and arguments.colour_by != RELATIVE:
        parts = _above_strangers(model, maps, (a, b), against, arguments, cancel)
    if against is not None and (parts is None or arguments.among_pairs):
        picture = Path(arguments.pictures[0])
        crowd = averages_for(model, picture, maps[0], against, arguments, cancel)
    if parts is not None:
        found = normalised_difference((a, parts[0]), (b, parts[1]))
    else:
        found = difference(a, b, None if crowd is None else crowd.gallery_mean)
    order = order_map(maps[0], maps[1], maps[2], model.head, arguments.window, parts)
    listed = reasons(found, arguments.top)
    names = [Path(path).name for path in arguments.pictures]
    record: dict[str, Any] = {
        "logit_a": a.logit,
        "logit_b": b.logit,
        "difference": found.total,
        "query": found.query.tolist(),
        "gallery_a": found.gallery_a.tolist(),
        "gallery_b": found.gallery_b.tolist(),
        "relative": against is not None and parts is None,
        "reasons": [reason._asdict() for reason in listed],
        "window": list(arguments.window),
        "margin_hidden": order.margin.tolist(),
        "flips": order.flips.astype(int).tolist(),
    }
    items = [
        HeatItem("query: A − B", found.query, names[0], pictures[0], order.flips),
        HeatItem("A's own cells", found.gallery_a, names[1], pictures[1]),
        HeatItem("B's own cells", found.gallery_b, names[2], pictures[2]),
    ]
    words = []
    if parts is not None:
        record[NORMALISED] = {"a": parts[0].to_dict(), "b": parts[1].to_dict()}
        words = [
            f"{name} stands {each.n:+.3f} deviations above {strangers_words(each)}"
            for name, each in zip("AB", parts, strict=True)
        ]
    scale = _LEAD.format("logits" if parts is None else "scores above strangers") + (
        "; outlined: hidden there, the order changes" if order.flips.any() else ""
    )
    if against is not None and crowd is not None and arguments.among_pairs:
        known = evidence_of(model, against, arguments, cancel)
        query, *candidates = (ImageRef(Path(path)) for path in arguments.pictures)
        record[EVIDENCE] = {}
        for name, match, ref in zip("AB", (a, b), candidates, strict=True):
            standing, line = standing_of(known, (query, ref), relative(match, crowd))
            record[EVIDENCE][name.lower()] = standing
            words.append(f"{name}: {line}")
    text = _differences(found, listed, int(order.flips.sum()), model)
    return record, "\n".join([*words, text]), items, scale


def _differences(
    found: ContributionDifference, listed: list[Reason], flips: int, model: Model
) -> str:
    value, (a, b) = "logit" if found.normalised is None else "N", found.values
    lines = [
        f"{value} of A {a:.3f} − {value} of B {b:.3f} = {found.total:+.3f}",
        f"  = query cells {found.query.sum():+.3f}, A's own cells {found.gallery_a.sum():+.3f}, "
        f"B's own cells {found.gallery_b.sum():+.3f}",
        f"hiding a window of the query changes the order at {flips} of {found.query.size} places",
        "strongest reasons:",
    ]
    for reason in listed:
        where = {
            "query": f"query cell {_cell(reason.query_cell, model)} "
            f"(A {_number(reason.similarity_a)}, B {_number(reason.similarity_b)} alike)",
            "a": f"cell {_cell(reason.cell_a or 0, model)} of A "
            f"({_number(reason.similarity_a)} alike)",
            "b": f"cell {_cell(reason.cell_b or 0, model)} of B "
            f"({_number(reason.similarity_b)} alike)",
        }[reason.kind]
        lines.append(f"  {reason.amount:>+8.3f} for {'A' if reason.amount > 0 else 'B'}: {where}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _cell(number: int, model: Model) -> str:
    row, column = divmod(number, model.spec.grid[1])
    return f"({row}, {column})"
