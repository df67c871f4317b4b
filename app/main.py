"""Starts the desktop program: what was asked for on the command line, and an orderly end."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from app import startup
from app.state.requests import BY_CONTENT, DEMO, DataRequest, ModelRequest
from qaconv_core.errors import InputError
from qaconv_core.paths import typed_path
from qaconv_core.readable import shown
from qaconv_core.threads import spin_briefly

DEFAULT_DATA_DIR = "data"


def open_window(arguments: argparse.Namespace) -> None:
    """Show the window and return when it is closed; the entry point behind ``qaconv gui``.

    Raises :class:`InputError`, one line, where this system cannot show a window.
    """
    spin_briefly()
    startup.hold_collector()
    problem = startup.prepare()
    if problem:
        raise InputError(problem)
    data, model, case = data_request(arguments), model_request(arguments), case_file(arguments)
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
    if not path.is_file():
        raise InputError(f"{shown(path)}: no such case; check the path")
    return path


def data_request(arguments: argparse.Namespace) -> DataRequest | None:
    """The data set that the options name; None where they name none."""
    folder = arguments.data_dir
    queries = tuple(typed_path(path).absolute() for path in arguments.query)
    for path in queries:
        if not path.is_file():
            raise InputError(f"--query {path}: no such file")
    if arguments.gallery:
        place = typed_path(arguments.gallery)
        gallery = str(place.absolute()) if place.exists() else arguments.gallery
        return DataRequest(gallery, folder or Path(DEFAULT_DATA_DIR), queries, gallery)
    if arguments.dataset is None and folder is None:
        return DataRequest(queries=queries, gallery=DEMO) if queries else None
    name = arguments.dataset
    if name is None:
        return DataRequest(BY_CONTENT, typed_path(folder).absolute(), queries)
    place = typed_path(name)
    if place.exists() and (place.is_file() or place.is_dir()) and not _is_known(name):
        return DataRequest(BY_CONTENT if place.is_dir() else "folder", place.absolute(), queries)
    root = None if name == DEMO else typed_path(folder or DEFAULT_DATA_DIR).absolute()
    return DataRequest(name, root, queries)


def _is_known(name: str) -> bool:
    from qaconv_core.data import DATASETS
    from qaconv_core.data.catalog import dataset_key

    return dataset_key(name) in DATASETS


def model_request(arguments: argparse.Namespace) -> ModelRequest | None:
    """The checkpoint that the options name; None where they name none."""
    from qaconv_core.cli.options import input_size, newest_checkpoint

    path = arguments.checkpoint
    if not path and arguments.exp_dir is not None:
        path = str(newest_checkpoint(arguments.exp_dir, arguments.dataset or ""))
    size = input_size(arguments)
    if not path and size is None and arguments.device == "auto" and not arguments.precision:
        return None
    if path and path != DEMO:
        place = typed_path(path)
        if not place.is_file():
            raise InputError(f"--checkpoint {path}: no such file")
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
