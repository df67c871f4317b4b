"""What is known of every query under every method; always as long as the set has queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.state.values import Measures


class MeasureTable(Mapping[str, Measures]):
    """Measures by method, each of them (p,) for the ``size`` queries of the open set.

    Pictures that are added as queries come last. So measures that were made for fewer queries are
    extended by unknown ones, when they are put here and when the set grows.
    """

    def __init__(self, size: int = 0) -> None:
        self._size = size
        self._known: dict[str, Measures] = {}

    def __getitem__(self, method: str) -> Measures:
        return self._known[method]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def of(self, method: str) -> Measures:
        """Measures under a method; unknown ones where it was not measured."""
        return self._known.get(method) or Measures.unknown(self._size)

    def put(self, method: str, measures: Measures) -> None:
        """Keep measures of a method. Raises ValueError where they are of more queries."""
        self._known[method] = measures.extended(self._size)

    def grow(self, size: int) -> None:
        """The set has ``size`` queries now. Raises ValueError where it had more."""
        self._size = size
        self._known = {method: known.extended(size) for method, known in self._known.items()}
