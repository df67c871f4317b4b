"""The cache drops what was used least recently, by number or by size, also under threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from qaconv_core.caching import LruCache


def test_what_was_used_least_recently_goes_first():
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert cache.keys() == ("a", "c")
    assert cache.get("b") is None
    assert "b" not in cache
    assert len(cache) == cache.total == 2


def test_sizes_are_added_up_and_the_last_value_always_stays():
    cache: LruCache[int, bytes] = LruCache(10, len)
    for key, count in ((1, 4), (2, 5), (3, 3)):
        cache.put(key, bytes(count))
    assert (cache.keys(), cache.total) == ((2, 3), 8)
    cache.put(2, bytes(7))  # in place of the five
    assert (cache.keys(), cache.total) == ((3, 2), 10)
    cache.put(4, bytes(50))
    assert (cache.keys(), cache.total) == ((4,), 50)
    cache.discard(4)
    cache.discard(4)
    assert (len(cache), cache.total) == (0, 0)


def test_a_value_is_made_once_even_where_it_is_none():
    cache: LruCache[str, None] = LruCache(3)
    made = []
    for _ in range(2):
        assert cache.get_or_make("a", lambda: made.append(1)) is None
    assert made == [1]


def test_making_a_value_again_counts_as_using_it():
    cache: LruCache[str, str] = LruCache(2)
    for key in ("a", "b", "a", "c"):
        assert cache.get_or_make(key, key.upper) == key.upper()
    assert cache.keys() == ("a", "c")


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        LruCache(0)


def test_threads_leave_sizes_and_contents_in_step():
    cache: LruCache[int, bytes] = LruCache(100, len)

    def work(seed):
        for step in range(300):
            key = (seed * 7 + step * 13) % 40
            cache.put(key, bytes(1 + key % 9))
            cache.get((key + 3) % 40)
            cache.discard((key + 5) % 40)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    sizes = [len(cache.get(key)) for key in range(40) if key in cache]
    assert cache.total == sum(sizes) <= 100
