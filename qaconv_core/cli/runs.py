"""``qaconv runs``: past evaluations, listed, shown, compared, deleted."""

from __future__ import annotations

import argparse

from qaconv_core.cli.options import positive, show
from qaconv_core.cli.terminal import say
from qaconv_core.progress import CancelToken
from qaconv_core.readable import json_text
from qaconv_core.store.runs import RunHistory


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv runs``."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "show", "compare", "delete"), default="list"
    )
    parser.add_argument("ids", nargs="*", type=positive, metavar="ID", help="numbers of runs")
    parser.add_argument("-d", "--dataset", help="list: only runs on this data set")
    parser.add_argument("--limit", type=positive, default=20, help="list: the newest so many")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Do what was asked with the run history."""
    from qaconv_core.errors import InputError
    from qaconv_core.evaluation.stored_runs import open_history

    if arguments.action != "list" and not arguments.ids:
        raise InputError(f"qaconv runs {arguments.action} needs the number of a run")
    history = open_history(write=arguments.action == "delete")
    actions = {"list": _list, "show": _show, "compare": _compare, "delete": _delete}
    actions[arguments.action](history, arguments)


def _list(history: RunHistory, arguments: argparse.Namespace) -> None:
    from qaconv_core.evaluation.reports import runs_table

    records = history.list(arguments.dataset, arguments.limit)
    if arguments.json:
        names = ("id", "created", "kind", "dataset", "command", "results")
        listed = [{name: getattr(record, name) for name in names} for record in records]
        show(json_text(listed))
    elif records:
        show(runs_table(records))
    else:
        show("no runs yet; qaconv evaluate adds one each time")


def _show(history: RunHistory, arguments: argparse.Namespace) -> None:
    from qaconv_core.evaluation.stored_runs import short_document

    for number in arguments.ids:
        record = history.get(number)
        what = {name: getattr(record, name) for name in ("id", "created", "kind", "command")}
        show(json_text({**what, **short_document(record.report)}))


def _compare(history: RunHistory, arguments: argparse.Namespace) -> None:
    from qaconv_core.evaluation.reports import comparison_table

    rows = history.compare(arguments.ids)
    show(json_text(rows) if arguments.json else comparison_table(rows))


def _delete(history: RunHistory, arguments: argparse.Namespace) -> None:
    for number in arguments.ids:
        history.delete(number)
        say(f"run {number} deleted")
