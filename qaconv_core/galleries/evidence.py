"""The evidence of a data set's pairs, to say how that of one pair stands among it.

Some queries, evenly spread, are compared with (a part of) the gallery, and the contributions above
average of every pair are added up by zone. This is done once for a set under a model; the sums are
kept in the feature store, beside the maps. At most :data:`QUERIES` times :data:`PICTURES` pairs are
computed, however large the set is.
"""

from __future__ import annotations

import numpy as np

from qaconv_core.data.label_maps import has_label_maps
from qaconv_core.errors import InputError
from qaconv_core.explaining.evidence import SetEvidence, sums_of_pairs
from qaconv_core.explaining.maxima import query_maxima
from qaconv_core.explaining.zones import ZONES, ZoneMap, zones_by_height, zones_of_picture
from qaconv_core.galleries.search import GallerySearch
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.ranking.arrays import evenly_spread
from qaconv_core.store.kept_arrays import EVIDENCE, keep_arrays, kept_path, load_arrays
from qaconv_core.types import Float64, Int64, RankingResult

QUERIES, PICTURES = 200, 2000
"""At most so many queries and gallery pictures are compared, besides true matches."""
FALSE_PAIRS = 200
"""False pairs of a query whose sums are kept, evenly spread: every query counts alike."""
STAGE = "evidence of the set's pairs"


def open_evidence(
    search: GallerySearch,
    context: WorkContext = NO_CONTEXT,
    *,
    queries: int = QUERIES,
    pictures: int = PICTURES,
) -> SetEvidence:
    """The evidence of a set's pairs, from the store where it was measured before.

    Averages are over the gallery pictures compared. Pairs are those of known persons: junk and the
    query's own file are left out. Raises :class:`InputError` where no query's person is known in
    the gallery, Cancelled between queries.
    """
    chosen = _chosen(search, queries)
    rows = evenly_spread(len(search.gallery), pictures)
    data, head = search.data, search.model.head
    parts = (
        data.gallery_pids, data.gallery_camids, data.query_pids[chosen],
        data.query_camids[chosen], rows, head.query_weights, head.gallery_weights,
    )  # fmt: skip
    paths = [str(data.query[query].path) for query in chosen.tolist()]
    path = kept_path(search.gallery, EVIDENCE, parts, (paths, data.junk_rule, FALSE_PAIRS))
    known = load_arrays(path, "true", "false")
    if known is None or any(sums.shape[1:] != (len(ZONES),) for sums in known):
        known = _measured(search, chosen, rows, context)
        keep_arrays(path, "the evidence of this set is", true=known[0], false=known[1])
    true, false = (sums.astype(np.float32) for sums in known)
    return SetEvidence(true, false, len(chosen), len(rows))


def _chosen(search: GallerySearch, most: int) -> Int64:
    """Queries of the set that have a true match, evenly spread."""
    valid = [
        query
        for query in range(search.data.added_from)
        if (search.truth((query,)) == RankingResult.TRUE).any()
    ]
    if not valid:
        raise InputError(f"{search.data.name}: no query has a true match to compare evidence with")
    return np.array(valid, dtype=np.int64)[evenly_spread(len(valid), most)]


def _measured(
    search: GallerySearch, chosen: Int64, rows: Int64, context: WorkContext
) -> tuple[Float64, Float64]:
    """Sums by zone of true and of false pairs, (n, zones) each."""
    tracker = context.tracker(STAGE, len(chosen), "queries")
    zones = _Zones(search)
    true, false = [np.empty((0, len(ZONES)))], [np.empty((0, len(ZONES)))]
    for query in chosen.tolist():
        truth = search.truth((query,))
        matches = np.flatnonzero(truth == RankingResult.TRUE)
        others = rows[truth[rows] == RankingResult.FALSE]
        others = others[evenly_spread(len(others), FALSE_PAIRS)]
        compared = np.concatenate([rows, np.setdiff1d(matches, rows)])
        above = _above_average(search, query, compared, len(rows), context)
        order = np.argsort(compared)
        for pictures, found in ((matches, true), (others, false)):
            at = order[np.searchsorted(compared, pictures, sorter=order)]
            by_query, by_gallery = (adds[at] for adds in above)
            sums = sums_of_pairs(by_query, zones.of_query(query))
            found.append(sums + sums_of_pairs(by_gallery, zones.of_gallery(pictures)))
        tracker.advance()
    return np.concatenate(true), np.concatenate(false)


def _above_average(
    search: GallerySearch, query: int, compared: Int64, counted: int, context: WorkContext
) -> tuple[Float64, Float64]:
    """(n, cells) of the query and of the pictures ``compared``: contributions above the average
    over the first ``counted`` of these, the query's own file apart."""
    head, bank = search.model.head, search.gallery.select(compared)
    found = query_maxima(search.query_map(query), bank, cancel=context.cancel)
    usual = ~np.isin(compared[:counted], search.own_files((query,)))
    if not usual.any():
        raise InputError(f"{search.data.name}: there is no other picture to compare with")
    sides = (found.query, head.query_weights), (found.gallery, head.gallery_weights)
    by_query, by_gallery = (
        (maxima - maxima[:counted][usual].mean(axis=0, dtype=np.float64)) * weights.ravel()
        for maxima, weights in sides
    )
    return by_query, by_gallery


class _Zones:
    """Zones of the set's pictures; label maps are read once, and only where the set has them."""

    def __init__(self, search: GallerySearch) -> None:
        self._data, self._grid = search.data, search.model.head.grid
        self._labelled = has_label_maps(search.data.dataset)
        self._by_height = zones_by_height(self._grid).ravel()
        self._known: dict[int, ZoneMap] = {}

    def of_query(self, query: int) -> ZoneMap:
        """(cells,)."""
        if not self._labelled:
            return self._by_height
        return zones_of_picture(self._data.query[query], self._grid).ravel()

    def of_gallery(self, pictures: Int64) -> ZoneMap:
        """(n, cells)."""
        if not self._labelled:
            return self._by_height
        for picture in pictures.tolist():
            if picture not in self._known:
                ref = self._data.gallery[picture]
                self._known[picture] = zones_of_picture(ref, self._grid).ravel()
        return np.stack([self._known[p] for p in pictures.tolist()] or [self._by_height])
