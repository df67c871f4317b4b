"""Options of the published ``main.py`` (any release) that mean nothing here: each is answered.

They are accepted, so that a published command line runs, and one line says what holds instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from qaconv_core.cli.terminal import say

_PRE_TRAINING = "there is no pre-training; backbones start from ImageNet weights (--init)"
_BLOCKS = "pictures are scored in blocks that fit this machine"

EVALUATING = {
    "--ibn_layers": "is read from the checkpoint",
    "--resume": "--checkpoint names a model; else the newest below --exp-dir is taken",
    "--combine_all": "is for training; queries and gallery are evaluated as they are",
    "--evaluate": "is what this command does",
    "--test_gal_batch": _BLOCKS,
    "--test_prob_batch": _BLOCKS,
    "--acc_thr": "is for training",
    "--mem_batch_size": "is for training",
}
TRAINING = {
    "--evaluate": "is another command: qaconv evaluate --checkpoint FILE",
    "--pre_epochs": _PRE_TRAINING,
    "--max_steps": _PRE_TRAINING,
    "--num_trials": _PRE_TRAINING,
    "--acc_thr": "pictures are changed at random from the first epoch on (--flip, --max_size, …)",
    "--ibn_layers": "--ibn a or b has the layers of the published networks",
    "--gs_save": "the sampler's graph is made anew each epoch and not kept",
    "--gs_verbose": "the log of the run has what each epoch took",
    "--test_fea_batch": "pictures are read in batches that fit this machine",
    "--test_gal_batch": _BLOCKS,
    "--test_prob_batch": _BLOCKS,
    "--save_score": "qaconv evaluate --save-score FILE keeps scores",
}
_FLAGS = ("--combine_all", "--evaluate", "--gs_save", "--gs_verbose", "--save_score")


class _Answered(argparse.Action):
    """Says the option's line; a value is taken and dropped."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        say(f"{option_string}: {self.metavar}")


def add_upstream_options(parser: argparse.ArgumentParser, answers: dict[str, str]) -> None:
    """Accept the options of ``answers``; they are not listed in the help."""
    for names, answer in answers.items():
        flag = names in _FLAGS
        # The line is carried where argparse never shows it: the option has no help.
        parser.add_argument(
            *names.split(),
            action=_Answered,
            nargs=0 if flag else "?",
            metavar=answer,
            dest=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
