"""``qaconv rank``: the gallery in order of likeness to one or several query pictures."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qaconv_core.cli.evaluate import add_cohort_options, check_outputs, cohort_rule, refuse_lost
from qaconv_core.cli.galleries import gallery_features, open_gallery
from qaconv_core.cli.options import (
    add_blur_option,
    add_data_options,
    add_model_options,
    add_work_options,
    check_page,
    load_chosen_model,
    positive,
    show,
    write_json,
    write_result,
)
from qaconv_core.cli.rank_report import model_words, numbered, write_match_reports
from qaconv_core.cli.regions import add_region_options
from qaconv_core.cli.search import Listing, RankCommand
from qaconv_core.cli.terminal import say
from qaconv_core.data.names import person_name, shown_person
from qaconv_core.errors import InputError
from qaconv_core.evaluation.labelled_line import FALSE_PAIRS
from qaconv_core.evaluation.ranked_lists import SCORE_WORDS, ranking_csv
from qaconv_core.explaining import limits
from qaconv_core.naming import camera_called, camera_label, camera_numbered
from qaconv_core.progress import CancelToken
from qaconv_core.ranking.tracks import BEST, TRACK_RULES
from qaconv_core.readable import counted, shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, RankingResult, score_of_logit

if TYPE_CHECKING:
    from qaconv_core.evaluation.labelled_line import LabelledLine
    from qaconv_core.galleries.cohorts import NormalisedRanking
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.galleries.values import OpenSet
    from qaconv_core.model import Model

_EXAMPLES = """\
examples:
  qaconv rank --query Q.jpg --gallery demo --figure ranked.png
  qaconv rank --query Q.jpg --gallery demo --part 0.2,0.2,0.8,0.5     this part alone
  qaconv rank --query Q.jpg --gallery demo --ignore 0,0.6,1,1         all but this part
  qaconv rank --query Q.jpg --gallery demo --top 5 --report r.pdf     to hand over
