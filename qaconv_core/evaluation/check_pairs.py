"""The data of explanation checks: features, averages of queries, removal curves of pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qaconv_core.caching import LruCache
from qaconv_core.errors import InputError
from qaconv_core.evaluation.evaluator import Job
from qaconv_core.evaluation.pairs import IndexPairs
from qaconv_core.explaining.average import AverageContributions, averages_of_maxima
from qaconv_core.explaining.curves import RemovalCurves, removal_curves
from qaconv_core.explaining.maxima import GalleryCells, query_maxima
from qaconv_core.explaining.part import plain_logits
from qaconv_core.explaining.values import QueryMaxima
from qaconv_core.model import Model
from qaconv_core.ranking import truth_labels
from qaconv_core.ranking.arrays import evenly_spread
from qaconv_core.ranking.protocol import Labels
from qaconv_core.types import Bool, Dataset, Float32, Float64, Int64, RankingResult


def curves_stage(pairs: str) -> str:
    """The stage of removal curves of one kind of pairs, for progress."""
    return f"curves of {pairs}"


class ExplanationCheckData:
    """Features of a data set and, query by query, its averages over (a part of) the gallery."""

    def __init__(self, model: Model, dataset: Dataset, gallery_limit: int, job: Job) -> None:
        self.model, self.dataset, self.job = model, dataset, job
        query = job.extract(model, dataset.query, "query features")
        gallery = job.extract(model, dataset.gallery, "gallery features")
        self.query = dict(zip(map(int, query.kept), range(len(query.kept)), strict=True))
        self.place = dict(zip(map(int, gallery.kept), range(len(gallery.kept)), strict=True))
        self.query_bank, self.gallery_bank = query.bank, gallery.bank
        self.notes = [f"left out: {item}" for item in (*query.rejected, *gallery.rejected)]
        if not self.query or not self.place:
            raise InputError(f"{dataset.root}: no pictures that can be read on one side")
        self.gallery_index: Int64 = gallery.kept
        rows = evenly_spread(len(gallery.kept), gallery_limit)
        if len(rows) < len(gallery.kept):
            self.notes.append(
                f"averages and ranks are over {gallery_limit:,} of {len(gallery.kept):,} "
                "gallery pictures"
            )
        self.rows = rows
        self.cells = GalleryCells.load(self.gallery_bank.select(rows))
        self._averages: dict[int, AverageContributions] = {}
        self._maxima: LruCache[int, QueryMaxima] = LruCache(1)  # logits and averages share them
        self._pids, self._camids = dataset.gallery.pids, dataset.gallery.camids
        self._files: dict[Path, list[int]] = {}
        for place, path in enumerate(dataset.gallery.paths):
            self._files.setdefault(path, []).append(place)

    @property
    def size(self) -> int:
        """The number of gallery pictures in each ranking."""
        return len(self.rows)

    def readable(self, pairs: IndexPairs) -> IndexPairs:
        """The pairs whose pictures could be read."""
        return [(q, g) for q, g in pairs if q in self.query and g in self.place]

    def query_map(self, index: int) -> Float32:
        """The map of a query, float32."""
        return np.asarray(self.query_bank[self.query[index]], dtype=np.float32)

    def average(self, index: int) -> AverageContributions:
        """Averages of a query over the (thinned) gallery; kept, because pairs share queries."""
        if index not in self._averages:
            self._averages[index] = averages_of_maxima(self._maxima_of(index), self.model.head)
        return self._averages[index]

    def logits(self, index: int, pictures: Int64) -> Float32:
        """Logits (n,) of a query to some pictures of the gallery, which could be read."""
        bank = self.gallery_bank.select([self.place[g] for g in pictures.tolist()])
        return plain_logits(query_maxima(self.query_map(index), bank), self.model.head)

    def ranked_logits(self, index: int) -> Float32:
        """Logits of a query to the pictures of its ranking, in the order of :attr:`rows`."""
        return plain_logits(self._maxima_of(index), self.model.head)

    def _maxima_of(self, index: int) -> QueryMaxima:
        return self._maxima.get_or_make(
            index, lambda: query_maxima(self.query_map(index), self.cells)
        )

    def truth(self, index: int, pictures: Int64) -> Labels:
        """(n,) the truth of some pictures of the gallery for a query; its own file is junk."""
        ref = self.dataset.query[index]
        found = truth_labels(ref.pid, ref.camid, self._pids[pictures], self._camids[pictures])
        found[np.isin(pictures, self._files.get(ref.path, []))] = RankingResult.JUNK
        return found

    def best_matches(self, count: int, seed: int) -> IndexPairs:
        """Some queries, each with its best match; the query's own file is left out."""
        chosen = np.random.default_rng(seed).permutation(sorted(self.query))[:count]
        paths = [str(self.dataset.gallery[int(i)].path) for i in self.gallery_index[self.rows]]
        pairs = []
        for index in map(int, chosen):
            logits = self.ranked_logits(index)
            own = str(self.dataset.query[index].path)
            logits[[path == own for path in paths]] = -np.inf
            best = int(logits.argmax())
            if np.isfinite(logits[best]):
                pairs.append((index, int(self.gallery_index[self.rows[best]])))
        return pairs

    def curves(self, pairs: IndexPairs, stage: str) -> list[RemovalCurves]:
        """Removal curves of each pair, in both orders, with ranks among the (thinned) gallery."""
        tracker = self.job.tracker(stage, len(pairs), "pairs")
        found = []
        for number, (q, g) in enumerate(pairs):
            query_map = self.query_map(q)
            candidate = self.place[g]
            place = np.flatnonzero(self.rows == candidate)
            cells, rows = self.cells, self.rows
            if not len(place):  # not in the sample: added for its own ranking
                cells = self._with(candidate)
                rows, place = np.append(rows, candidate), np.array([len(rows)])
            gallery_map = np.asarray(self.gallery_bank[candidate], dtype=np.float32)
            contributions = self.model.match(query_map, gallery_map).query_contribution
            above_average = np.asarray(contributions - self.average(q).query_mean, dtype=np.float64)
            strengths: list[tuple[str, Float64]] = [
                ("contribution", contributions.astype(np.float64)),
                ("relative", above_average),
            ]
            found.append(
                removal_curves(
                    query_map,
                    cells,
                    self.model.head,
                    int(place[0]),
                    strengths,
                    counted=self._counted(q, rows),
                    seed=number,
                )
            )
            tracker.advance()
        return found

    def _with(self, candidate: int) -> GalleryCells:
        more = GalleryCells.load(self.gallery_bank.select([candidate]))
        return GalleryCells(np.concatenate([self.cells.rows, more.rows]), self.cells.grid)

    def _counted(self, query: int, rows: Int64) -> Bool:
        """The candidate's rivals: neither junk nor other true matches of the query."""
        labels = self.truth(query, self.gallery_index[rows])
        return np.isin(labels, (RankingResult.FALSE, RankingResult.NOT_KNOWN))
