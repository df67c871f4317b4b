"""``qaconv labels``: persons that were given to pictures while looking."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qaconv_core.cli.options import add_data_options, open_named_dataset, show, write_result
from qaconv_core.cli.terminal import say
from qaconv_core.errors import InputError
from qaconv_core.naming import camera_label
from qaconv_core.paths import typed_path
from qaconv_core.progress import CancelToken
from qaconv_core.readable import counted, filled, json_text, shown

if TYPE_CHECKING:
    from qaconv_core.store.labels import LabelChange, LabelLog
    from qaconv_core.types import Dataset

_EXAMPLES = """\
examples:
  qaconv labels --dataset shop --from-decisions       persons of the pairs that were confirmed
  qaconv labels --dataset shop --assign Ann 1.jpg 2.jpg      relative to the set, or to here
  qaconv labels --dataset shop --merge Ann "person 3"
  qaconv labels --dataset shop --undo
  qaconv labels --dataset shop --export labels.csv    or .json (COCO), or a new folder (Market-1501)
  qaconv evaluate --dataset shop --labels"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv labels``."""
    parser.add_argument("-d", "--dataset", required=True, metavar="NAME|FOLDER")
    add_data_options(parser)
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--from-decisions", action="store_true", help="make persons of confirmed candidates"
    )
    one.add_argument(
        "--assign", nargs="+", metavar="PERSON PICTURE", help="give pictures to a person"
    )
    one.add_argument("--clear", nargs="+", metavar="PICTURE", help="take their person away")
    one.add_argument("--split", nargs="+", metavar="NEW PICTURE", help="make them a new person")
    one.add_argument("--merge", nargs="+", metavar="PERSON OTHER", help="make others this person")
    one.add_argument("--rename", nargs=2, metavar=("PERSON", "NAME"), help="give another name")
    one.add_argument("--undo", action="store_true", help="undo the last change")
    one.add_argument(
        "--export", type=Path, metavar="FILE|FOLDER", help="write the labels ('-': CSV to stdout)"
    )
    parser.add_argument("--json", action="store_true", help="list the persons as JSON")
    parser.epilog = _EXAMPLES
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Change labels, export them, or list the persons."""
    from qaconv_core.store.labels import LabelLog

    dataset = open_named_dataset(arguments.dataset, arguments)
    log = LabelLog(dataset.name, dataset.root)
    if arguments.export is not None:
        from qaconv_core.data.label_export import export_labels, labels_csv
        from qaconv_core.data.labelled import labelled

        if str(arguments.export) == "-":
            write_result("-", labels_csv(labelled(dataset, log)), "CSV")
            return
        count = export_labels(labelled(dataset, log), arguments.export)
        say(f"{counted(count, 'labelled picture')}: {arguments.export}")
        return
    change = _change(arguments, dataset, log)
    if change is not None:
        say(("undone: " if arguments.undo else "") + change.what)
    elif arguments.undo or arguments.from_decisions:
        say("nothing to change")
    _list(dataset, log, arguments.json)


def _change(arguments: argparse.Namespace, dataset: Dataset, log: LabelLog) -> LabelChange | None:
    from qaconv_core.store.decisions import DecisionLog
    from qaconv_core.store.labels import undo_labels

    if arguments.undo:
        return undo_labels(log, DecisionLog(dataset.name, dataset.root))
    if arguments.from_decisions:
        return log.take_decisions(DecisionLog(dataset.name, dataset.root).all())
    if arguments.rename:
        return log.rename(*arguments.rename)
    if arguments.clear:
        return log.clear(_pictures(arguments.clear, dataset, log))
    for option, act in (("assign", log.assign), ("split", log.split)):
        given = getattr(arguments, option)
        if given:
            _check_several(option, given)
            return act(_pictures(given[1:], dataset, log), given[0])
    if arguments.merge:
        _check_several("merge", arguments.merge)
        return log.merge(arguments.merge[0], arguments.merge[1:])
    return None


def _check_several(option: str, given: list[str]) -> None:
    if len(given) < 2:
        raise InputError(f"--{option} takes a person and at least one more; see --help")


def _pictures(given: list[str], dataset: Dataset, log: LabelLog) -> list[Path]:
    """Pictures of the data set, by paths relative to its root or to the present folder."""
    from qaconv_core.store.change_log import named_pictures

    root = dataset.root.parent if dataset.root.is_file() else dataset.root
    places = list(dict.fromkeys((root, Path.cwd())))
    meant = {name: [log.name_of(place / typed_path(name)) for place in places] for name in given}
    refs = (*dataset.query, *dataset.gallery, *dataset.train)
    names = named_pictures(log.root, refs, {name for of in meant.values() for name in of})
    known = {name: refs[index].path for index, name in names.items()}
    found: list[Path] = []
    for name, candidates in meant.items():
        paths = {candidate: known[candidate] for candidate in candidates if candidate in known}
        if not paths:
            where = " and ".join(map(shown, places))
            raise InputError(
                f"{shown(name)}: no picture of this data set; paths are relative to {where}"
            )
        if len(paths) > 1:
            both = " and ".join(shown(path) for path in paths.values())
            raise InputError(f"{shown(name)}: may be {both}; give the whole path")
        found += paths.values()
    return found


def _list(dataset: Dataset, log: LabelLog, as_json: bool) -> None:
    from qaconv_core.data.labelled import persons_by_camera

    if as_json:
        record = {"dataset": dataset.name, "file": str(log.path), "persons": log.persons()}
        show(json_text(record))
        return
    persons = persons_by_camera(dataset, log)
    if not persons:
        show("no labels yet")
    for person in persons:
        where = ", ".join(f"{_camera(dataset, camera)}: {n}" for camera, n in person.cameras)
        show(
            f"{filled(shown(person.name), 24)} {person.pictures:>5} "
            f"{'picture ' if person.pictures == 1 else 'pictures'}  {where}"
        )


def _camera(dataset: Dataset, camera: int | None) -> str:
    if camera is None:
        return "camera not known"
    return camera_label(camera, dataset.camera_names.get(camera, ""))