"""
_SIGNS = {
    RankingResult.TRUE: "✓",
    RankingResult.FALSE: "✕",
    RankingResult.JUNK: "–",
    RankingResult.NOT_KNOWN: " ",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv rank``."""
    parser.add_argument("--query", nargs="+", required=True, metavar="IMG", help="query pictures")
    parser.add_argument(
        "--gallery", required=True, metavar="DIR|DATASET", help="a folder, a CSV or a data set"
    )
    parser.add_argument(
        "--top", type=positive, default=20, metavar="K", help="ranks to show (junk has none)"
    )
    parser.add_argument(
        "--joint",
        choices=("max", "mean"),
        help="one ranking by all query pictures together: by the best or the mean of their logits "
        "(with --normalise: of their scores above strangers)",
    )
    parser.add_argument(
        "--tracks",
        choices=TRACK_RULES,
        default=BEST,
        help="rank who was followed through a video by the best of their pictures or by the mean "
        "of all of them (default: best); the best is shown and explained",
    )
    add_region_options(parser)
    add_data_options(parser)
    add_model_options(parser)
    add_work_options(parser)
    parser.add_argument(
        "--no-junk", action="store_true", help="do not mark same person, same camera as junk"
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="score every picture in float32; the results shown are the same, this is slower",
    )
    parser.add_argument(
        "--shortlist",
        type=positive,
        metavar="N",
        help="score only the N best by small pooled maps: for galleries too large to score "
        "(an approximation; not with --joint or parts)",
    )
    group = parser.add_argument_group("scores normalised by camera")
    add_cohort_options(
        group,
        "rank by how far each candidate stands above strangers between the two cameras, in "
        "standard deviations; the first search of a gallery measures its cohorts",
    )
    group.add_argument(
        "--query-camera",
        metavar="C",
        help="the camera of query pictures of which it is not known, by its number in file names "
        "(from 1) or its name; else the whole gallery is their cohort",
    )
    group.add_argument(
        "--false-alarms",
        type=_share,
        metavar="F",
        help="draw the line that a query without a match crosses in a share F of cases "
        "(default: 0.1)",
    )
    parser.add_argument(
        "--false-pairs",
        type=_share,
        nargs="?",
        const=FALSE_PAIRS,
        metavar="F",
        help="draw the line that a share F of the labelled pairs of two persons is above, of the "
        f"gallery's pictures that “qaconv labels” gave to persons (default: {FALSE_PAIRS})",
    )
    parser.add_argument("--json", metavar="FILE", help="the rankings as JSON")
    parser.add_argument("--csv", metavar="FILE", help="the rankings as CSV")
    parser.add_argument("--figure", metavar="FILE", help="a ranked strip (.png, .pdf, .svg)")
    add_blur_option(parser)
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="the results with lines, maps, scores and decisions as one .html or .pdf file to "
        "hand over; several rankings get a numbered file each, as do their figures: FILE r.html "
        "becomes r-1.html, r-2.html",
    )
    parser.epilog = "\n".join([_EXAMPLES, "what a search by part does not say:", *limits.PART])
    parser.set_defaults(run=run)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"a share between 0 and 1 is expected, not {text!r}")
    return value


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Rank the gallery for each query picture."""
    check_outputs(arguments)
    check_page(arguments.report, "report", (".html", ".htm", ".pdf"))
    cohort_rule(arguments)
    _check_together(arguments)
    from qaconv_core.data.images import read_image
    from qaconv_core.data.labelled import called_by_labels, labelled_pictures
    from qaconv_core.data.own_files import known_pictures
    from qaconv_core.data.scenes import gallery_scenes, query_scene
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.galleries.values import OpenSet
    from qaconv_core.store.labels import LabelLog

    dataset, _ = open_gallery(arguments.gallery, arguments)
    log = LabelLog(dataset.name, dataset.root)
    dataset = called_by_labels(dataset, log)
    gallery = dataset.gallery
    if arguments.false_pairs is not None:
        _check_pairs(dataset, *_pairs_among(labelled_pictures(gallery, log)))
    paths = [Path(path) for path in arguments.query]
    queries = known_pictures(paths, dataset.query, dataset.gallery, dataset.train)
    queries = seen_by(queries, arguments.query_camera, dataset)
    pictures = [read_image(ref.path) for ref in queries]
    for scene in (*map(query_scene, paths), gallery_scenes(gallery.paths)):
        if scene:
            say(f"warning: {scene}")
    model = load_chosen_model(arguments)
    query_maps = model.extract(pictures)
    say(f"gallery: {counted(len(gallery), 'picture')} ({dataset.layout})")
    listed = gallery
    gallery, bank = gallery_features(model, dataset, gallery, arguments, cancel)
    data = OpenSet(
        dataset.name, dataset.root, dataset.layout, ImageSet(queries), gallery,
        added_from=len(queries), junk_rule=not arguments.no_junk,
    )  # fmt: skip
    search = GallerySearch(model, data, query_maps, bank)
    line = _labelled_line(arguments, search)
    listings = RankCommand(arguments, search, cancel, line).listings()
    _write(arguments, model, data, listings)
    if arguments.report:
        write_match_reports(arguments, search, listings, cancel)
    refuse_lost([listed], [gallery])


def _check_together(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together, before any picture is read."""
    by_part = arguments.part or arguments.ignore
    if arguments.shortlist is not None and (by_part or arguments.joint):
        raise InputError("--shortlist ranks by whole single pictures: leave out --joint and parts")
    if arguments.shortlist is not None and arguments.normalise:
        raise InputError("--normalise needs all scores: leave out --shortlist")
    if arguments.false_pairs is not None and by_part:
        raise InputError("--false-pairs is about whole pictures: leave out --part and --ignore")


