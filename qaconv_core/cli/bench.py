"""``qaconv bench``: the engine's speed beside plain formulations and this machine's peaks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from qaconv_core.cli.options import show, write_result
from qaconv_core.cli.terminal import say
from qaconv_core.progress import CancelToken


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv bench``."""
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, …")
    parser.add_argument("--quick", action="store_true", help="small sizes: a minute or two")
    parser.add_argument("--json", metavar="FILE", help="everything measured, as JSON")
    parser.add_argument("--figure", metavar="FILE", help="growth curves (.png, .pdf, .svg)")
    parser.add_argument(
        "--work-dir", type=Path, metavar="DIR", help="where maps to measure on are kept meanwhile"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Measure, print, save."""
    from qaconv_core.bench.report import bench_text
    from qaconv_core.bench.suite import FULL, QUICK, run_suite
    from qaconv_core.cli.evaluate import check_outputs
    from qaconv_core.device import resolve_device

    check_outputs(arguments)
    device = resolve_device(arguments.device)
    suite = QUICK if arguments.quick else FULL
    record = run_suite(
        suite, device, lambda title: say(f"measuring: {title}"), cancel, arguments.work_dir
    )
    record["command"] = arguments.command_line
    if arguments.json != "-":
        show(bench_text(record))
    if arguments.json:
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        write_result(arguments.json, text, "JSON")
    if arguments.figure:
        from qaconv_core.figures.bench import bench_figure
        from qaconv_core.figures.style import save_figure

        save_figure(bench_figure(record), Path(arguments.figure))
        say(f"figure: {arguments.figure}")
