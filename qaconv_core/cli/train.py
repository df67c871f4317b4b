"""``qaconv train``: train a model after a published recipe, or from nothing."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.options import (
    DEFAULT_EXP_DIR,
    add_data_options,
    add_size_options,
    add_training_machine_options,
    dataset_names,
    input_size,
    open_named_dataset,
    positive,
    show,
)
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.cli.upstream import TRAINING, add_upstream_options
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, Progress
from qaconv_core.readable import shown
from qaconv_core.training.recipes import (
    FROZEN,
    INITS,
    OPTIMIZERS,
    PRECISIONS,
    RECIPES,
    SAMPLERS,
    SCHEDULES,
    Recipe,
    change_recipe,
    make_recipe,
)

if TYPE_CHECKING:
    from qaconv_core.training.session import TrainingJob

LAST = "last"
_RENAMED = {
    "final_layer": "layer",
    "min_size": None,
    "max_size": None,
    "height": None,
    "width": None,
}
"""Options whose names are not those of the recipe's field (None: two options make one field)."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv train``; those without a default here follow the recipe."""
    parser.add_argument(
        "-d",
        "--dataset",
        default="market",
        metavar="A[,B]",
        help="training sets by name (or folders), joined with identities and cameras kept apart",
    )
    parser.add_argument("--testset", metavar="A,B", help="data sets to evaluate at the end")
    parser.add_argument(
        "--combine_all",
        action="store_true",
        help="train on query and gallery too, where the set has them",
    )
    add_data_options(parser)
    parser.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        default="v2.1",
        help="defaults of everything below: v1.0 or v1, the last of 1.x (ECCV 2020), v2.0 or v2.1 "
        "(CVPR 2022), scratch (no ImageNet weights), or lite (a small network for CPUs)",
    )
    _add_network_options(parser)
    _add_training_options(parser)
    _add_picture_options(parser)
    _add_run_options(parser)
    add_upstream_options(parser, TRAINING)
    parser.set_defaults(run=run)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument(
        "-a", "--arch", metavar="NAME",
        help="resnet18, 34, 50, 101 or 152; efficientnet_lite0, 1 or 2; mobilenet_v2",
    )  # fmt: skip
    group.add_argument("--ibn", choices=("a", "b", "none"), help="instance-batch norms")
    group.add_argument("--final_layer", choices=("layer2", "layer3", "layer4"))
    group.add_argument("--neck", type=int, metavar="N", help="channels of the neck, 0: none")
    group.add_argument("--padding", choices=("zeros", "replicate", "reflect"))
    add_size_options(group, "the input")
    group.add_argument("--init", choices=INITS, help="what the backbone starts from")
    group.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="what to begin from: backbone weights (torchvision, IBN-Net, EfficientNet-Lite), or a "
        "QAConv model, which gives its neck and head too",
    )
    group.add_argument("--frozen", choices=FROZEN, help="last stage whose weights do not learn")
    group.add_argument(
        "--teacher",
        type=_names,
        dest="teachers",
        metavar="FILE[,FILE]",
        help="scratch and lite: finished models whose logits are learned too; demo is the bundled",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    group.add_argument("-b", "--batch-size", type=positive, metavar="N")
    group.add_argument("--lr", type=float, help="rate of new parameters")
    group.add_argument("--base_lr_factor", type=float, help="share of it for a pre-trained base")
    group.add_argument("--epochs", "--max_epochs", type=positive, metavar="N")
    group.add_argument("--schedule", choices=SCHEDULES)
    group.add_argument("--step_size", type=positive, metavar="N", help="epochs between drops")
    group.add_argument("--step_factor", type=float, help="adaptive: drop below this loss ratio")
    group.add_argument("--warmup", type=float, metavar="EPOCHS")
    group.add_argument("--optimizer", choices=OPTIMIZERS)
    group.add_argument("--weight_decay", type=float)
    group.add_argument("--clip_value", type=float, help="largest gradient norm, 0: no limit")
    group.add_argument("--sampler", choices=SAMPLERS)
    group.add_argument(
        "-K", "--num_instance", "--num_instances", type=positive, metavar="N",
        help="pictures of a person in a batch",
    )  # fmt: skip
    group.add_argument(
        "--gs_pre_epochs", type=int, metavar="N", help="epochs of random people before the graph"
    )
    group.add_argument(
        "--gs_rerank_off", action="store_const", const=False, dest="gs_rerank",
        help="take the graph's distances as they are (v2.0 re-ranks them)",
    )  # fmt: skip
    group.add_argument("--margin", type=float, help="of the triplet loss, in logits")
    group.add_argument(
        "--mem_batch_size", type=positive, metavar="N", help="classes of the memory at once"
    )
    group.add_argument("--amp", choices=PRECISIONS, help="mixed precision")
    group.add_argument(
        "--average",
        type=float,
        metavar="SHARE",
        help="share of the run, at its end, whose weights are averaged into the final ones",
    )
    group.add_argument(
        "--calibrate",
        action=argparse.BooleanOptionalAction,
        help="fit scale and zero of the logits to training pairs at the end (default: scratch "
        "and lite); with --resume, a finished run too",
    )
    group.add_argument(
        "--views", type=positive, metavar="N", help="scratch: changes of one picture in a batch"
    )
    for name, text in (
        ("identity_weight", "scratch: classification of people"),
        ("contrast_weight", "scratch: contrast over logits"),
        ("contrast_temperature", "scratch: its temperature"),
        ("part_weight", "scratch: label maps, same part"),
        ("background_weight", "scratch: label maps, background matches nothing"),
        ("view_weight", "scratch: agreement of two views of one picture"),
        ("teacher_weight", "scratch: agreement with the teachers' logits"),
    ):
        group.add_argument(f"--{name}", type=float, metavar="W", help=text)


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pictures")
    group.add_argument("--min_size", type=float, help="least side of the occlusion, of the width")
    group.add_argument("--max_size", type=float, help="largest side of the occlusion, 0: none")
    group.add_argument("--pad", type=int, metavar="PIXELS", help="pad and crop")
    group.add_argument("--flip", type=float, metavar="CHANCE")
    group.add_argument("--rotate", type=float, metavar="DEGREES")
    group.add_argument("--hue", type=float, help="turn of the hue, ±")
    group.add_argument("--box", type=float, help="spread of the box's edges, of the side")
    group.add_argument("--tint", type=float, help="gain of each colour, ±")
    group.add_argument("--grey", type=float, metavar="CHANCE")
    for name, text in (
        ("blur", "blur or fewer pixels"),
        ("coarse", "down to 48 rows of pixels"),
        ("motion", "motion blur"),
        ("jpeg", "strong compression"),
        ("shadow", "a hard shadow"),
        ("mix", "another picture's surroundings (with label maps)"),
    ):
        group.add_argument(f"--{name}", type=float, metavar="CHANCE", help=text)
    group.add_argument("--exposure", type=float, metavar="STOPS", help="its standard deviation")
    group.add_argument(
        "--labels", type=Path, metavar="DIR",
        help="label maps, DIR/<folder>/<name>.png (default: labels beside the pictures' folder)",
    )  # fmt: skip


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("run")
    group.add_argument("--exp-dir", type=Path, default=DEFAULT_EXP_DIR, metavar="DIR")
    group.add_argument("--method", default="QAConv", metavar="NAME", help="folder of the run")
    group.add_argument("--sub_method", metavar="NAME", help="folder in it (from the recipe)")
    group.add_argument(
        "--resume", nargs="?", const=LAST, metavar="FILE",
        help="go on with the run in that folder, or from FILE",
    )  # fmt: skip
    group.add_argument("--overwrite", action="store_true", help="replace a run in that folder")
    group.add_argument("--export", type=Path, metavar="FILE", help="also write a small model file")
    group.add_argument("--rerank", action="store_true", help="evaluate with re-ranking too")
    group.add_argument("--tlift", "--do_tlift", action="store_true", help="and with TLift")
    add_training_machine_options(group)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Train, evaluate, say where everything is."""
    from qaconv_core.training.checkpoint import export_checkpoint
    from qaconv_core.training.session import train

    leads = int(os.environ.get("RANK", "0")) == 0
    if arguments.export is not None and not arguments.export.absolute().parent.is_dir():
        raise InputError(f"{arguments.export}: the folder for --export does not exist; make it")
    job = training_job(arguments)
    with TrainingShower(arguments.quiet or not leads) as progress:
        result = train(job, progress=progress, cancel=cancel, say=say)
    if not leads:
        return
    if result.reports:
        from qaconv_core.evaluation.reports import report_table

        show(report_table(result.reports))
    say(f"checkpoint: {result.checkpoint}")
    if arguments.export is not None:
        size = export_checkpoint(result.checkpoint, arguments.export)
        say(f"model: {arguments.export} ({size:,} bytes)")


def training_job(arguments: argparse.Namespace) -> TrainingJob:
    """The job that the options describe; data sets are opened, nothing is decoded."""
    from qaconv_core.evaluation.methods import MethodOptions
    from qaconv_core.training.session import TrainingJob

    names = dataset_names(arguments.dataset, "--dataset")
    tests = [] if arguments.testset is None else dataset_names(arguments.testset, "--testset")
    recipe, folder, resume = _recipe_and_place(arguments, names)
    return TrainingJob(
        recipe=recipe,
        datasets=tuple(
            open_named_dataset(name, arguments, combine_all=arguments.combine_all) for name in names
        ),
        folder=folder,
        tests=tuple(open_named_dataset(name, arguments) for name in tests),
        methods=MethodOptions(rerank=arguments.rerank, tlift=arguments.tlift),
        weights=arguments.weights,
        labels=arguments.labels,
        resume=resume,
        overwrite=arguments.overwrite,
        seed=arguments.seed,
        device=arguments.device,
        workers=arguments.workers,
    )


def _recipe_and_place(
    arguments: argparse.Namespace, names: list[str]
) -> tuple[Recipe, Path, Path | None]:
    """The recipe, the run's folder, and the checkpoint to resume from.

    A resumed run keeps the recipe that it was started with, changed where options say so.
    """
    from qaconv_core.training.checkpoint import FILE_NAME, read_saved
    from qaconv_core.training.session import default_sub_method, run_folder

    recipe = make_recipe(arguments.recipe, **recipe_changes(arguments))
    sub_method = arguments.sub_method or default_sub_method(recipe)
    folder = run_folder(arguments.exp_dir, names, arguments.method, sub_method)
    if arguments.resume is None:
        return recipe, folder, None
    last = arguments.resume in (LAST, "ori")  # the published name of the run's own checkpoint
    resume = folder / FILE_NAME if last else Path(arguments.resume)
    if not resume.is_file():
        raise InputError(
            f"{resume}: no checkpoint to resume from; check --exp-dir, --dataset, --method and "
            "--sub_method, or leave --resume out"
        )
    return change_recipe(read_saved(resume).recipe, **recipe_changes(arguments)), folder, resume


def recipe_changes(arguments: argparse.Namespace) -> dict[str, Any]:
    """The recipe's fields that options were given for."""
    known = {*vars(RECIPES["v1"]), *vars(RECIPES["v1"].augmentation)}
    changes: dict[str, Any] = {}
    for option, value in vars(arguments).items():
        name = _RENAMED.get(option, option)
        if value is not None and name in known and option not in ("name", "augmentation"):
            changes[name] = value
    base = RECIPES[arguments.recipe]
    if arguments.min_size is not None or arguments.max_size is not None:
        low, high = base.augmentation.occlusion
        high = high if arguments.max_size is None else arguments.max_size
        low = min(low, high) if arguments.min_size is None else arguments.min_size
        changes["occlusion"] = (low, high)
    size = input_size(arguments)
    return changes if size is None else {**changes, "input_size": size}


class TrainingShower(ProgressShower):
    """Shows batches with loss, accuracy and rate, and when the last epoch will end."""

    def __call__(self, progress: Progress) -> None:
        """Show where the job stands."""
        super().__call__(progress)
        if progress.message and self._bar is not None:
            self._bar.set_postfix_str(progress.message, refresh=False)

    def _show_line(self, progress: Progress) -> None:
        before, stage = self._last, self._stage
        super()._show_line(progress)
        if progress.message and self._last != before and self._stage == stage:
            print(shown(f"  {progress.message}"), file=sys.stderr, flush=True)
