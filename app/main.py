"""Starts the desktop program: what was asked for on the command line, and an orderly end."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app import startup
from app.state.requests import BY_CONTENT, DEMO, DataRequest, ModelRequest
from qaconv_core.device import check_device_name
from qaconv_core.errors import InputError
from qaconv_core.files import check_input
from qaconv_core.paths import typed_path
from qaconv_core.readable import shown
from qaconv_core.threads import spin_briefly

DEFAULT_DATA_DIR = "data"


def open_window(arguments: argparse.Namespace) -> None:
    """Show the window and return when it is closed; the entry point behind ``qaconv gui``.

    Raises :class:`InputError`, one line, where this system cannot show a window.
    """
    spin_briefly()
    data, model, case = data_request(arguments), model_request(arguments), case_file(arguments)
    problem = startup.prepare()
    if problem:
        raise InputError(problem)
    startup.hold_collector()
    try:
        from app.program import Program
    except ImportError as error:
        raise InputError(startup.import_problem(error)) from None
    program = Program(sys.argv[:1])
    try:
        program.window.begin(data, model, program.session, case)
        with InterruptByCtrlC(program.window.close):
            program.run()
    finally:
        program.end()


def case_file(arguments: argparse.Namespace) -> Path | None:
    """The case that was named; None where none was."""
    if arguments.case is None:
        return None
    path = typed_path(arguments.case).absolute()
    if path.is_dir() or path.suffix.lower() == ".csv":
        raise InputError(f"{shown(path)}: is no case (.qcase); open pictures by --dataset")
    check_input(path, "case")
    return path


def data_request(arguments: argparse.Namespace) -> DataRequest | None:
    """The data set that the options name; None where they name none.

    Raises :class:`InputError` where what they name is not there, or is no data set.
    """
    folder = arguments.data_dir
    if folder is not None and not typed_path(folder).exists():
        raise InputError(f"--data-dir {shown(folder)}: no such folder; check the path")
    queries = tuple(typed_path(path).absolute() for path in arguments.query)
    for path in queries:
        check_input(path, "query picture")
    if arguments.gallery:
        found = _named_set(arguments.gallery, folder)
        own = found.name in (BY_CONTENT, "folder")
        gallery = str(found.root) if own else found.name
        return DataRequest(gallery, folder or Path(DEFAULT_DATA_DIR), queries, gallery)
    if arguments.dataset is not None:
        return replace(_named_set(arguments.dataset, folder), queries=queries)
    if folder is not None:
        return DataRequest(BY_CONTENT, typed_path(folder).absolute(), queries)
    return DataRequest(queries=queries, gallery=DEMO) if queries else None


def _named_set(name: str, folder: Path | None) -> DataRequest:
    """A data set by its name, the name of an import, or the path of a folder or table."""
    from qaconv_core.data.catalog import DATASETS, find_dataset, unknown_set
    from qaconv_core.data.description import (
        find_description,
        find_named,
        opened_by,
        read_description,
    )
    from qaconv_core.data.own_names import dataset_key

    place, key = typed_path(name), dataset_key(name)
    if key not in DATASETS and place.is_dir():
        return DataRequest(BY_CONTENT, place.absolute())
    if key not in DATASETS and place.exists():
        if place.suffix.lower() != ".csv" and find_description(place.absolute()) is None:
            raise InputError(f"{shown(place)}: neither a folder nor a table (.csv); name the "
                             "folder of the pictures, or search by this one with --query"
                             )  # fmt: skip
        return DataRequest("folder", place.absolute())
    if key not in DATASETS:
        described = find_named(name)
        if described is None:
            raise unknown_set(name)
        return DataRequest("folder", opened_by(read_description(described)))
    root = None if key == DEMO else typed_path(folder or DEFAULT_DATA_DIR).absolute()
    if root is not None and key != "folder":
        find_dataset(key, root)
    return DataRequest(key, root)


def model_request(arguments: argparse.Namespace) -> ModelRequest | None:
    """The checkpoint that the options name; None where they name none."""
    from qaconv_core.cli.options import input_size, newest_checkpoint

    path = arguments.checkpoint
    if not path and arguments.exp_dir is not None:
        path = str(newest_checkpoint(arguments.exp_dir, arguments.dataset or ""))
    size = input_size(arguments)
    check_device_name(arguments.device)
    if not path and size is None and arguments.device == "auto" and not arguments.precision:
        return None
    if path and path != DEMO:
        place = typed_path(path)
        check_input(place, "checkpoint")
        path = str(place.absolute())
    return ModelRequest(path or DEMO, arguments.device, size, arguments.precision)


class InterruptByCtrlC:
    """Closes the window in order when the terminal sends Ctrl-C.

    While Qt waits for events no Python runs, so the signal is carried by a socket that Qt watches.
    """

    def __init__(self, close: Callable[[], object]) -> None:
        from PyQt5.QtCore import QSocketNotifier

        self._close = close
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._notifier = QSocketNotifier(
            self._reader.fileno(),  # type: ignore[arg-type]  # stub: an int is right
            QSocketNotifier.Read,
        )
        self._notifier.activated.connect(self._wake)

    def __enter__(self) -> InterruptByCtrlC:
        self._before = signal.signal(signal.SIGINT, lambda _number, _frame: self._close())
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno())
        return self

    def __exit__(self, *_error: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        signal.signal(signal.SIGINT, self._before)
        self._notifier.setEnabled(False)
        self._reader.close()
        self._writer.close()

    def _wake(self) -> None:
        """Python runs again, and with it the handler of the signal."""
        self._reader.recv(64)
