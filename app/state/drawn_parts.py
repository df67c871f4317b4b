"""Search by part and "what if": the cells drawn on the two pictures, and what was computed of them.

The part belongs to the query that is shown. It is forgotten when another query or model is chosen.
Where several queries are ranked together, it applies to the one shown; the others are ranked whole.
Cells hidden in a candidate are forgotten when another candidate is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from app.state.events import Event, EventQueue
from qaconv_core.galleries.values import Found, PairView, Regions, WhatIf
from qaconv_core.types import Bool, Grid, Side

if TYPE_CHECKING:
    from app.state.values import Cell

Tool = Literal["", "box", "lasso", "paint", "hide"]
How = Literal["replace", "add", "remove"]
PART_TOOLS: tuple[Tool, ...] = ("box", "lasso", "paint")

NO_CELL = "The stroke takes no cell of the picture: nothing changed."
NONE_LEFT = "No cell would be left to search by: nothing changed."
WHOLE = "All cells are taken: that is the whole query, ranked as always."
NO_REGION = "Draw a part first; then it can be ignored instead."
PIN_FIRST = "Point at a cell, or pin one, to take it."
QUERY_ONLY = "A part is drawn on the query."


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is drawn now. Masks are bool (h, w) of the model's grid, never changed in place.

    ``region`` is what was drawn on the query; ``part`` the cells searched by: the region, or with
    ``ignore`` all others; None: the whole query. ``regions_wanted``: the map of what hiding each
    region would do is wanted. ``covered`` is the pair without its hidden cells, where ``what_if``
    is known. ``notice`` is a quiet sentence about the last stroke.
    """

    tool: Tool = ""
    region: Bool | None = None
    ignore: bool = False
    part: Bool | None = None
    hidden_query: Bool | None = None
    hidden_gallery: Bool | None = None
    regions_wanted: bool = False
    what_if: WhatIf | None = None
    covered: PairView | None = None
    regions: Regions | None = None
    notice: str = ""

    def hidden(self, side: Side) -> Bool | None:
        """The cells hidden in one of the pictures."""
        return self.hidden_query if side == "query" else self.hidden_gallery

    @property
    def hiding(self) -> bool:
        """Whether any cell is hidden."""
        return self.hidden_query is not None or self.hidden_gallery is not None

    @property
    def anything(self) -> bool:
        """Whether there is anything to clear."""
        return bool(self.tool) or self.region is not None or self.hiding or self.regions_wanted

    def looks_like(self, other: Drawing) -> bool:
        """Whether both are painted alike."""
        fields = ("part", "hidden_query", "hidden_gallery", "regions")
        return all(getattr(self, name) is getattr(other, name) for name in fields)


NOTHING = Drawing()


