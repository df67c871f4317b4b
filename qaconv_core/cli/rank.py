"""``qaconv rank``: the gallery in order of likeness to one or several query pictures."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qaconv_core.cli.evaluate import check_outputs, say_rejected
from qaconv_core.cli.options import (
    add_data_options,
    add_model_options,
    add_work_options,
    feature_shelf,
    load_chosen_model,
    positive,
    show,
    write_result,
)
from qaconv_core.cli.terminal import ProgressShower, say
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken
from qaconv_core.types import Dataset, ImageRef, ImageSet, Int64, RankingResult, score_of_logit

if TYPE_CHECKING:
    from qaconv_core.matching.prepared import PreparedGallery
    from qaconv_core.model import Model
    from qaconv_core.types import FeatureBank, Float32

TRUTH_WORDS = {
    RankingResult.TRUE: "true",
    RankingResult.FALSE: "false",
    RankingResult.JUNK: "junk",
    RankingResult.NOT_KNOWN: "unknown",
}
PREPARED_FROM = 2000
"""Below this number of gallery pictures, exact scores of all are there in a moment."""

_SIGNS = {"true": "✓", "false": "✕", "junk": "–", "unknown": " "}
_COLUMNS = ("query", "rank", "path", "logit", "score", "pid", "camid", "time", "truth")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv rank``."""
    parser.add_argument("--query", nargs="+", required=True, metavar="IMG", help="query pictures")
    parser.add_argument(
        "--gallery", required=True, metavar="DIR|DATASET", help="a folder, a CSV or a data set"
    )
    parser.add_argument("--top", type=positive, default=20, metavar="K", help="results to show")
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
        "(an approximation)",
    )
    parser.add_argument("--json", metavar="FILE", help="the rankings as JSON")
    parser.add_argument("--csv", metavar="FILE", help="the rankings as CSV")
    parser.add_argument("--figure", metavar="FILE", help="a ranked strip (.png, .pdf, .svg)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Rank the gallery for each query picture."""
    check_outputs(arguments)
    from qaconv_core.data.images import read_image
    from qaconv_core.data.market_like import without_junk_boxes
    from qaconv_core.matching.shortlist import pool_gallery, search_large

    dataset, gallery = open_gallery(arguments)
    queries = [_known(path, dataset) for path in arguments.query]
    pictures = [read_image(ref.path) for ref in queries]
    model = load_chosen_model(arguments)
    query_maps = model.extract(pictures)
    say(f"gallery: {len(gallery):,} pictures ({dataset.layout})")
    with feature_shelf(model, arguments) as shelf, ProgressShower(arguments.quiet) as progress:
        found = model.extract_set(
            gallery,
            shelf=shelf,
            batch_size=arguments.batch_size,
            workers=arguments.workers,
            progress=progress,
            cancel=cancel,
            stage="gallery features",
        )
        say_rejected((*without_junk_boxes(dataset.rejected), *found.rejected))
        gallery = gallery.select(found.kept)
        if not len(gallery):
            raise InputError(f"{arguments.gallery}: none of its pictures can be read")
        prepared = None
        kept = isinstance(found.bank.maps, np.memmap)  # what is prepared stays for the next search
        large = len(gallery) >= PREPARED_FROM and arguments.shortlist is None
        if kept and large and not arguments.exact:
            prepared = model.prepare(found.bank, progress=progress, cancel=cancel)
        pooled = None
        if arguments.shortlist is not None and arguments.shortlist < len(gallery):
            prepared = None  # would read the whole gallery
            pooled = pool_gallery(found.bank, progress=progress, cancel=cancel)
        rankings = []
        for ref, query_map in zip(queries, query_maps, strict=True):
            own = own_places(ref, gallery)
            top = arguments.top + len(own)
            approximation = ""
            if pooled is None:
                logits = head_logits(model, query_map, found.bank, top, prepared, cancel)
            else:
                large_search = search_large(
                    query_map,
                    found.bank,
                    model.head,
                    top,
                    pooled=pooled,
                    shortlist=max(arguments.shortlist, top),
                    cancel=cancel,
                )
                logits = large_search.ranking.estimates
                approximation = large_search.approximation
            junk_rule = not arguments.no_junk
            ranking = rank_one(ref, logits, gallery, arguments.top, junk_rule, own)
            rankings.append({**ranking, "approximation": approximation})
    _write(arguments, model, len(gallery), rankings)


def open_gallery(arguments: argparse.Namespace) -> tuple[Dataset, ImageSet]:
    """The gallery of a data set, or all pictures of a folder or table."""
    from qaconv_core.data import DATASETS, open_dataset, open_folder

    name = arguments.gallery
    if name.lower().replace("-", "_") in DATASETS and name.lower() != "folder":
        dataset = open_dataset(name, arguments.data_dir)
        return dataset, dataset.gallery
    if not Path(name).expanduser().exists():
        raise InputError(
            f"{name}: no such folder, and no data set of that name ({', '.join(DATASETS)})"
        )
    dataset = open_folder(name, split=False)
    return dataset, dataset.gallery


def _known(path: str, dataset: Dataset) -> ImageRef:
    """The query with its pid, camera and time where the data set knows the file."""
    wanted = os.path.realpath(path)
    for side in (dataset.query, dataset.gallery, dataset.train):
        for ref in side:
            if ref.path.name == Path(path).name and os.path.realpath(ref.path) == wanted:
                return ImageRef(Path(path), ref.pid, ref.camid, ref.time)
    return ImageRef(Path(path))


def own_places(query: ImageRef, gallery: ImageSet) -> Int64:
    """Where the query's own file stands in the gallery."""
    from qaconv_core.evaluation.evaluator import same_files

    own = same_files(ImageSet((query,)), gallery)
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
    query: ImageRef, logits: Float32, gallery: ImageSet, top: int, junk_rule: bool, own: Int64
) -> dict[str, Any]:
    """One query's ranking as plain values; its own file, at ``own``, is left out of it."""
    from qaconv_core.ranking import rank_gallery, truth_labels

    others = np.setdiff1d(np.arange(len(gallery)), own)
    truth = truth_labels(query.pid, query.camid, gallery.pids, gallery.camids, junk_rule)
    ranking = rank_gallery(logits[others], truth[others], top=top)
    results = []
    for rank, (index, logit, label) in enumerate(
        zip(ranking.order, ranking.values, ranking.truth, strict=True), start=1
    ):
        ref = gallery[int(others[index])]
        results.append(
            {
                "rank": rank,
                "path": str(ref.path),
                "logit": float(logit),
                "score": score_of_logit(float(logit)),
                "pid": ref.pid,
                "camid": ref.camid,
                "time": ref.time,
                "truth": TRUTH_WORDS[int(label)],
            }
        )
    return {
        "query": str(query.path),
        "pid": query.pid,
        "camid": query.camid,
        "gallery": len(others),
        "results": results,
    }


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
            "score": "sigmoid(logit / 10); larger is closer, not a probability",
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
    lines = [
        f"{ranking['query']}  against {ranking['gallery']:,} pictures",
        *filter(None, [ranking["approximation"]]),
        " rank      logit   score   person  camera  file",
    ]
    for item in ranking["results"]:
        pid = "–" if item["pid"] is None else str(item["pid"])
        camera = "–" if item["camid"] is None else f"c{item['camid'] + 1}"
        lines.append(
            f"{item['rank']:>5} {_SIGNS[item['truth']]} {item['logit']:>8.3f}  {item['score']:.4f} "
            f"{pid:>8}  {camera:>6}  {item['path']}"
        )
    return "\n".join(lines) + "\n"


def ranking_csv(rankings: list[dict[str, Any]]) -> str:
    """All rankings in one table, a row for each gallery picture."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for ranking in rankings:
        for item in ranking["results"]:
            writer.writerow({"query": ranking["query"], **item})
    return text.getvalue()


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
            )
            for item in ranking["results"]
        ]
        path = Path(file)
        if len(rankings) > 1:
            path = path.with_name(f"{path.stem}-{number}{path.suffix}")
        caption = Path(ranking["query"]).name
        save_figure(ranking_figure(read_image(ranking["query"]), caption, items), path)
        say(f"figure: {path}")
