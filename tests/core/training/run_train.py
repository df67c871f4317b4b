"""What ``torchrun`` starts in the tests: ``qaconv train`` with the options given."""

from __future__ import annotations

import argparse
import sys

import torch

from qaconv_core.cli import train
from qaconv_core.progress import CancelToken
from tests.group_threads import leave

if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    train.add_options(parser)
    arguments = parser.parse_args(sys.argv[1:])
    arguments.run(arguments, CancelToken())
    leave(0)