class DrawnParts:
    """Holds the :class:`Drawing` and says when it changes; part of the workspace."""

    def __init__(self, queue: EventQueue | None = None) -> None:
        self.now = NOTHING
        self.changed = Event(queue)
        self.found: dict[int, Found] = {}
        self.wanted: tuple[int, ...] = ()
        self.found_changed, self.wanted_changed = Event(queue), Event(queue)
        self._query: tuple[object, ...] = ()
        self._candidates: tuple[object, ...] = ()
        self._cleared: Drawing | None = None

    def belong_to(self, query: tuple[object, ...], candidates: tuple[object, ...]) -> None:
        """These pictures are shown: forget what was drawn on others.

        ``query`` are the queries and the model, ``candidates`` the candidate and the compared one.
        """
        if (query, candidates) != (self._query, self._candidates):
            self._cleared = None
        if query != self._query:
            self._set(
                region=None, part=None, ignore=False, hidden_query=None, hidden_gallery=None,
                what_if=None, covered=None, regions=None, notice="",
            )  # fmt: skip
        elif candidates[0] != self._candidates[0]:
            self._set(hidden_gallery=None, what_if=None, covered=None, regions=None)
        elif candidates != self._candidates:
            self._set(regions=None)
        self._query, self._candidates = query, candidates

    def _set(self, **changes: Any) -> None:
        now = self.now
        same = (value is getattr(now, k) or _plainly_same(value, getattr(now, k))
                for k, value in changes.items())  # fmt: skip
        if not all(same):
            self.now = replace(now, **changes)
            if self.now.part is not now.part:
                self.found, self.wanted = {}, ()
            self.changed.emit()

    @property
    def part(self) -> Bool | None:
        """The cells of the query searched by; None: all."""
        return self.now.part

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def choose_tool(self, tool: Tool) -> None:
        """Choose a tool; the one chosen already is put away."""
        self._set(tool="" if tool == self.now.tool else tool, notice="")

    def draw(self, cells: Bool, how: How = "replace") -> None:
        """Cells were drawn on the query: search by them (or without them)."""
        if not cells.any():
            self.say(NO_CELL)
        else:
            self._search(joined(self.now.region, cells, how), self.now.ignore)

    def switch_ignore(self) -> None:
        """Search without the cells drawn instead of by them, or the other way round."""
        if self.now.region is None:
            self.say(NO_REGION)
        else:
            self._search(self.now.region, not self.now.ignore)

    def _search(self, region: Bool, ignore: bool) -> None:
        part = ~region if ignore else region
        if not part.any():
            self.say(NONE_LEFT)
        elif part.all():
            self.whole_query(WHOLE)
        else:
            self._set(
                region=region, ignore=ignore, part=part, what_if=None, covered=None, regions=None,
                notice="",
            )  # fmt: skip

    def hide(self, side: Side, cells: Bool | None) -> None:
        """These cells of a picture are covered; None (or none of them): the picture is whole."""
        mask = cells if cells is not None and cells.any() else None
        name = f"hidden_{side}"
        before = getattr(self.now, name)
        if mask is not None and before is not None and np.array_equal(mask, before):
            return
        changes: dict[str, Any] = {name: mask, "notice": ""}
        if mask is None and self.now.hidden("gallery" if side == "query" else "query") is None:
            changes |= {"what_if": None, "covered": None}
        self._set(**changes)

    def take_cell(self, cell: Cell | None, grid: Grid | None) -> None:
        """Add a cell to what the tool draws, or remove it where it is drawn already."""
        if cell is None or grid is None:
            self.say(PIN_FIRST)
            return
        one = np.zeros(grid, dtype=np.bool_)
        one.flat[cell.number] = True
        before = self.now.hidden(cell.side) if self.now.tool == "hide" else self.now.region
        how: How = "remove" if before is not None and before.flat[cell.number] else "add"
        if self.now.tool == "hide":
            self.hide(cell.side, joined(before, one, how))
        elif cell.side != "query":
            self.say(QUERY_ONLY)
        else:
            self.draw(one, how)

    @property
    def can_restore(self) -> bool:
        """Whether a part was cleared that still belongs to the query shown."""
        return self._cleared is not None and self.now.region is None and not self.now.hiding

    def restore(self) -> None:
        """Bring back what was cleared last."""
        cleared = self._cleared
        if cleared is not None and self.can_restore:
            self._cleared = None
            self._set(
                region=cleared.region, ignore=cleared.ignore, part=cleared.part,
                hidden_query=cleared.hidden_query, hidden_gallery=cleared.hidden_gallery,
            )  # fmt: skip

    def clear(self) -> None:
        """The whole query, nothing hidden, no tool; :meth:`restore` brings it back."""
        if self.now.region is not None or self.now.hiding:
            self._cleared = self.now
        self._set(
            tool="", region=None, ignore=False, part=None, hidden_query=None, hidden_gallery=None,
            regions_wanted=False, what_if=None, covered=None, regions=None, notice="",
        )  # fmt: skip

    def whole_query(self, notice: str = "") -> None:
        """Search by the whole query again; the rest stays."""
        if self.now.region is not None:
            self._cleared = self.now
        self._set(
            region=None,
            ignore=False,
            part=None,
            what_if=None,
            covered=None,
            regions=None,
            notice=notice,
        )

    def say(self, text: str) -> None:
        """A quiet sentence."""
        self._set(notice=text)

    # ── what was computed ───────────────────────────────────────────────────────────────────────

    def want(self, candidates: tuple[int, ...]) -> None:
        """Candidates (gallery indices) that are seen: where was the part found in them?"""
        if candidates != self.wanted:
            self.wanted = candidates
            self.wanted_changed.emit()

    def set_found(self, part: Bool, found: dict[int, Found]) -> None:
        """Where a part was found in candidates; too late once it is another part."""
        if part is self.part and found:
            self.found = {**self.found, **found}
            self.found_changed.emit()

    def want_regions(self, on: bool) -> None:
        """Whether the map of what hiding each region would do is wanted."""
        self._set(regions_wanted=on, regions=None, notice="")

    def set_what_if(self, answer: WhatIf | None, covered: PairView | None = None) -> None:
        """What covering the hidden cells does, and the pair without them."""
        self._set(what_if=answer, covered=covered)

    def set_regions(self, regions: Regions | None) -> None:
        """What hiding each region would do."""
        self._set(regions=regions)


def joined(before: Bool | None, cells: Bool, how: How) -> Bool:
    """A mask after a stroke; one that was not there is empty."""
    if before is None or how == "replace":
        return np.zeros_like(cells) if how == "remove" else cells
    return np.asarray(before | cells if how == "add" else before & ~cells)


def _plainly_same(a: object, b: object) -> bool:
    return isinstance(a, (str, bool, WhatIf)) and a == b
