"""``qaconv import``: how a person's own pictures are read, and what can be done with them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.options import add_quiet_option, show, write_json
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import InputError
from qaconv_core.paths import typed_path
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.readable import breadth, counted, filled, shown

if TYPE_CHECKING:
    from qaconv_core.data.folder_guess import Wishes
    from qaconv_core.data.proposal import Proposal

_EXAMPLES = """\
examples:
  qaconv import pictures                                    what is recognised, written down
  qaconv import pictures --pattern "{pid}_c{cam}_{frame}" --rate 25
  qaconv import north south --folders cameras --dataset shop
  qaconv import list.csv --columns path=file,pid=who,camid=door,time=when
  qaconv import pictures --dry-run                          look, write nothing

fields of a pattern (of the name without its suffix; / for folders before it):"""
_SHOWN_REASONS = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv import``."""
    from qaconv_core.data.description import ROLES
    from qaconv_core.data.moments import UNITS
    from qaconv_core.data.name_fields import FIELDS, PRESETS

    parser.add_argument(
        "places",
        nargs="+",
        metavar="FOLDER|CSV|BOXES",
        help="folders of pictures, and tables of "
        "them; or pictures of scenes, videos, and a file of boxes (COCO, CVAT, MOT) on them",
    )
    parser.add_argument(
        "--pattern",
        action="append",
        default=[],
        metavar="P",
        help="how files are named, with fields; or the name of a layout "
        f"({', '.join(PRESETS)}), or none; several are tried in order",
    )
    parser.add_argument(
        "--folders",
        metavar="ROLES",
        help=f"what folders are: {', '.join(ROLES)}; for several levels as cameras/persons",
    )
    parser.add_argument(
        "--columns",
        metavar="A=B,…",
        help="columns of a table: path=…,pid=…,camid=…,time=…,split=…; those not named are "
        "recognised, camid= says that there is none",
    )
    parser.add_argument("--time", choices=UNITS, help="what times are (iso: dates with time)")
    parser.add_argument("--rate", type=float, metavar="FPS", help="frames per second")
    parser.add_argument(
        "--dataset", default="", metavar="NAME", help="a name by which all commands find it"
    )
    parser.add_argument(
        "--names-only", action="store_true", help="read names only, do not decode the pictures"
    )
    parser.add_argument("--dry-run", action="store_true", help="look only, write nothing")
    parser.add_argument("--json", metavar="FILE", help="what was understood as JSON ('-': stdout)")
    add_quiet_option(parser)
    fields = [f"  {{{name}}}".ljust(14) + meaning for name, meaning in FIELDS.items()]
    parser.epilog = "\n".join([_EXAMPLES, *fields])
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Propose, show what was understood, write ``qaconv.toml``."""
    from qaconv_core.data.check import undecodable
    from qaconv_core.data.description import (
        check_name_free,
        find_description,
        save_description,
    )
    from qaconv_core.data.proposal import propose
    from qaconv_core.data.scan import check_there, lost_among, went_away

    wishes = _wishes(arguments)
    if _proposed_boxes(arguments):
        return
    if _is_benchmark(arguments):
        return
    with ProgressShower(arguments.quiet) as progress:
        work = WorkContext(progress, cancel)
        proposal = propose(arguments.places, wishes, work)
        check_name_free(proposal.description)
        files = [picture.path for picture in proposal.pictures.pictures]
        damaged = None if arguments.names_only else undecodable(files, work=work)
    listed = (left_out for scan in proposal.scans.values() for left_out in scan.rejected)
    lost = [*filter(went_away, damaged or ()), *lost_among(listed)]
    for source in proposal.description.sources:
        check_there(source.path)
    if set(files) <= set(lost):  # where a share was, there may be an empty folder now
        raise _lost(lost)
    if arguments.json != "-":
        show("\n".join(proposal_lines(proposal, damaged)))
    file: Path | None = None
    if not arguments.dry_run:
        earlier = find_description(proposal.dataset.root)
        file = save_description(proposal.description).file
        say(f"written: {file}" + (", in place of an earlier one" if earlier == file else ""))
        show("\n".join(_next_steps(arguments, proposal, file, damaged)))
    if arguments.json:
        write_json(arguments.json, proposal_record(proposal, file, damaged))
    if lost:
        raise _lost(lost)


def _lost(lost: Sequence[Path]) -> InputError:
    from qaconv_core.data.scan import lost_words

    words = lost_words(lost, "the folder was read", "picture or folder", "pictures and folders")
    return InputError(f"{words}: connect it and import it again")


def _proposed_boxes(arguments: argparse.Namespace) -> bool:
    """Say what a file of boxes among the places holds of the others, and how they are cut out."""
    from qaconv_core.detection.given import one_boxes_file, propose_boxes

    paths = [typed_path(place) for place in arguments.places]
    file, others = one_boxes_file(paths)
    if file is None:
        return False
    found = propose_boxes(file, others)
    show("\n".join(found.sentences))
    words = [f'"{word}"' if " " in word else word for word in map(shown, others)]
    show(f"\nNext:\n  qaconv detect {' '.join(words)} --boxes {shown(file)} --out people")
    return True


def proposal_lines(proposal: Proposal, damaged: Mapping[Path, str] | None = None) -> list[str]:
    """What was understood, for people: examples as a table, reasons, what is possible.

    ``damaged`` are pictures that cannot be decoded, with the reason; None: it was not tried.
    """
    from qaconv_core.data.proposal import examples

    dataset = proposal.dataset
    rows = [("file", "person", "camera", "time", "split"), *examples(proposal)]
    widths = [max(breadth(row[column]) for row in rows) for column in range(5)]
    lines = [f"{shown(dataset.root)}: {counted(len(proposal.pictures.pictures), 'picture')}", ""]
    for row in rows:
        cells = (filled(cell, width) for cell, width in zip(row, widths, strict=True))
        lines.append(f"  {'  '.join(cells)}".rstrip())
    lines += ["", *(f"understood: {reason}" for reason in proposal.reasons)]
    lines += [f"warning: {text}" for text in proposal.warnings]
    lines += [f"note: {text}" for text in dataset.notes]
    if proposal.sizes:
        wide, high = (_range(values) for values in zip(*proposal.sizes, strict=True))
        lines.append(
            f"sizes: {wide} × {high} pixels ({counted(len(proposal.sizes), 'picture')} looked at)"
        )
    lines += _rejected_lines(proposal)
    if damaged:
        first, why = next(iter(damaged.items()))
        cannot = counted(len(damaged), "picture")
        lines.append(
            f"damaged: {cannot} of {len(proposal.pictures.pictures):,} cannot be decoded and "
            f"{'is' if len(damaged) == 1 else 'are'} left out of every search "
            f"(such as {shown(first.name)}: {shown(why)}); qaconv check lists them"
        )
    lines += ["", "What is possible:"]
    for item in proposal.possible(damaged):
        lines.append(f"  {'yes' if item.possible else 'no ':<4} {item.what}: {item.why}")
    return lines


def proposal_record(
    proposal: Proposal, file: Path | None, damaged: Mapping[Path, str] | None = None
) -> dict[str, Any]:
    """What was understood, for JSON; ``damaged`` as in :func:`proposal_lines`."""
    from qaconv_core.data.description import description_toml

    dataset = proposal.dataset
    return {
        "file": None if file is None else str(file),
        "description": description_toml(proposal.description, None),
        "counts": {
            "pictures": len(proposal.pictures.pictures),
            **{name: len(getattr(dataset, name)) for name in ("train", "query", "gallery")},
            "duplicates": proposal.duplicates.extra,
        },
        "persons": {str(number): name for number, name in dataset.person_names.items()},
        "cameras": {str(number): name for number, name in dataset.camera_names.items()},
        "understood": list(proposal.reasons),
        "warnings": list(proposal.warnings),
        "notes": list(dataset.notes),
        "possible": [
            {"what": item.what, "possible": item.possible, "why": item.why}
            for item in proposal.possible(damaged)
        ],
        "rejected": [{"path": str(r.path), "reason": r.reason} for r in dataset.rejected],
        "damaged": None
        if damaged is None
        else [{"path": str(path), "reason": why} for path, why in damaged.items()],
    }


def _wishes(arguments: argparse.Namespace) -> Wishes:
    from qaconv_core.data.catalog import name_fault
    from qaconv_core.data.description import ROLES, checked_rate
    from qaconv_core.data.folder_guess import Wishes

    folders = None
    if arguments.folders is not None:
        folders = tuple(arguments.folders.strip().lower().split("/"))
        if set(folders) - set(ROLES):
            raise InputError(f"--folders {arguments.folders}: levels are {', '.join(ROLES)}")
    name = arguments.dataset.strip()
    fault = name_fault(name)
    if fault:
        raise InputError(f"--dataset {shown(name)}: the name cannot be given ({fault})")
    return Wishes(
        tuple(arguments.pattern),
        folders,
        _columns(arguments.columns),
        arguments.time or "",
        checked_rate("--rate", arguments.rate),
        name,
    )


def _columns(text: str | None) -> dict[str, str] | None:
    from qaconv_core.data.description import COLUMN_NAMES

    if text is None:
        return None
    columns = {}
    for pair in text.split(","):
        ours, sign, theirs = (part.strip() for part in pair.partition("="))
        if not sign or ours not in COLUMN_NAMES or (ours == "path" and not theirs):
            raise InputError(
                f"--columns {shown(pair)}: write OURS=THEIRS, ours being {', '.join(COLUMN_NAMES)}"
            )
        columns[ours] = theirs
    return columns


def _is_benchmark(arguments: argparse.Namespace) -> bool:
    """Say so where the one place is a published set that needs no description."""
    from qaconv_core.data import recognise

    wishes = (arguments.pattern, arguments.folders, arguments.columns, arguments.dataset)
    if len(arguments.places) > 1 or any(wishes) or not typed_path(arguments.places[0]).is_dir():
        return False
    kind = recognise(arguments.places[0])
    if kind == "folder":
        return False
    show(
        f"{shown(arguments.places[0])}: this is the data set {kind}, by its folders and file "
        "names; nothing has to be written, every command reads it as it is (--dataset FOLDER)"
    )
    return True


def _range(values: Sequence[int]) -> str:
    least, most = min(values), max(values)
    return f"{least}" if least == most else f"{least}–{most}"


def _rejected_lines(proposal: Proposal) -> list[str]:
    from collections import Counter

    reasons = Counter(item.reason for item in proposal.dataset.rejected)
    lines = [f"left out: {count:,} × {shown(why)}" for why, count in reasons.most_common()]
    if len(lines) <= _SHOWN_REASONS:
        return lines
    rest = sum(count for _, count in reasons.most_common()[_SHOWN_REASONS:])
    more = counted(len(lines) - _SHOWN_REASONS, "more reason")
    return [*lines[:_SHOWN_REASONS], f"left out: {rest:,} for {more}; qaconv check lists them"]


def _next_steps(
    arguments: argparse.Namespace,
    proposal: Proposal,
    file: Path | None,
    damaged: Mapping[Path, str] | None,
) -> list[str]:
    alone = len(arguments.places) == 1
    place = proposal.description.name or str(arguments.places[0] if alone else file)
    place = f'"{place}"' if " " in place else place
    steps = ["", "Next:", f"  qaconv rank --gallery {shown(place)} --query PICTURE"]
    if any(item.what == "Evaluate" and item.possible for item in proposal.possible(damaged)):
        steps.append(f"  qaconv evaluate --dataset {shown(place)}")
    return [*steps, f"  qaconv gui --dataset {shown(place)}"]
