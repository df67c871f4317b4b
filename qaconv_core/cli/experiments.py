"""Upstream's options that say which experiment is meant: they choose a checkpoint, or check one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.options import DEFAULT_EXP_DIR, checkpoints_below
from qaconv_core.errors import CheckpointError, InputError
from qaconv_core.readable import shown

if TYPE_CHECKING:
    from qaconv_core.types import ModelSpec

_NETWORK = ("arch", "ibn", "final_layer", "neck")


def add_experiment_options(parser: argparse.ArgumentParser) -> None:
    """The network and the folder of a published experiment."""
    group = parser.add_argument_group(
        "which experiment, as upstream names it",
        "without --checkpoint these choose among <exp-dir>/<Dataset>/<method>/<sub_method>/, with "
        "it they are checked against it",
    )
    group.add_argument("--method", metavar="NAME", help="folder of the method")
    group.add_argument("--sub_method", metavar="NAME", help="folder of the run in it")
    group.add_argument("-a", "--arch", metavar="NAME", help="its backbone, such as resnet50")
    group.add_argument("--ibn", choices=("a", "b", "none"), help="its instance-batch norms")
    group.add_argument("--final_layer", choices=("layer2", "layer3", "layer4"))
    group.add_argument("--neck", type=int, metavar="N", help="channels of its neck")


def chosen_experiment(arguments: argparse.Namespace) -> Path | None:
    """The newest checkpoint of the experiment asked for; None where nothing asks for one, or a
    checkpoint is given.

    Raises :class:`InputError` that names the options where none fits.
    """
    asked = _asked(arguments)
    if arguments.checkpoint or not asked:
        return None
    exp_dir = arguments.exp_dir
    if exp_dir is None:
        if not DEFAULT_EXP_DIR.is_dir():
            return None
        exp_dir = DEFAULT_EXP_DIR
    found = checkpoints_below(exp_dir, arguments.dataset)
    for path in found:
        if _folders_fit(path, arguments) and (not _network(asked) or _fits(path, arguments)):
            return path
    seen = ", ".join(dict.fromkeys(shown(path.parent.relative_to(exp_dir)) for path in found[:5]))
    raise InputError(f"{exp_dir}: holds no checkpoint of {_words(asked)}; there are {seen}")


def check_experiment(spec: ModelSpec, arguments: argparse.Namespace) -> None:
    """Raise :class:`InputError` unless the model is what the options say of it."""
    asked = _network(_asked(arguments))
    if not _like(spec, asked):
        raise InputError(
            f"{spec.path or 'the bundled model'}: is {spec.describe()}, and {_words(asked)} was "
            "asked for; leave these options out, or name the checkpoint that is meant"
        )


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("method", "sub_method", *_NETWORK)
    given = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def _network(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name in _NETWORK}


def _words(asked: dict[str, Any]) -> str:
    return shown(" ".join(f"--{name} {value}" for name, value in asked.items()))


def _folders_fit(path: Path, arguments: argparse.Namespace) -> bool:
    pairs = ((arguments.sub_method, path.parent), (arguments.method, path.parent.parent))
    return all(name is None or folder.name == name for name, folder in pairs)


def _fits(path: Path, arguments: argparse.Namespace) -> bool:
    from qaconv_core.models import load_checkpoint

    try:
        return _like(load_checkpoint(path).spec, _network(_asked(arguments)))
    except CheckpointError:
        return False


def _like(spec: ModelSpec, asked: dict[str, Any]) -> bool:
    ibn = {None: "none", "b-v1": "b"}.get(spec.ibn, spec.ibn)
    is_ = {"arch": spec.arch, "ibn": ibn, "final_layer": spec.layer, "neck": spec.neck}
    return all(is_[name] == value for name, value in asked.items())
