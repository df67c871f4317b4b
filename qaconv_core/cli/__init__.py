"""The command line: every job of the engine without a window.

Exit status: 0 done, 2 wrong use or bad input (one line on stderr, no traceback), 130 interrupted.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from qaconv_core.cli.parser import build_parser
from qaconv_core.cli.terminal import interruptible
from qaconv_core.errors import Cancelled, QAConvError

DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        arguments.command_line = shlex.join(["qaconv", *(sys.argv[1:] if argv is None else argv)])
        with interruptible() as cancel:
            arguments.run(arguments, cancel)
            sys.stdout.flush()
        return DONE
    except (KeyboardInterrupt, Cancelled):
        return _complain("interrupted; features computed so far are kept", INTERRUPTED)
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


def _complain(message: str, status: int) -> int:
    print(f"qaconv: {' '.join(message.split())}", file=sys.stderr)
    return status
