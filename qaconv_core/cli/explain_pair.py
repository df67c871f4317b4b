"""``qaconv explain QUERY A [B]``: what hiding regions does, and why A has another logit than B."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.galleries import against_gallery, as_stored, averages_for
from qaconv_core.cli.options import load_chosen_model, show, write_json
from qaconv_core.cli.terminal import say
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken

if TYPE_CHECKING:
    from PIL import Image

    from qaconv_core.explaining.values import ContributionDifference, Reason
    from qaconv_core.figures.heat import HeatItem
    from qaconv_core.model import Model
    from qaconv_core.types import Float32, Float64

_CHANGE = "hiding it lowers the logit  ←  change  →  hiding it raises the logit"
_LEAD = "speaks for B  ←  difference of the logits  →  speaks for A"


def explain_pictures(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Explain a query and one candidate, or two."""
    from qaconv_core.data.images import read_image

    if len(arguments.pictures) not in (2, 3):
        raise InputError(
            f"{len(arguments.pictures)} pictures were given; explain takes QUERY A or QUERY A B"
        )
    pictures = [read_image(path) for path in arguments.pictures]
    model = load_chosen_model(arguments)
    cancel.raise_if_cancelled()
    maps = model.extract(pictures)
    average = None
    if arguments.against:
        query, maps = Path(arguments.pictures[0]), as_stored(maps)
        gallery = against_gallery(model, arguments.against, arguments, cancel)
        crowd = averages_for(model, query, maps[0], gallery, arguments, cancel)
        average = crowd.gallery_mean
    work = _two if len(pictures) == 2 else _three
    record, text, items, scale = work(model, maps, pictures, average, arguments)
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
    average: Float64 | None,
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


def _three(
    model: Model,
    maps: Float32,
    pictures: list[Image.Image],
    average: Float64 | None,
    arguments: argparse.Namespace,
) -> Explained:
    """Why A has another logit than B, and which hidden window would change their order."""
    from qaconv_core.explaining.covering import order_map
    from qaconv_core.explaining.difference import difference, reasons
    from qaconv_core.figures.heat import HeatItem

    a, b = (model.match(maps[0], candidate) for candidate in maps[1:])
    found = difference(a, b, average)
    order = order_map(maps[0], maps[1], maps[2], model.head, arguments.window)
    listed = reasons(found, arguments.top)
    names = [Path(path).name for path in arguments.pictures]
    record = {
        "logit_a": a.logit,
        "logit_b": b.logit,
        "difference": found.total,
        "query": found.query.tolist(),
        "gallery_a": found.gallery_a.tolist(),
        "gallery_b": found.gallery_b.tolist(),
        "relative": average is not None,
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
    scale = _LEAD + ("; outlined: hidden there, the order changes" if order.flips.any() else "")
    return record, _differences(found, listed, int(order.flips.sum()), model), items, scale


def _differences(
    found: ContributionDifference, listed: list[Reason], flips: int, model: Model
) -> str:
    lines = [
        f"logit of A {found.a.logit:.3f} − logit of B {found.b.logit:.3f} = {found.total:+.3f}",
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
