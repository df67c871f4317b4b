"""A token that counts how often a job looks at it: whether it stops soon, without a clock."""

from __future__ import annotations

from qaconv_core.errors import Cancelled
from qaconv_core.progress import CancelToken


class StopAtLook(CancelToken):
    """Is set at the ``at``-th look (None: never); ``looks`` says how many there were."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__()
        object.__setattr__(self, "_at", at)
        object.__setattr__(self, "_seen", [])

    @property
    def looks(self) -> int:
        """How often somebody looked."""
        return len(self._seen)

    @property
    def cancelled(self) -> bool:
        """Whether the look came; counts it."""
        self._seen.append(1)
        if len(self._seen) == self._at:
            self.cancel()
        return super().cancelled

    def raise_if_cancelled(self) -> None:
        """A look that ends the job once it is time."""
        if self.cancelled:
            raise Cancelled
