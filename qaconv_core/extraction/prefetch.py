"""The next item is made in the background while the present one is worked on."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def prefetched(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """``items`` in order; the next of them is made in a thread while the caller uses the last one.

    Decoding, copying and the network release Python's global lock, so both run at once. An error
    of ``items`` is raised here when its item would be due. Closing waits for the item that is being
    made, and then closes ``items``, too.
    """
    end = object()
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="qaconv prefetch") as thread:
            waiting = thread.submit(next, items, end)
            while (item := waiting.result()) is not end:
                waiting = thread.submit(next, items, end)
                yield item  # type: ignore[misc]  # not the end
    finally:
        items.close()
