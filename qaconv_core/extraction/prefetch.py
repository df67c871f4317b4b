"""One step ahead: what comes next is made ready while what is here is worked on."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def one_ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """``items`` in order, the next of them made in a thread of its own meanwhile.

    Decoding, copying and the network let go of Python's lock, so the two run side by side. What
    ``items`` raises is raised here, in its turn; closing waits for the item in the making, and
    then ``items`` is closed too.
    """
    end = object()
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="qaconv ahead") as thread:
            waiting = thread.submit(next, items, end)
            while (item := waiting.result()) is not end:
                waiting = thread.submit(next, items, end)
                yield item  # type: ignore[misc]  # not the end
    finally:
        items.close()
