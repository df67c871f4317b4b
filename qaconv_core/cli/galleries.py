"""Galleries that commands take: a data set by name, a folder, or a table; and their features."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qaconv_core.cli.evaluate import say_rejected
from qaconv_core.cli.options import work_on
from qaconv_core.cli.terminal import ProgressShower
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.types import Dataset, ImageSet

if TYPE_CHECKING:
    from qaconv_core.data.own_files import OwnFiles
    from qaconv_core.explaining.average import AverageContributions
    from qaconv_core.explaining.evidence import SetEvidence
    from qaconv_core.explaining.values import NormalisedBreakdown, Relative, RelativeMatch
    from qaconv_core.model import Model
    from qaconv_core.types import CorrespondenceMap, FeatureBank, Float32, ImageRef, Int64

NORMALISED = "normalised"
"""The order by what a match adds above strangers."""


EVIDENCE = "evidence"
"""The entry of JSON that says how a pair's evidence stands among a set's pairs."""


def add_pairs_option(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """``--among-pairs``."""
    parser.add_argument(
        "--among-pairs",
        action="store_true",
        help="say which shares of the true and false pairs of --against have as much evidence in "
        "the same zones (measured once, then kept)",
    )


def open_gallery(name: str, arguments: argparse.Namespace) -> tuple[Dataset, ImageSet]:
    """The gallery of a data set, or all pictures of a folder or table."""
    from qaconv_core.data import open_gallery as open_searched

    dataset = open_searched(name, arguments.data_dir)
    return dataset, dataset.gallery


def gallery_features(
    model: Model,
    dataset: Dataset,
    gallery: ImageSet,
    arguments: argparse.Namespace,
    cancel: CancelToken,
    stage: str = "gallery features",
) -> tuple[ImageSet, FeatureBank]:
    """The pictures that can be read, and their features; what is left out is said."""
    from qaconv_core.data.market_like import without_junk_boxes

    with work_on(model, arguments, cancel) as job:
        found = job.extract(model, gallery, stage)
    say_rejected((*without_junk_boxes(dataset.rejected), *found.rejected))
    if not len(found.kept):
        raise InputError(f"{dataset.root}: none of its pictures can be read")
    return gallery.select(found.kept), found.bank


def as_stored(maps: Float32) -> Float32:
    """Feature maps rounded as those of a gallery are (to float16), to be compared with its own."""
    return maps.astype(np.float16).astype(np.float32)


@dataclass(frozen=True)
class Against:
    """A gallery that a pair is compared with: the data set, what of it can be read, and the maps of
    that."""

    dataset: Dataset
    gallery: ImageSet
    bank: FeatureBank

    @cached_property
    def _files(self) -> OwnFiles:
        from qaconv_core.data.own_files import OwnFiles

        return OwnFiles(self.gallery)

    def own_files(self, picture: Path) -> Int64:
        """Gallery indices of a picture's own file."""
        return self._files.of(picture)


def against_gallery(
    model: Model, name: str, arguments: argparse.Namespace, cancel: CancelToken
) -> Against:
    """The gallery ``name`` of ``--against``, and its features."""
    dataset, gallery = open_gallery(name, arguments)
    return Against(dataset, *gallery_features(model, dataset, gallery, arguments, cancel))


def averages_for(
    model: Model,
    query: Path,
    query_map: Float32,
    against: Against,
    arguments: argparse.Namespace,
    cancel: CancelToken,
) -> AverageContributions:
    """What the cells of a query picture contribute over a gallery, itself left out."""
    from qaconv_core.explaining.average import average_contributions

    with ProgressShower(arguments.quiet) as progress:
        return average_contributions(
            query_map,
            against.bank,
            model.head,
            leave_out=against.own_files(query),
            progress=progress,
            cancel=cancel,
        )


def evidence_of(
    model: Model, against: Against, arguments: argparse.Namespace, cancel: CancelToken
) -> SetEvidence:
    """The evidence of the pairs of ``--against``; measured once, then kept beside its maps."""
    from qaconv_core.galleries.evidence import open_evidence
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.galleries.values import OpenSet

    data = against.dataset
    if not len(data.query):
        raise InputError(f"{data.root}: has no queries whose pairs could be compared with")
    query, bank = gallery_features(model, data, data.query, arguments, cancel, "query features")
    opened = OpenSet.of(replace(data, query=query, gallery=against.gallery))
    with ProgressShower(arguments.quiet) as progress:
        search = GallerySearch(model, opened, bank, against.bank)
        return open_evidence(search, WorkContext(progress, cancel))


def standing_of(
    evidence: SetEvidence, refs: tuple[ImageRef, ImageRef], above: RelativeMatch
) -> tuple[dict[str, Any] | None, str]:
    """How a pair stands among the set's pairs: for JSON, and as a line."""
    standing = evidence.of_pair(refs, above)
    if standing is None:
        return None, "no zone speaks for this match"
    return {**standing.to_dict(), **evidence.counts}, standing.words.lower()


def above_strangers(
    model: Model,
    match: CorrespondenceMap,
    pictures: tuple[Path, Path],
    maps: tuple[Float32, Float32],
    against: Against,
    cancel: CancelToken,
) -> NormalisedBreakdown | None:
    """The parts of the normalised score of a pair, beside strangers of a gallery; None where there
    are none between the two cameras.

    Camera and time of the ``pictures`` are those that the data set knows.
    """
    from qaconv_core.data.own_files import known_pictures
    from qaconv_core.explaining.normalised import normalised_breakdown
    from qaconv_core.galleries.cohorts import asked_of, pair_cohorts
    from qaconv_core.ranking.cohorts import CohortRule, Cohorts

    data, refs = against.dataset, against.gallery
    known = known_pictures(pictures, data.query, data.gallery, data.train)
    query, candidate = (asked_of(ref, against.own_files(ref.path)) for ref in known)
    rule = CohortRule()
    whole, sample = (
        Cohorts.of(refs.camids, refs.times, len(refs), CohortRule(size, rule.seed, rule.nearby))
        for size in (None, rule.size)
    )
    z, t = pair_cohorts(whole, sample, query, candidate)
    if not len(z) or not len(t):
        return None
    found = normalised_breakdown(
        match, *maps, against.bank.select(z), against.bank.select(t), model.head, cancel=cancel
    )
    return replace(found, against=f"{len(z):,} and {len(t):,} strangers of {data.name}")


def no_strangers(arguments: argparse.Namespace) -> str:
    """The line that says that the average serves in their place; an error where strangers were
    asked for."""
    nobody = f"{arguments.against} has no strangers between these two cameras to compare with"
    if arguments.colour_by == NORMALISED:
        raise InputError(f"{nobody}: leave out --colour-by {NORMALISED}")
    return f"{nobody}: the average over it is compared with instead"


def strangers_words(found: Relative) -> str:
    """Who a normalised score is compared with."""
    return getattr(found, "against", "") or "strangers"
