"""``qaconv bench``: the engine's speed beside plain formulations and this machine's peaks."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from qaconv_core.bench.parts import EVALUATION_MINUTES, part_words
from qaconv_core.cli.interrupts import breaking_at_once
from qaconv_core.cli.options import add_device_option, positive, show, write_json
from qaconv_core.cli.terminal import say
from qaconv_core.errors import Cancelled, InputError
from qaconv_core.progress import CancelToken


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv bench``."""
    add_device_option(parser, "cpu")
    parser.add_argument("--quick", action="store_true", help="small sizes: a minute or two")
    parser.add_argument(
        "--only",
        metavar="A,B",
        default="",
        help=f"only these parts, separated by commas: {part_words()}",
    )
    parser.add_argument(
        "--minutes",
        type=positive,
        default=EVALUATION_MINUTES,
        metavar="N",
        help="evaluation-growth leaves out the numbers of pictures that it is not expected to have "
        "done after N minutes (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="everything measured, as JSON")
    parser.add_argument("--figure", metavar="FILE", help="growth curves (.png, .pdf, .svg)")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="PAGE",
        help="put the tables between the markers of a Markdown page such as docs/benchmarks.md; "
        "parts that were not measured stay as they are",
    )
    parser.add_argument(
        "--work-dir", type=Path, metavar="DIR", help="where maps to measure on are kept meanwhile"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Measure, print, save; after Ctrl-C, what was measured until then."""
    from qaconv_core.bench.page import check_page
    from qaconv_core.bench.report import bench_text
    from qaconv_core.bench.suite import FULL, QUICK, chosen_parts, run_suite
    from qaconv_core.cli.evaluate import check_outputs
    from qaconv_core.device import resolve_device

    check_outputs(arguments)
    if arguments.work_dir and not arguments.work_dir.is_dir():
        raise InputError(f"{arguments.work_dir}: is not a folder; --work-dir takes one that exists")
    if arguments.write:
        check_page(arguments.write)
    device = resolve_device(arguments.device)
    only = [name.strip() for name in arguments.only.split(",") if name.strip()]
    chosen_parts(device, only)
    suite = QUICK if arguments.quick else FULL
    with breaking_at_once():
        record = run_suite(
            replace(suite, evaluation_minutes=arguments.minutes),
            device,
            lambda title: say(f"measuring: {title}"),
            cancel,
            arguments.work_dir,
            only,
        )
    record["command"] = arguments.command_line
    if arguments.json != "-":
        show(bench_text(record))
    if record["parts"]:
        _save(arguments, record)
    if record["left_out"]:
        raise Cancelled("what was measured so far is kept")


def _save(arguments: argparse.Namespace, record: dict[str, object]) -> None:
    if arguments.json:
        write_json(arguments.json, record)
    if arguments.write:
        from qaconv_core.bench.page import write_page

        write_page(arguments.write, record)
        say(f"tables: {arguments.write}")
    if arguments.figure:
        from qaconv_core.figures.bench import bench_figure
        from qaconv_core.figures.style import save_figure

        save_figure(bench_figure(record), Path(arguments.figure))
        say(f"figure: {arguments.figure}")
