"""``qaconv forget``: remove all that is kept of a data set; the pictures stay."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

from qaconv_core.cli.options import add_data_options, add_quiet_option, open_named_dataset, show
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import DatasetError, StoreError
from qaconv_core.paths import typed_path
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.readable import counted, shown

_NAMED = 5


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
    dry = " (a dry run: nothing is removed)" * arguments.dry_run
    for place in places[:_NAMED]:
        say(f"forgetting {shown(place)}{dry}")
    if len(places) > _NAMED:
        say(f"forgetting {counted(len(places) - _NAMED, 'place')} more{dry}")
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
    from qaconv_core.data.description import find_listed, read_description
    from qaconv_core.store.forgetting import places_of

    name = arguments.dataset
    listed = find_listed(name)
    path = typed_path(name)
    if listed is not None and not path.exists():
        described, place = listed
        if not described.exists():
            return [place, *_of_tables([place])]
        sources = [source.path for source in read_description(described).sources]
        return [*sources, described, *_of_tables(sources)]
    try:
        dataset = open_named_dataset(name, arguments)
    except DatasetError:
        if not path.exists() and len(path.parts) < 2 and not path.is_absolute():
            raise
        return [path, *_of_tables([path])]
    named = [path] if path.exists() else []
    return list(dict.fromkeys((*places_of(dataset, named), *_of_tables(named))))


def _of_tables(places: Sequence[Path]) -> list[Path]:
    """The tables of pictures among and below places, each of which may have been opened by itself,
    and their pictures that lie elsewhere."""
    from qaconv_core.data import open_folder
    from qaconv_core.data.headers import unfit_beside_pictures
    from qaconv_core.store.forgetting import places_of

    files = (f for p in places for f in (sorted(p.rglob("*")) if p.is_dir() else [p]))
    csv = (file for file in files if file.suffix.lower() == ".csv" and file.is_file())
    tables = [table for table in csv if not unfit_beside_pictures(table)]
    found = dict.fromkeys(tables)
    for table in tables:
        with contextlib.suppress(DatasetError):  # its pictures are gone
            found.update(dict.fromkeys(places_of(open_folder(table, split=False))))
    return list(found)
