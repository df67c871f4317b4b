"""All commands and their options; names are upstream's where upstream has them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from qaconv_core import __version__
from qaconv_core.cli import (
    adapt,
    bench,
    cache,
    check,
    detect,
    evaluate,
    explain,
    forget,
    gui,
    import_pictures,
    labels,
    match,
    people,
    rank,
    rescore,
    runs,
    train,
    weights,
)
from qaconv_core.readable import shown


class OneLineParser(argparse.ArgumentParser):
    """Reports wrong use in one line on stderr, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Print one line and leave."""
        text = shown(" ".join(message.split()))
        print(f"{self.prog}: {text} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


class DefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults where there is something to say; keeps the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Lines that begin with a space are examples and stay as they are."""
        lines = [
            line
            if line.startswith(" ")
            else super(DefaultsFormatter, self)._fill_text(line, width, indent)
            for line in text.split("\n")
        ]
        return "\n".join(lines)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, "", ()) or action.default == []:
            return action.help
        return super()._get_help_string(action)


_COMMANDS: Sequence[tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = (
    ("gui", "open the window", gui.add_options),
    ("evaluate", "measure a model on the query and gallery of a data set", evaluate.add_options),
    ("train", "train a network after a published recipe, or from nothing", train.add_options),
    ("adapt", "adapt a model to your cameras without labels", adapt.add_options),
    ("rank", "rank a gallery for one or several query pictures", rank.add_options),
    ("match", "explain the match of two pictures", match.add_options),
    (
        "explain",
        "measure explanations, find what misleads, compare two matches",
        explain.add_options,
    ),
    ("rescore", "re-rank and measure saved scores of any model", rescore.add_options),
    ("check", "say what a data set holds and what is wrong with it", check.add_options),
    (
        "import",
        "say how pictures of your own are read: persons, cameras, times",
        import_pictures.add_options,
    ),
    ("labels", "list, give, merge and export persons of pictures", labels.add_options),
    ("runs", "list, show, compare or delete past evaluations", runs.add_options),
    (
        "detect",
        "find the people in scenes and videos, as crops and a table of boxes",
        detect.add_options,
    ),
    ("people", "render synthetic people before synthetic cameras", people.add_options),
    ("bench", "measure the engine's speed beside plain formulations", bench.add_options),
    ("weights", "list weights that are here, and fetch published ones", weights.add_options),
    (
        "forget",
        "remove all that is kept of a data set; its pictures stay",
        forget.add_options,
    ),
    ("cache", "show or clear stored feature maps", cache.add_options),
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``qaconv``; ``arguments.run(arguments, cancel)`` does the chosen command."""
    parser = OneLineParser(
        prog="qaconv",
        description="Interpretable person re-identification with query-adaptive convolution.",
    )
    parser.add_argument("--version", action="version", version=f"qaconv {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser
    )
    for name, text, add_options in _COMMANDS:
        command = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            formatter_class=DefaultsFormatter,
        )
        add_options(command)
    return parser
