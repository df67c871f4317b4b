"""The command line: every job of the engine without a window.

Exit status: 0 done, 2 wrong use or bad input (one line on stderr, no traceback), 130 interrupted;
1 a fault of the program itself (one line too; ``QACONV_DEBUG=1`` shows where).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Iterator, Sequence

from qaconv_core.cli.interrupts import INTERRUPTED, end_soon, interruptible, leave_on_interrupt
from qaconv_core.errors import Cancelled, QAConvError
from qaconv_core.readable import shown
from qaconv_core.threads import spin_briefly

DONE, FAULT, BAD_INPUT = 0, 1, 2
DEBUG_VARIABLE = "QACONV_DEBUG"


def program(argv: Sequence[str] | None = None) -> int:
    """:func:`main` for a process of its own, which Ctrl-C ends from the first import on."""
    leave_on_interrupt()
    status = main(argv)
    if status == INTERRUPTED:
        end_soon(status)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    from qaconv_core.cli.parser import build_parser

    spin_briefly()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console may lack ✓ or somebody's letters
    if logging.lastResort is not None:  # what prints warnings where nobody has set up a log
        logging.lastResort.setFormatter(_OneLine())
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its caches are no news for anybody
    try:
        words = sys.argv[1:] if argv is None else argv
        command = next((word for word in words if not word.startswith("-")), "")
        arguments = build_parser(command).parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        arguments.command_line = shlex.join(["qaconv", *(sys.argv[1:] if argv is None else argv)])
        with interruptible() as cancel, _blurring(getattr(arguments, "blur", None)):
            arguments.run(arguments, cancel)
            sys.stdout.flush()
        return DONE
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except Cancelled as stop:
        # A job that has more to say of where it stopped says it itself.
        told = "what was done so far is kept" if str(stop) == str(Cancelled()) else str(stop)
        return _complain(f"interrupted; {told}", INTERRUPTED)
    except QAConvError as error:
        return _complain(str(error), BAD_INPUT)
    except MemoryError:
        return _complain(
            "out of memory; --on-disk, --rerank-top or a smaller --batch-size need less", BAD_INPUT
        )
    except BrokenPipeError:
        # The reader of our output (head, less) left; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _complain(f"{error.filename or 'input/output'}: {error.strerror}", BAD_INPUT)
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        return _complain(
            f"a fault of the program ({type(error).__name__}: {error}); please report it, with "
            f"what {DEBUG_VARIABLE}=1 shows",
            FAULT,
        )


@contextlib.contextmanager
def _blurring(blur: str | None) -> Iterator[None]:
    """Blur what the command draws, where its option --blur says so."""
    if blur is None:
        yield
        return
    from qaconv_core.figures.style import blurred_pictures

    with blurred_pictures(blur):
        yield


class _OneLine(logging.Formatter):
    """A record of the log as one line that no terminal obeys."""

    def format(self, record: logging.LogRecord) -> str:
        return f"qaconv: {record.levelname.lower()}: {shown(record.getMessage())}"


def _complain(message: str, status: int) -> int:
    print(f"qaconv: {shown(' '.join(message.split()))}", file=sys.stderr)
    return status
