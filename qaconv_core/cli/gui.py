"""``qaconv gui``: opens the window.

The engine imports nothing of the window; it finds it by the entry point of the installation.
"""

from __future__ import annotations

import argparse
from importlib.metadata import entry_points
from pathlib import Path

from qaconv_core.cli.options import DEFAULT_DATA_DIR, add_model_options
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken

GROUP = "qaconv.window"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv gui``; without any, the last session or the demo opens."""
    parser.add_argument("case", nargs="?", metavar="CASE", help="case (.qcase) to go on with")
    parser.add_argument("-d", "--dataset", metavar="NAME", help="data set to open, or a folder")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help=f"folder of the data sets (<DIR>/<name>/; default: {DEFAULT_DATA_DIR})",
    )
    parser.add_argument(
        "--query", nargs="+", default=(), metavar="IMG", help="query pictures to search for"
    )
    parser.add_argument(
        "--gallery", metavar="DIR|DATASET", help="what to search: a folder, a CSV or a data set"
    )
    add_model_options(parser)
    parser.set_defaults(run=run, precision="")  # the window has a choice of its own


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Open the window and wait until it is closed."""
    found = list(entry_points(group=GROUP))
    if not found:
        raise InputError(
            "the window is not installed; run 'python -m pip install -e .' in the checkout first"
        )
    found[0].load()(arguments)