def _labelled_line(arguments: argparse.Namespace, search: GallerySearch) -> LabelledLine | None:
    """The line of the gallery's labelled pairs, where it is asked for."""
    if arguments.false_pairs is None:
        return None
    from qaconv_core.data.labelled import labelled_pictures
    from qaconv_core.galleries.suggestions import labelled_pairs
    from qaconv_core.store.labels import LabelLog

    data = search.data
    persons = labelled_pictures(data.gallery, LabelLog(data.name, data.root))
    pairs = labelled_pairs(search.model, search.gallery, persons)
    _check_pairs(data, len(pairs.same), len(pairs.different))
    return pairs.line(arguments.false_pairs)


def _pairs_among(persons: Mapping[int, str]) -> tuple[int, int]:
    """How many pairs of labelled pictures are of one person, and how many of two."""
    counts = Counter(persons.values()).values()
    same = sum(count * (count - 1) // 2 for count in counts)
    return same, sum(counts) * (sum(counts) - 1) // 2 - same


def _check_pairs(data: Dataset | OpenSet, same: int, different: int) -> None:
    """Refuse a line of labelled pairs where pairs of one kind are missing."""
    if not same or not different:
        raise InputError(
            f"--false-pairs needs labelled pairs of one person and of two; {data.name} has "
            f"{same:,} and {different:,}: give persons by qaconv labels"
        )


def seen_by(
    queries: tuple[ImageRef, ...], camera: str | None, dataset: Dataset
) -> tuple[ImageRef, ...]:
    """The queries; those of unknown camera are of ``camera``, a number from 1 or a name."""
    if camera is None:
        return queries
    names = dataset.camera_names
    camid = camera_numbered(camera, names)
    sides = dataset.query, dataset.gallery, dataset.train
    there = {ref.camid for side in sides for ref in side if ref.camid is not None}
    if not there:
        raise InputError(f"--query-camera {camera}: {dataset.name} does not say its cameras")
    if camid not in there:
        known = ", ".join(shown(camera_called(c, names.get(c, ""))) for c in sorted(there))
        raise InputError(
            f"--query-camera {camera}: no such camera; there are: {known} (leave it out for "
            "a camera that is none of them)"
        )
    name = "" if camid is None else names.get(camid, "")
    return tuple(
        replace(query, camid=camid, camera=name) if query.camid is None else query
        for query in queries
    )


def _write(
    arguments: argparse.Namespace, model: Model, data: OpenSet, listings: list[Listing]
) -> None:
    if "-" not in (arguments.json, arguments.csv):
        for listing in listings:
            show(ranking_table(listing))
    records = [listing.record for listing in listings]
    if arguments.json:
        record = {
            "gallery": len(data.gallery),
            "checkpoint": {"model": model.spec.in_full(), "sha256": model.spec.sha256},
            "score": SCORE_WORDS,
            "camid": "0-based",
            "queries": records,
        }
        if arguments.normalise:
            record["normalisation"] = cohort_rule(arguments).record()
        write_json(arguments.json, record)
    if arguments.csv:
        text = ranking_csv(records, data.name, model_words(model.spec))
        write_result(arguments.csv, text, "CSV")
    if arguments.figure:
        _write_figures(arguments.figure, listings)


def ranking_table(listing: Listing) -> str:
    """A ranking for the terminal; cameras as people count them, from 1."""
    part = listing.part
    names = " + ".join(str(query.path) for query in listing.queries)
    lines = [f"{names}  against {counted(listing.others, 'picture')}", *listing.more_notes]
    means = listing.ranking.track_means
    if part is not None:
        lines.append(
            f"by {part['cells']} of {part['of']} cells of the query, which hold "
            f"{100 * part['evidence']:.0f} % of its evidence"
        )
    if listing.normalised is not None:
        rows = _normalised_rows(listing, listing.normalised)
        return "\n".join([*lines, *rows]) + "\n"
    # A part's logit lies far below a pair's, so its score would be 0 for all.
    first, last = ("part logit  ", "  evidence") if part else ("", "")
    first = first if means is None else f"track mean  {first}"
    rows = []
    lines.append(f" rank   {first}   logit   score     person  camera{last}  file")
    ranking = listing.ranking
    for place, index in enumerate(ranking.order):
        ref = listing.gallery[int(index)]
        found = listing.found[place][1] if listing.found else None
        share = "" if found is None else f"  {100 * found.evidence:>6.0f} %"
        by_part = "" if found is None else f"{ranking.values[place]:>10.3f}  "
        if means is not None:
            by_part = f"{means[place]:>10.3f}  {by_part}"
        rows.append(
            f"{ranking.ranks[place] or '':>5} {_SIGNS[int(ranking.truth[place])]} {by_part}"
            f"{ranking.logit_at(place):>8.3f}  {ranking.score_at(place):.4f} {_person(ref):>10}  "
            f"{_camera(ref):>6}{share}  {shown(ref.path)}"
        )
    return "\n".join([*lines, *_with_line(listing, rows)]) + "\n"


def _with_line(listing: Listing, rows: list[str]) -> list[str]:
    """The rows of a listing, with the line before the first one that is below it."""
    if listing.line is None:
        return rows
    above, words = listing.line
    below = np.flatnonzero(~above)
    if not len(below) and listing.others > len(rows):
        words = f"all that are listed stand above the {words}"
    first = int(below[0]) if len(below) else len(rows)
    return [*rows[:first], f"{'':>5} ── {words} ──", *rows[first:]]


def _normalised_rows(listing: Listing, found: NormalisedRanking) -> list[str]:
    """The rows of a ranking by normalised scores, the first says what they hold."""
    # Beside N of a part stand the numbers of the whole pictures, its own among them.
    first = "" if found.whole_n is None else "part N   "
    first = first if found.track_n is None else f"mean N   {first}"
    head = (
        f" rank     {first}     N      logit   score     person  camera  "
        "strangers as much alike; file"
    )
    ranking = listing.ranking
    rows = []
    for place, index in enumerate(map(int, ranking.order)):
        ref, logit = listing.gallery[index], listing.logit(place)
        whole = "" if found.whole_n is None else f"{found.whole_n[index]:>8.2f} "
        mean = "" if found.track_n is None else f"{found.track_n[index]:>8.2f} "
        rows.append(
            f"{ranking.ranks[place] or '':>5} {_SIGNS[int(ranking.truth[place])]} "
            f"{mean}{found.n[index]:>8.2f} {whole}{logit:>10.3f}  {score_of_logit(logit):.4f} "
            f"{_person(ref):>10}  {_camera(ref):>6}  "
            f"{found.counted_words(index)}; {shown(ref.path)}"
        )
    return [head, *_with_line(listing, rows)]


def _person(ref: ImageRef) -> str:
    return shown_person(ref) or "–"


def _camera(ref: ImageRef) -> str:
    return camera_label(ref.camid, ref.camera) or "–"


def _write_figures(file: str, listings: list[Listing]) -> None:
    from qaconv_core.data.images import read_image
    from qaconv_core.figures.ranking import RankedPicture, ranking_figure
    from qaconv_core.figures.style import save_figure

    for number, listing in enumerate(listings, start=1):
        ranking = listing.ranking
        refs = [listing.gallery[int(index)] for index in ranking.order]
        items = [
            RankedPicture(
                read_image(ref.path),
                int(ranking.ranks[place]),
                listing.score(place),
                ref.pid,
                ref.camid,
                int(ranking.truth[place]),
                listing.found[place][1].found_mask if listing.found else None,
                None if ranking.method == "qaconv" else float(ranking.values[place]),
                person_name(ref),
                ref.camera,
            )
            for place, ref in enumerate(refs)
        ]
        path = numbered(file, number, len(listings))
        query, *others = (query.path for query in listing.queries)
        caption = query.name + (f"\nand {len(others)} more" if others else "")
        note = "; ".join(listing.notes)
        made = ranking_figure(
            read_image(query), caption, items, query_cells=listing.cells, note=note
        )
        save_figure(made, path)
        say(f"figure: {path}")
