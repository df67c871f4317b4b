"""All commands and their options; names are upstream's where upstream has them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NoReturn

from qaconv_core import __version__
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


_COMMANDS: Mapping[str, str] = {
    "gui": "open the window",
    "evaluate": "measure a model on the query and gallery of a data set",
    "train": "train a network after a published recipe, or from nothing",
    "adapt": "adapt a model to your cameras without labels",
    "rank": "rank a gallery for one or several query pictures",
    "match": "explain the match of two pictures",
    "explain": "measure explanations, find what misleads, compare two matches",
    "rescore": "re-rank and measure saved scores of any model",
    "check": "say what a data set holds and what is wrong with it",
    "import": "say how pictures of your own are read: persons, cameras, times",
    "labels": "list, give, merge and export persons of pictures",
    "runs": "list, show, compare or delete past evaluations",
    "detect": "find the people in scenes and videos, as crops and a table of boxes",
    "people": "render synthetic people before synthetic cameras",
    "bench": "measure the engine's speed beside plain formulations",
    "weights": "list weights that are here, and fetch published ones",
    "forget": "remove all that is kept of a data set; its pictures stay",
    "cache": "show or clear stored feature maps",
}
"""Commands and what they do; each has its options in the module of its name."""
_MODULES = {"import": "import_pictures"}
"""Modules of commands whose name a module cannot have."""


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of ``qaconv``; ``arguments.run(arguments, cancel)`` does the chosen command.

    Where the ``command`` is known, the others are without options: their modules are not waited
    for.
    """
    parser = OneLineParser(
        prog="qaconv",
        description="Interpretable person re-identification with query-adaptive convolution.",
    )
    parser.add_argument("--version", action="version", version=f"qaconv {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser
    )
    for name, text in _COMMANDS.items():
        added = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            formatter_class=DefaultsFormatter,
        )
        if command in (None, name):
            module = _MODULES.get(name, name)
            import_module(f"qaconv_core.cli.{module}").add_options(added)
    return parser
