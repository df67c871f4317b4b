"""``qaconv forget``: remove all that is kept of a data set; the pictures stay."""

from __future__ import annotations

import argparse
from pathlib import Path

from qaconv_core.cli.options import add_data_options, add_quiet_option, open_named_dataset, show
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import DatasetError, StoreError
from qaconv_core.paths import typed_path
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.readable import counted, shown


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv forget``."""
    parser.add_argument(
        "-d",
        "--dataset",
        required=True,
        metavar="NAME|FOLDER",
        help="a data set by name, or its folder or table, which need not be there any more",
    )
    add_data_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    add_quiet_option(parser)
    parser.epilog = (
        "Removes stored feature maps, decisions, labels, runs, findings, imports, crops of scenes, "
        "the session and unfinished adaptations of the window that name the pictures, pasted "
        "pictures that were compared with them, entries of recent sets, and the files of cases "
        "that hold them, wherever these lie. The pictures and the files beside them (qaconv.toml) "
        "stay, and so do results that were written elsewhere. Close the window first: it writes "
        "its session when it ends."
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Remove what is kept, and say what it was."""
    from qaconv_core.store.forgetting import forget

    places = _places(arguments)
    for place in places:
        say(f"forgetting {place}" + (" (a dry run: nothing is removed)" * arguments.dry_run))
    with ProgressShower(arguments.quiet) as progress:
        done = forget(places, dry_run=arguments.dry_run, context=WorkContext(progress, cancel))
    if not done.found:
        show("nothing is kept of it")
    for words in done.words:
        show(words)
    if done.left:
        files = ", ".join(shown(path) for path in done.left[:5])
        left = counted(len(done.left), "file still names", "files still name")
        raise StoreError(f"{left} it: {files}; look at them yourself")


def _places(arguments: argparse.Namespace) -> list[Path]:
    """The folders and tables of the data set, and pictures that lie elsewhere."""
    from qaconv_core.data.description import find_named, read_description
    from qaconv_core.store.forgetting import places_of

    name = arguments.dataset
    described = find_named(name)
    if described is not None and not typed_path(name).exists():
        return [*(source.path for source in read_description(described).sources), described]
    try:
        dataset = open_named_dataset(name, arguments)
    except DatasetError:
        path = typed_path(name)
        if len(path.parts) < 2 and not path.is_absolute():
            raise
        return [path]
    return places_of(dataset, [typed_path(name)] if typed_path(name).exists() else [])
