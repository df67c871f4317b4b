"""``qaconv people``: make a training or test set of synthetic pedestrians."""

from __future__ import annotations

import argparse
import os

from qaconv_core.cli.options import add_quiet_option, positive, show
from qaconv_core.cli.terminal import ProgressShower
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.readable import counted


def picture_size(text: str) -> tuple[int, int]:
    """``256x128`` as (height, width)."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text} is not height×width, e.g. 256x128")
    return int(parts[0]), int(parts[1])


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv people``."""
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the new set")
    parser.add_argument(
        "--assets",
        metavar="DIR",
        help="the unpacked assets.tar.xz (docs/people.md); else $QACONV_PEOPLE_ASSETS",
    )
    parser.add_argument("--people", type=positive, default=100, metavar="N", help="identities")
    parser.add_argument("--cameras", type=positive, default=6, metavar="C", help="cameras")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, others")
    parser.add_argument(
        "--images-per-camera",
        type=positive,
        default=4,
        metavar="K",
        help="pictures of a person in one pass of a camera",
    )
    parser.add_argument(
        "--size", type=picture_size, default=(256, 128), metavar="HxW", help="pixels"
    )
    parser.add_argument(
        "--manner",
        default="usual",
        metavar="M",
        help="clothes, cameras and light: usual, street (dark clothes, far and coarse pictures, "
        "hard light), or second (others again, to measure on)",
    )
    parser.add_argument(
        "--scenes",
        type=positive,
        metavar="N",
        help="instead: N pictures of whole scenes, and truth.csv with everybody's box",
    )
    parser.add_argument(
        "--video",
        type=positive,
        metavar="SECONDS",
        help="instead: a video before each camera, with the same table",
    )
    parser.add_argument("--labels", action="store_true", help="also write label maps (PNG)")
    parser.add_argument(
        "--split",
        choices=("train", "test", "both"),
        default="both",
        help="all people for training, all for testing, or half for each",
    )
    parser.add_argument(
        "-j", "--workers", type=positive, metavar="W", help="processes (default: one per core)"
    )
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Render what is missing of the set, or whole scenes."""
    from qaconv_core.people import Order, generate_people

    if arguments.scenes or arguments.video:
        _render_scenes(arguments, cancel)
        return

    order = Order(
        people=arguments.people,
        cameras=arguments.cameras,
        seed=arguments.seed,
        per_camera=arguments.images_per_camera,
        size=arguments.size,
        labels=arguments.labels,
        splits=("train", "test") if arguments.split == "both" else (arguments.split,),
        manner=arguments.manner,
    )
    with ProgressShower(arguments.quiet) as progress:
        made = generate_people(
            arguments.out,
            arguments.assets,
            order,
            workers=arguments.workers or os.cpu_count() or 1,
            work=WorkContext(progress, cancel),
        )
    show(f"{counted(made.total, 'picture')} in {arguments.out} ({made.found:,} were already there)")


def _render_scenes(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    from qaconv_core.people.scene_sets import SceneOrder, render_scenes

    order = SceneOrder(
        arguments.scenes or 0,
        arguments.video or 0,
        arguments.people,
        arguments.cameras,
        arguments.seed,
        arguments.manner,
    )
    with ProgressShower(arguments.quiet) as progress:
        boxes = render_scenes(
            arguments.out, arguments.assets, order, work=WorkContext(progress, cancel)
        )
    show(f"{counted(boxes, 'box', 'boxes')} of people in {arguments.out}")
