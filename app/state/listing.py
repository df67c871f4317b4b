"""Which queries and which ranked pictures are listed, and in which order."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import repeat
from operator import contains
from typing import NamedTuple

import numpy as np

from app.state.values import Measures, QueryFilter, ResultFilter
from qaconv_core.caching import LruCache
from qaconv_core.data.names import person_name, shown_person_words
from qaconv_core.galleries.values import OpenSet
from qaconv_core.naming import camera_label, camera_words, person_label
from qaconv_core.types import UNKNOWN, Bool, ImageSet, Int64, RankingResult, leads, ranks

QUERY_SORTS = ("file", "person", "ap", "score")


def listed_queries(data: OpenSet, measures: Measures, chosen: QueryFilter) -> Int64:
    """Indices of the queries to list, in the order to list them."""
    keep = matches_text(data.query, chosen.text)
    if chosen.pid is not None:
        keep &= data.query_pids == chosen.pid
    if chosen.camids is not None:
        keep &= np.isin(data.query_camids, list(chosen.camids))
    if chosen.errors:
        keep &= measures.first_true > 1
    indices = np.flatnonzero(keep)
    return indices[_query_order(data, measures, chosen.sort, indices)]


def matches_text(images: ImageSet, text: str) -> Bool:
    """(n,) whether :func:`text_hits` finds ``text`` in a picture; all of them for no text."""
    if not text.strip():
        return np.ones(len(images), dtype=bool)
    return text_hits(search_texts(images), text)


class SearchTexts(NamedTuple):
    """What a search reads of pictures, in lower case.

    ``names`` are of file and person, one of each picture. ``words`` are lines of what the window
    shows for person and camera; picture i has those of place ``words_of[i]``.
    """

    names: list[str]
    words: list[str]
    words_of: Int64


_TEXTS: LruCache[int, tuple[ImageSet, SearchTexts]] = LruCache(2)
"""Of queries and gallery, which are searched at every letter typed; by identity."""


def search_texts(images: ImageSet) -> SearchTexts:
    """Those of a set; of the two sets searched last they are kept."""
    kept = _TEXTS.get(id(images))
    if kept is None or kept[0] is not images:
        kept = images, _texts_of(images)
        _TEXTS.put(id(images), kept)
    return kept[1]


def _texts_of(images: ImageSet) -> SearchTexts:
    places: dict[tuple[int | None, str, int | None, str], int] = {}
    names: list[str] = []
    words: list[str] = []
    words_of: list[int] = []
    for ref in images:
        key = ref.pid, person_name(ref), ref.camid, ref.camera
        if key not in places:
            lines = [shown_person_words(ref), camera_words(*key[2:]), camera_label(*key[2:])]
            lines += [] if ref.person else [person_label(ref.pid)]
            places[key] = len(words)
            words.append("\n".join(lines).lower())
        names.append(f"{ref.path.name}\n{ref.person}".lower())
        words_of.append(places[key])
    return SearchTexts(names, words, np.array(words_of, dtype=np.int64))


def text_hits(texts: SearchTexts, text: str) -> Bool:
    """(n,) whether a picture is meant by ``text``, no matter the case; none for no text.

    Names hold the text at any place. Words shown hold it too, with whole numbers: ``person 6`` is
    not person 60. A number alone is a person, not a camera.
    """
    wanted = text.strip().lower()
    if not wanted:
        return np.zeros(len(texts.names), dtype=bool)
    anywhere = re.escape(wanted)
    whole = anywhere + (r"(?!\d)" if wanted[-1].isdecimal() else "")
    number = rf"^{wanted.lstrip('0') or '0'}$"
    in_words = re.compile(number if wanted.isdecimal() else whole, re.MULTILINE)
    meant = np.array([bool(in_words.search(words)) for words in texts.words], dtype=bool)
    named: Iterable[bool]
    if _NUMBERED.fullmatch(wanted):
        named = map(bool, map(re.compile(whole).search, texts.names))
    else:
        named = map(contains, texts.names, repeat(wanted))
    return meant[texts.words_of] | np.fromiter(named, bool, len(texts.names))


_NUMBERED = re.compile(r"(person|camera) \d+")
"""Words that mean one person or camera in names of files, too."""


def _query_order(data: OpenSet, measures: Measures, sort: str, indices: Int64) -> Int64:
    """How to order ``indices``; what is not known comes last."""
    if sort == "person":
        pids = data.query_pids[indices]
        return np.lexsort((indices, pids, pids < 0))
    if sort == "ap":
        ap = measures.ap[indices]
        return np.lexsort((indices, ap, np.isnan(ap)))
    if sort == "score":
        top = measures.top[indices]
        return np.lexsort((indices, -top, np.isnan(top)))
    names = [data.query[int(i)].path.name for i in indices]
    return np.array(sorted(range(len(names)), key=lambda i: (names[i], i)), dtype=np.int64)


def listed_places(
    data: OpenSet, ranking: RankingResult, chosen: ResultFilter, decided: Collection[int] = ()
) -> Int64:
    """Places of the ranking (0: best) that are listed, in order.

    ``decided`` are the gallery indices that something was decided about.
    """
    order = ranking.order
    keep = np.ones(len(order), dtype=bool)
    if chosen.hide_junk:
        keep &= ranking.truth != RankingResult.JUNK
    if chosen.hide_false:
        keep &= ranking.truth != RankingResult.FALSE
    tracks = ranking.tracks
    if chosen.hide_decided and decided:
        out = np.isin(order, list(decided))
        if tracks is not None:  # who was decided about in one picture is so in all of the track
            out |= np.isin(tracks, tracks[out & (tracks != UNKNOWN)])
        keep &= ~out
    camids = data.gallery_camids[order]
    if chosen.hide_same_camera:
        own = data.query_camids[list(ranking.queries)]
        keep &= ~np.isin(camids, own[own >= 0])
    if chosen.camids is not None:
        keep &= np.isin(camids, list(chosen.camids))
    if chosen.time_range is not None:
        times = data.gallery_times[order]
        low, high = chosen.time_range
        keep &= (times >= low) & (times <= high)
    places = np.flatnonzero(keep)
    if tracks is not None and not chosen.every_picture:
        places = places[leads(ranking.truth[places], tracks[places])]
    return places


def rank_moves(ranking: RankingResult) -> Int64 | None:
    """(g,) how many ranks each place gained on plain QAConv (negative: lost); None for QAConv.

    Ranks are those of :attr:`RankingResult.ranks`; junk has a move of 0.
    """
    before, tracks = ranking.before, ranking.tracks
    if before is None:
        return None
    plain = np.argsort(before)
    plain_ranks = ranks(ranking.truth[plain], None if tracks is None else tracks[plain])
    return plain_ranks[before] - ranking.ranks


def step_in(listed: Int64, current: int | None, step: int) -> int | None:
    """What stands ``step`` after ``current`` in a list; None past its ends or where it is empty.

    A ``current`` that is not listed: the first (``step`` > 0) or the last.
    """
    found = np.flatnonzero(listed == current) if current is not None else listed[:0]
    if not len(listed):
        return None
    if not len(found):
        return int(listed[0 if step > 0 else -1])
    place = int(found[0]) + step
    return int(listed[place]) if 0 <= place < len(listed) else None


def next_error(
    listed: Int64, measures: Measures, current: int | None, back: bool = False
) -> int | None:
    """The next listed query whose rank 1 is false (``back``: the one before), from the other end
    again after the last one."""
    errors = np.flatnonzero(measures.first_true[listed] > 1)
    if not len(errors):
        return None
    here = np.flatnonzero(listed == current) if current is not None else errors[:0]
    if back:
        errors = errors[::-1]
    later = errors[errors < here[0] if back else errors > here[0]] if len(here) else errors
    return int(listed[later[0] if len(later) else errors[0]])
