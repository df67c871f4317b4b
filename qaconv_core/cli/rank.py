"""``qaconv rank``: the gallery in order of likeness to one or several query pictures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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
from qaconv_core.cli.regions import add_region_options, found_mask
from qaconv_core.cli.search import Search, approximation_lines
from qaconv_core.cli.terminal import say
from qaconv_core.evaluation.ranked_lists import SCORE_WORDS, TRUTH_WORDS, ranking_csv
from qaconv_core.explaining import limits
from qaconv_core.progress import CancelToken
from qaconv_core.types import score_of_logit

if TYPE_CHECKING:
    from qaconv_core.model import Model

_EXAMPLES = """\
examples:
  qaconv rank --query Q.jpg --gallery demo --figure ranked.png
  qaconv rank --query Q.jpg --gallery demo --part 0.2,0.2,0.8,0.5     this part alone
  qaconv rank --query Q.jpg --gallery demo --ignore 0,0.6,1,1         all but this part
  qaconv rank --query Q.jpg --gallery demo --top 5 --report r.pdf     to hand over
"""
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
        help="the results with lines, maps, scores and decisions as one .html or .pdf file to "
        "hand over",
    )
    parser.epilog = "\n".join([_EXAMPLES, "what a search by part does not say:", *limits.PART])
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
    search = Search(arguments, model, queries, query_maps, gallery, bank, cancel)
    rankings = search.rankings()
    _write(arguments, model, len(gallery), rankings)
    if arguments.report:
        write_match_reports(arguments, model, dataset, query_maps, bank, rankings, cancel)


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
    lines += approximation_lines(ranking)
    if part:
        lines.append(
            f"by {part['cells']} of {part['of']} cells of the query, which hold "
            f"{100 * part['evidence']:.0f} % of its evidence"
        )
    # A part's logit lies far below a pair's, so its score would be 0 for all.
    what = "whole" if part else "score"
    lines.append(f" rank      logit   {what}   person  camera{'  evidence' if part else ''}  file")
    for item in ranking["results"]:
        pid = "–" if item["pid"] is None else str(item["pid"])
        camera = "–" if item["camid"] is None else f"c{item['camid'] + 1}"
        rank = item["rank"] or ""  # junk has none
        score = score_of_logit(item["full_logit"]) if "full_logit" in item else item["score"]
        lines.append(
            f"{rank:>5} {_SIGNS[item['truth']]} {item['logit']:>8.3f}  {score:.4f} "
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
        note = "; ".join(approximation_lines(ranking))
        made = ranking_figure(read_image(query), caption, items, query_cells=mask, note=note)
        save_figure(made, path)
        say(f"figure: {path}")
