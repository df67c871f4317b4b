"""Where tiles of one size stand: arithmetic instead of a layout pass, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TileGrid:
    """``count`` tiles of ``width`` × ``height`` pixels, ``columns`` in a row, in reading order.

    One row that runs on to the right has as many columns as tiles.
    """

    count: int
    width: int
    height: int
    columns: int

    @property
    def rows(self) -> int:
        """How many rows there are, the last one perhaps not full."""
        return -(-self.count // self.columns)

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height of all tiles together."""
        return min(self.count, self.columns) * self.width, self.rows * self.height

    def corner(self, tile: int) -> tuple[int, int]:
        """x and y of the top left corner of a tile."""
        return tile % self.columns * self.width, tile // self.columns * self.height

    def tile_at(self, x: int, y: int) -> int | None:
        """The tile that covers a point, or None."""
        if x < 0 or y < 0:
            return None
        column, row = x // self.width, y // self.height
        tile = row * self.columns + column
        return tile if column < self.columns and tile < self.count else None

    def covered(self, x: int, y: int, width: int, height: int) -> list[int]:
        """The tiles that a rectangle touches, in order."""
        if width <= 0 or height <= 0:
            return []
        first = max(0, x // self.width)
        last = min(self.columns - 1, (x + width - 1) // self.width)
        top = max(0, y // self.height)
        bottom = min(self.rows - 1, (y + height - 1) // self.height)
        return [
            row * self.columns + column
            for row in range(top, bottom + 1)
            for column in range(first, last + 1)
            if row * self.columns + column < self.count
        ]

    def step(self, tile: int, across: int, down: int) -> int:
        """The tile so many columns and rows away; it stays where there is none."""
        target = tile + across + down * self.columns
        return target if 0 <= target < self.count else tile
