"""Everything the engine refuses to do, in words for a person.

Each error is one line that names the file or option at fault and the way out; the command line
prints it after ``qaconv:`` and the window shows it as it is. None of them carries a traceback to
the user. They derive from :class:`ValueError` where the caller gave something unusable, so that
scripts which know nothing of this package can still catch them.
"""

from __future__ import annotations


class QAConvError(Exception):
    """Base of all errors that the engine raises on purpose."""


class InputError(QAConvError, ValueError):
    """Something handed to the engine cannot be used: a file, an option, an array."""


class DatasetError(InputError):
    """A data set is not where, or not what, it was said to be."""


class ImageError(InputError):
    """A picture cannot be decoded or is unfit to be matched.

    ``reason`` says why; the message puts ``where`` (a file name, say) before it.
    """

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason


class CheckpointError(InputError):
    """A checkpoint is not one, is damaged, or contradicts itself."""


class TrainingSizeError(CheckpointError):
    """A checkpoint does not fit the assumed size of its training pictures; another one may.

    ``mismatch`` says what does not fit.
    """

    def __init__(self, mismatch: str) -> None:
        super().__init__(
            f"{mismatch}; if it was trained at another size, give --height and --width"
        )
        self.mismatch = mismatch

    def __reduce__(self) -> tuple[type[TrainingSizeError], tuple[str]]:
        return type(self), (self.mismatch,)


class StoreError(QAConvError):
    """A cache or history file cannot be read or written."""


class MemoryLimitError(QAConvError):
    """A job would not fit into memory; the message says what would."""


class Cancelled(QAConvError):
    """The user asked for the work to stop, and it has stopped."""

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message)
