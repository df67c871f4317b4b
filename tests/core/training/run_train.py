"""What ``torchrun`` starts in the tests: ``qaconv train`` with the options given.

Recipe v2.0 keeps its norms here, as in the test: learning ones see their own process's pictures.
Its head is even: with a random one rounding decides more often which of two cells learns
(run_two.py compares that one). All is computed in float64, as in the test: rounding depends on the
batch, and on some processors it decides in float32 even so.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import torch

from qaconv_core.cli import train
from qaconv_core.progress import CancelToken
from qaconv_core.training.recipes import RECIPES
from tests.core.training.run_two import in_double
from tests.group_threads import leave

if __name__ == "__main__":
    torch.set_num_threads(1)
    RECIPES["v2.0"] = replace(RECIPES["v2.0"], frozen_norms=True, even_head=True)
    parser = argparse.ArgumentParser()
    train.add_options(parser)
    arguments = parser.parse_args(sys.argv[1:])
    with in_double():
        arguments.run(arguments, CancelToken())
    leave(0)
