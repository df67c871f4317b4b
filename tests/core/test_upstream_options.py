"""A published command line runs: what means nothing here is answered in one line."""

from __future__ import annotations

import argparse

import pytest

from qaconv_core.cli import evaluate, train
from qaconv_core.cli.upstream import EVALUATING, TRAINING


@pytest.mark.parametrize(("command", "answers"), [(evaluate, EVALUATING), (train, TRAINING)])
def test_every_upstream_option_is_accepted_and_answered(command, answers, capsys):
    parser = argparse.ArgumentParser(prog="qaconv", allow_abbrev=False)
    command.add_options(parser)
    plain = vars(parser.parse_args([]))
    for names, answer in answers.items():
        for name in names.split():
            given = parser.parse_args([name, "3"] if parser_takes_value(parser, name) else [name])
            assert vars(given) == plain
            assert capsys.readouterr().err == f"{name}: {answer}\n"
    assert "--test_gal_batch" not in parser.format_help()


def parser_takes_value(parser, name):
    return next(a.nargs for a in parser._actions if name in a.option_strings) != 0


def test_a_published_command_line_runs():
    parser = argparse.ArgumentParser(prog="qaconv", allow_abbrev=False)
    train.add_options(parser)
    line = (
        "--dataset market --testset duke -a resnet50 --neck 64 --ibn b -b 32 --epochs 60 "
        "--pre_epochs 1 --max_steps 2000 --num_trials 10 --acc_thr 0.6 --mem_batch_size 16 "
        "--test_fea_batch 64 --test_gal_batch 4 --test_prob_batch 4096 --do_tlift --resume ori"
    )
    given = parser.parse_args(line.split(" "))
    assert (given.neck, given.epochs, given.resume, given.tlift) == (64, 60, "ori", True)
