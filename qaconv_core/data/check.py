"""Checks a data set before it is used: what it holds and what is wrong with it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from qaconv_core.data.check_report import CheckReport, SplitSummary
from qaconv_core.data.images import read_image
from qaconv_core.data.market_like import without_junk_boxes
from qaconv_core.data.published import unlike_published
from qaconv_core.data.scan import peek
from qaconv_core.data.scenes import gallery_scenes, query_scene
from qaconv_core.errors import ImageError
from qaconv_core.naming import camera_called
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import counted
from qaconv_core.types import UNKNOWN, Dataset, ImageSet, Rejected, camera_names

_DISTRACTOR_SETS = frozenset(("market", "demo"))
_BATCH = 64
_QUERIES_LOOKED_AT = 64


def check_dataset(
    dataset: Dataset,
    *,
    decode: bool = True,
    workers: int | None = None,
    work: WorkContext = NO_CONTEXT,
) -> CheckReport:
    """Count a data set's pictures and find what would distort an evaluation.

    With ``decode`` every picture is decoded, in ``workers`` threads (default: one per core, at
    most 8); those that cannot be are counted as rejected. Raises
    :class:`~qaconv_core.errors.Cancelled` when ``work`` was cancelled.
    """
    sets = {"train": dataset.train, "query": dataset.query, "gallery": dataset.gallery}
    damaged: dict[Path, str] = {}
    if decode:
        paths = list(dict.fromkeys(ref.path for images in sets.values() for ref in images))
        damaged = undecodable(paths, workers, work)
        sets = {name: _without(images, damaged) for name, images in sets.items()}
    summaries = tuple(_summary(name, images, dataset.name) for name, images in sets.items())
    valid = valid_queries(sets["query"], sets["gallery"])
    rejected = dataset.rejected + tuple(Rejected(p, why) for p, why in damaged.items())
    warnings = _warnings(dataset, sets, summaries, valid, rejected)
    return CheckReport(
        dataset=dataset.name,
        root=dataset.root,
        layout=dataset.layout,
        splits=summaries,
        valid_queries=valid,
        rejected=rejected,
        warnings=tuple(warnings),
        notes=dataset.notes,
        decoded=decode,
    )


def valid_queries(query: ImageSet, gallery: ImageSet) -> int:
    """Number of queries with a gallery picture of their pid that is not from their camera.

    A camera that is not known counts as another one, as in the junk rule.
    """
    cameras: dict[int, set[int]] = defaultdict(set)
    for pid, camid in zip(gallery.pids.tolist(), gallery.camids.tolist(), strict=True):
        cameras[pid].add(camid)
    return sum(
        pid != UNKNOWN and bool(cameras.get(pid, set()) - ({camid} - {UNKNOWN}))
        for pid, camid in zip(query.pids.tolist(), query.camids.tolist(), strict=True)
    )


def _summary(name: str, images: ImageSet, dataset: str) -> SplitSummary:
    pids, camids, times = images.pids, images.camids, images.times
    known = times[~np.isnan(times)]
    persons = set(pids.tolist()) - {UNKNOWN}
    distractors = 0
    if dataset in _DISTRACTOR_SETS:
        distractors = int(np.count_nonzero(pids == 0))
        persons -= {0}
    cameras, called = sorted(set(camids.tolist()) - {UNKNOWN}), camera_names(images)
    return SplitSummary(
        name=name,
        images=len(images),
        identities=len(persons),
        camids=tuple(cameras),
        time_range=(float(known.min()), float(known.max())) if len(known) else None,
        distractors=distractors,
        unknown_pids=int(np.count_nonzero(pids == UNKNOWN)),
        unknown_camids=int(np.count_nonzero(camids == UNKNOWN)),
        unknown_times=int(np.count_nonzero(np.isnan(times))),
        cameras=tuple(camera_called(camid, called.get(camid, "")) for camid in cameras),
    )


def _warnings(
    dataset: Dataset,
    sets: dict[str, ImageSet],
    summaries: Sequence[SplitSummary],
    valid: int,
    rejected: Sequence[Rejected],
) -> Iterator[str]:
    query, gallery = sets["query"], sets["gallery"]
    combined = any(note.startswith("combine_all") for note in dataset.notes)
    sizes = {s.name: s.images for s in summaries if not (combined and s.name == "train")}
    yield from unlike_published(dataset.name, sizes)
    unreadable = len(without_junk_boxes(rejected))
    if unreadable:
        files = counted(unreadable, "file is", "files are")
        beside = " beside junk boxes" if unreadable < len(rejected) else ""
        yield f"{files} left out{beside}; they are listed below"
    if len(query) == 0 or len(gallery) == 0:
        if dataset.name != "randperson":
            missing = [name for name, part in (("query", query), ("gallery", gallery)) if not part]
            yield f"there is no {' and no '.join(missing)}: an evaluation is not possible"
        return
    scenes = gallery_scenes(gallery.paths)
    if scenes:
        yield scenes
    wide = [scene for scene in map(query_scene, query.paths[:_QUERIES_LOOKED_AT]) if scene]
    if wide:
        yield wide[0] + (f"; so do {len(wide) - 1} more queries" if len(wide) > 1 else "")
    lonely = set(query.pids.tolist()) - set(gallery.pids.tolist()) - {UNKNOWN}
    if lonely:
        few = peek([str(pid) for pid in sorted(lonely)])
        yield f"{len(lonely):,} query persons are not in the gallery (pid {few})"
    cameras = set(query.camids.tolist()) | set(gallery.camids.tolist())
    if cameras == {UNKNOWN}:
        yield ("cameras are not known: near-duplicates from the query's own camera count as true "
               "matches, which makes measures too good")  # fmt: skip
    if len(cameras) == 1 and UNKNOWN not in cameras:
        yield ("all pictures are from one camera, so every true match is junk: switch the "
               "same-camera rule off")  # fmt: skip
    elif valid < len(query):
        yield (f"{len(query) - valid:,} queries have no true match from another camera and do "
               "not count")  # fmt: skip
    if np.isnan(query.times).any() or np.isnan(gallery.times).any():
        yield "times are missing for some or all pictures: leave temporal lifting off"


def undecodable(
    paths: Sequence[Path], workers: int | None = None, work: WorkContext = NO_CONTEXT
) -> dict[Path, str]:
    """Decode all pictures in ``workers`` threads, as :func:`check_dataset` does; reasons of those
    that fail, in the order of ``paths``."""
    tracker = work.tracker("checking pictures", len(paths))
    threads = max(1, workers if workers is not None else min(8, os.cpu_count() or 1))
    batches = (paths[i : i + _BATCH] for i in range(0, len(paths), _BATCH))
    faults: dict[Path, str] = {}
    with ThreadPoolExecutor(threads, thread_name_prefix="check") as pool:
        running: set[Future[tuple[dict[Path, str], int]]] = set()
        try:
            while True:
                for batch in islice(batches, 2 * threads - len(running)):
                    running.add(pool.submit(_faults, batch))
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    faults.update(future.result()[0])
                    tracker.advance(future.result()[1])
        finally:
            for future in running:
                future.cancel()
    return {path: faults[path] for path in paths if path in faults}


def _faults(paths: Sequence[Path]) -> tuple[dict[Path, str], int]:
    """Reasons of the pictures that cannot be decoded, and how many were tried."""
    faults = {}
    for path in paths:
        try:
            read_image(path)
        except ImageError as error:
            faults[path] = error.reason
    return faults, len(paths)


def readable_part(dataset: Dataset, damaged: Collection[Path]) -> Dataset:
    """The data set without its damaged pictures."""
    sets = (_without(images, damaged) for images in (dataset.train, dataset.query, dataset.gallery))
    train, query, gallery = sets
    return replace(dataset, train=train, query=query, gallery=gallery)


def _without(images: ImageSet, left_out: Collection[Path]) -> ImageSet:
    if not left_out:
        return images
    return ImageSet(tuple(r for r in images if r.path not in left_out), images.name)
