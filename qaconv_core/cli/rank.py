"""``qaconv rank``: the gallery in order of likeness to one or several query pictures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qaconv_core.cli.evaluate import check_outputs
from qaconv_core.cli.galleries import gallery_features, known_picture, open_gallery
from qaconv_core.cli.options import (
    add_data_options,
    add_model_options,
    add_work_options,
    load_chosen_model,
    positive,
    show,
    write_result,
)
from qaconv_core.cli.rank_report import check_report, write_match_reports
from qaconv_core.cli.regions import (
    add_places,
    add_region_options,
    describe_part,
    found_mask,
    region_mask,
)
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import InputError
from qaconv_core.evaluation.ranked_lists import (
    SCORE_WORDS,
    TRUTH_WORDS,
    ranked_item,
    ranking_csv,
)
from qaconv_core.progress import CancelToken
from qaconv_core.types import ImageRef, ImageSet, Int64, RankingResult, score_of_logit

if TYPE_CHECKING:
    from qaconv_core.matching.prepared import PreparedGallery
    from qaconv_core.model import Model
    from qaconv_core.types import Bool, FeatureBank, Float32

PREPARED_FROM = 2000
"""Below this number of gallery pictures, exact scores of all are there in a moment."""

_SIGNS = {"true": "✓", "false": "✕", "junk": "–", "unknown": " "}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv rank``."""
    parser.add_argument("--query", nargs="+", required=True, metavar="IMG", help="query pictures")
    parser.add_argument(
        "--gallery", required=True, metavar="DIR|DATASET", help="a folder, a CSV or a data set"
    )
    parser.add_argument("--top", type=positive, default=20, metavar="K", help="results to show")
    parser.add_argument(
        "--joint",
        choices=("max", "mean"),
        help="one ranking by all query pictures together: by the best or the mean of their logits",
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
    parser.add_argument("--json", metavar="FILE", help="the rankings as JSON")
    parser.add_argument("--csv", metavar="FILE", help="the rankings as CSV")
    parser.add_argument("--figure", metavar="FILE", help="a ranked strip (.png, .pdf, .svg)")
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="the results with lines, maps, scores and decisions as one .html file to hand over",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Rank the gallery for each query picture."""
    check_outputs(arguments)
    check_report(arguments.report)
    from qaconv_core.data.images import read_image

    dataset, gallery = open_gallery(arguments.gallery, arguments)
    queries = [known_picture(path, dataset) for path in arguments.query]
    pictures = [read_image(ref.path) for ref in queries]
    model = load_chosen_model(arguments)
    query_maps = model.extract(pictures)
    say(f"gallery: {len(gallery):,} pictures ({dataset.layout})")
    gallery, bank = gallery_features(model, dataset, gallery, arguments, cancel)
    rankings = _rankings(arguments, model, queries, query_maps, gallery, bank, cancel)
    _write(arguments, model, len(gallery), rankings)
    if arguments.report:
        write_match_reports(arguments, model, dataset, query_maps, bank, rankings, cancel)


def _rankings(
    arguments: argparse.Namespace,
    model: Model,
    queries: list[ImageRef],
    query_maps: Float32,
    gallery: ImageSet,
    bank: FeatureBank,
    cancel: CancelToken,
) -> list[dict[str, Any]]:
    """One ranking for each query picture, or one for all; by parts of them where asked for."""
    mask = region_mask(arguments.part, arguments.ignore, model.spec.grid)
    if arguments.shortlist is not None and (mask is not None or arguments.joint):
        raise InputError("--shortlist ranks by whole single pictures: leave out --joint and parts")
    if mask is not None:
        return _part_rankings(arguments, model, queries, query_maps, gallery, bank, mask, cancel)
    top, junk_rule = arguments.top, not arguments.no_junk
    if arguments.joint:
        logits = model.score(query_maps, bank)
        joint = logits.max(axis=0) if arguments.joint == "max" else logits.mean(axis=0)
        return [rank_together(queries, joint, gallery, top, junk_rule)]
    if arguments.shortlist is not None and arguments.shortlist < len(bank):
        return _listed_rankings(arguments, model, queries, query_maps, gallery, bank, cancel)
    prepared = _prepared(arguments, model, bank, cancel)
    rankings = []
    for ref, query_map in zip(queries, query_maps, strict=True):
        wanted = top + len(own_places([ref], gallery))
        logits = head_logits(model, query_map, bank, wanted, prepared, cancel)
        rankings.append(rank_one(ref, logits, gallery, top, junk_rule))
    return rankings


def _listed_rankings(
    arguments: argparse.Namespace,
    model: Model,
    queries: list[ImageRef],
    query_maps: Float32,
    gallery: ImageSet,
    bank: FeatureBank,
    cancel: CancelToken,
) -> list[dict[str, Any]]:
    """The same through a shortlist by pooled maps, which every ranking says."""
    from qaconv_core.matching.shortlist import pool_gallery, search_large

    with ProgressShower(arguments.quiet) as progress:
        pooled = pool_gallery(bank, progress=progress, cancel=cancel)
    rankings = []
    for ref, query_map in zip(queries, query_maps, strict=True):
        wanted = arguments.top + len(own_places([ref], gallery))
        length = max(arguments.shortlist, wanted)
        found = search_large(
            query_map, bank, model.head, wanted, pooled=pooled, shortlist=length, cancel=cancel
        )
        logits, junk_rule = found.ranking.estimates, not arguments.no_junk
        ranking = rank_one(ref, logits, gallery, arguments.top, junk_rule)
        rankings.append({**ranking, "approximation": found.approximation})
    return rankings


def _part_rankings(
    arguments: argparse.Namespace,
    model: Model,
    queries: list[ImageRef],
    query_maps: Float32,
    gallery: ImageSet,
    bank: FeatureBank,
    mask: Bool,
    cancel: CancelToken,
) -> list[dict[str, Any]]:
    """The same by the cells of ``mask`` alone."""
    from qaconv_core.explaining.part import part_scores

    found = part_scores(
        query_maps,
        bank,
        model.head,
        [mask] * len(queries),
        combine=arguments.joint or "max",
        cancel=cancel,
    )
    groups = [(-1, queries, found.logits)]
    if not arguments.joint:
        groups = [(i, [query], found.by_query[i]) for i, query in enumerate(queries)]
    rankings = []
    for number, members, logits in groups:
        ranking = rank_together(members, logits, gallery, arguments.top, not arguments.no_junk)
        ranking["part"] = describe_part(found, number, arguments)
        add_places(ranking, model, query_maps, bank, found, number)
        rankings.append(ranking)
    return rankings


def _prepared(
    arguments: argparse.Namespace, model: Model, bank: FeatureBank, cancel: CancelToken
) -> PreparedGallery | None:
    """The gallery prepared for searching, where that pays; what is prepared stays on disk."""
    kept = isinstance(bank.maps, np.memmap)
    if not kept or len(bank) < PREPARED_FROM or arguments.exact:
        return None
    with ProgressShower(arguments.quiet) as progress:
        return model.prepare(bank, progress=progress, cancel=cancel)


def own_places(queries: list[ImageRef], gallery: ImageSet) -> Int64:
    """Where the queries' own files stand in the gallery."""
    from qaconv_core.evaluation.evaluator import same_files

    own = same_files(ImageSet(tuple(queries)), gallery)
    return np.empty(0, dtype=np.int64) if own is None else own[1]


def head_logits(
    model: Model,
    query_map: Float32,
    bank: FeatureBank,
    top: int,
    prepared: PreparedGallery | None,
    cancel: CancelToken,
) -> Float32:
    """Logits (g,) that are exact for the ``top`` best; −∞ for what was not scored exactly."""
    found = model.rank_top(query_map, bank, top, prepared=prepared, cancel=cancel)
    return np.where(found.bounds == 0, found.estimates, np.float32(-np.inf))


def rank_one(
    query: ImageRef, logits: Float32, gallery: ImageSet, top: int, junk_rule: bool
) -> dict[str, Any]:
    """One query's ranking as plain values; the query's own file is left out of it."""
    return rank_together([query], logits, gallery, top, junk_rule)


def rank_together(
    queries: list[ImageRef], logits: Float32, gallery: ImageSet, top: int, junk_rule: bool
) -> dict[str, Any]:
    """The ranking of one query or of several together; their own files are left out of it."""
    from qaconv_core.ranking import rank_gallery

    others = np.setdiff1d(np.arange(len(gallery)), own_places(queries, gallery))
    truth = _joint_truth(queries, gallery, junk_rule)
    ranking = rank_gallery(logits[others], truth[others], top=top)
    results = []
    for rank, (index, logit, label) in enumerate(
        zip(ranking.order, ranking.values, ranking.truth, strict=True), start=1
    ):
        place = int(others[index])
        value = float(logit)
        results.append(
            ranked_item(rank, place, gallery[place], value, score_of_logit(value), int(label))
        )
    pids, camids = {q.pid for q in queries}, {q.camid for q in queries}
    return {
        "query": " + ".join(str(query.path) for query in queries),
        "query_paths": [str(query.path) for query in queries],
        "pid": pids.pop() if len(pids) == 1 else None,
        "camid": camids.pop() if len(camids) == 1 else None,
        "gallery": len(others),
        "results": results,
    }


def _joint_truth(
    queries: list[ImageRef], gallery: ImageSet, junk_rule: bool
) -> npt.NDArray[np.int8]:
    """Labels (g,): junk for one of the queries is junk; unknown where they are different people."""
    from qaconv_core.ranking import truth_labels

    labels = np.stack(
        [
            truth_labels(query.pid, query.camid, gallery.pids, gallery.camids, junk_rule)
            for query in queries
        ]
    )
    if len({query.pid for query in queries}) > 1:
        return np.full(labels.shape[1], RankingResult.NOT_KNOWN, dtype=np.int8)
    junk = (labels == RankingResult.JUNK).any(axis=0)
    return np.where(junk, np.int8(RankingResult.JUNK), labels[0])


def _write(
    arguments: argparse.Namespace, model: Model, size: int, rankings: list[dict[str, Any]]
) -> None:
    if "-" not in (arguments.json, arguments.csv):
        for ranking in rankings:
            show(ranking_table(ranking))
    if arguments.json:
        record = {
            "gallery": size,
            "checkpoint": {"model": model.spec.describe(), "sha256": model.spec.sha256},
            "score": SCORE_WORDS,
            "camid": "0-based",
            "queries": rankings,
        }
        write_result(
            arguments.json, json.dumps(record, indent=2, ensure_ascii=False) + "\n", "JSON"
        )
    if arguments.csv:
        write_result(arguments.csv, ranking_csv(rankings), "CSV")
    if arguments.figure:
        _write_figures(arguments.figure, rankings)


def ranking_table(ranking: dict[str, Any]) -> str:
    """A ranking for the terminal; cameras as people count them, from 1."""
    part = ranking.get("part")
    lines = [f"{ranking['query']}  against {ranking['gallery']:,} pictures"]
    if ranking.get("approximation"):
        lines.append(ranking["approximation"])
    if part:
        lines.append(
            f"by {part['cells']} of {part['of']} cells of the query, which hold "
            f"{100 * part['evidence']:.0f} % of its evidence"
        )
    lines.append(f" rank      logit   score   person  camera{'  evidence' if part else ''}  file")
    for item in ranking["results"]:
        pid = "–" if item["pid"] is None else str(item["pid"])
        camera = "–" if item["camid"] is None else f"c{item['camid'] + 1}"
        lines.append(
            f"{item['rank']:>5} {_SIGNS[item['truth']]} {item['logit']:>8.3f}  {item['score']:.4f} "
            f"{pid:>8}  {camera:>6}{_share(item)}  {item['path']}"
        )
    return "\n".join(lines) + "\n"


def _share(item: dict[str, Any]) -> str:
    return f"  {100 * item['evidence']:>6.0f} %" if "evidence" in item else ""


def _write_figures(file: str, rankings: list[dict[str, Any]]) -> None:
    from qaconv_core.data.images import read_image
    from qaconv_core.figures.ranking import RankedPicture, ranking_figure
    from qaconv_core.figures.style import save_figure

    labels = {word: label for label, word in TRUTH_WORDS.items()}
    for number, ranking in enumerate(rankings, start=1):
        items = [
            RankedPicture(
                read_image(item["path"]),
                item["rank"],
                item["score"],
                item["pid"],
                item["camid"],
                labels[item["truth"]],
                found_mask(item, np.shape(ranking["part"]["mask"])) if "part" in ranking else None,
            )
            for item in ranking["results"]
        ]
        path = Path(file)
        if len(rankings) > 1:
            path = path.with_name(f"{path.stem}-{number}{path.suffix}")
        query = ranking["query_paths"][0]
        more = len(ranking["query_paths"]) - 1
        caption = Path(query).name + (f"\nand {more} more" if more else "")
        mask = np.array(ranking["part"]["mask"], dtype=np.bool_) if "part" in ranking else None
        save_figure(ranking_figure(read_image(query), caption, items, query_cells=mask), path)
        say(f"figure: {path}")
