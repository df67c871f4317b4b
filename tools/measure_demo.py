"""Measures the bundled model on the bundled demo: rankings, baselines, and whether maps make sense.

Prints the tables of resources/README.md as Markdown. Usage:

    python tools/measure_demo.py [--checkpoint FILE] [--dataset DIR] [--pairs 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from qaconv_core import load_model, open_dataset  # noqa: E402
from qaconv_core.data.images import read_image  # noqa: E402
from qaconv_core.data.label_maps import PERSON, label_path, read_label_map  # noqa: E402
from qaconv_core.evaluation import ranking_metrics  # noqa: E402
from qaconv_core.evaluation.check_pairs import ExplanationCheckData  # noqa: E402
from qaconv_core.evaluation.evaluator import Job, evaluate  # noqa: E402
from qaconv_core.evaluation.explanation_checks import GALLERY_LIMIT  # noqa: E402
from qaconv_core.evaluation.explanations import (  # noqa: E402
    ExplanationQuality,
    PartNames,
    explanation_qualities,
)
from qaconv_core.evaluation.methods import MethodOptions  # noqa: E402
from qaconv_core.evaluation.pairs import choose_pairs  # noqa: E402
from qaconv_core.model import Model  # noqa: E402
from qaconv_core.models.checkpoints import Checkpoint  # noqa: E402
from qaconv_core.models.qaconv import QAConv  # noqa: E402
from qaconv_core.types import Dataset, ImageSet  # noqa: E402


def strip_histogram(path: Path) -> np.ndarray:
    """Colour histogram (HSV 8×4×4) of six horizontal strips of the middle half; unit sum."""
    pixels = cv2.cvtColor(np.asarray(read_image(path)), cv2.COLOR_RGB2HSV)
    pixels = pixels[:, pixels.shape[1] // 4 : -(pixels.shape[1] // 4)]
    parts = [
        cv2.calcHist([np.ascontiguousarray(strip)], [0, 1, 2], None, [8, 4, 4],
                     [0, 180, 0, 256, 0, 256]).ravel()
        for strip in np.array_split(pixels, 6)
    ]  # fmt: skip
    histogram = np.concatenate(parts)
    return histogram / histogram.sum()


def histogram_distances(query: ImageSet, gallery: ImageSet) -> np.ndarray:
    """1 − histogram intersection, (p, g)."""
    q, g = (np.stack([strip_histogram(p) for p in side.paths]) for side in (query, gallery))
    return np.stack([1 - np.minimum(row, g).sum(axis=1) for row in q])


def untrained(model: Model) -> Model:
    """A network of the model's shape with random weights and a head that counts all cells alike."""
    torch.manual_seed(0)
    spec = model.spec
    from qaconv_core.models.backbone import FeatureNetwork

    network = FeatureNetwork(spec.arch, spec.ibn, spec.layer, spec.neck, spec.neck_bn)
    matcher = QAConv(spec.grid, spec.head)
    torch.nn.init.ones_(matcher.fc.weight)
    return Model(Checkpoint(spec, network.eval(), matcher.eval()), torch.device("cpu"))


def rank_rows(dataset: Dataset, models: dict[str, Model]) -> list[dict[str, object]]:
    """Rank-1, mAP and mINP of the histogram and of every model; RR, TLift and both for the last."""
    query, gallery = dataset.query, dataset.gallery
    found = ranking_metrics(
        histogram_distances(query, gallery), query.pids, gallery.pids, query.camids, gallery.camids
    )
    rows: list[dict[str, object]] = [
        {"what": "colour histogram", "rank1": found.rank(1), "mAP": found.mAP, "mINP": found.mINP}
    ]
    for name, model in models.items():
        full = name == list(models)[-1]
        results = evaluate(model, dataset, MethodOptions(rerank=full, tlift=full)).report.results
        if full:
            # The model keeps the feature maps of the first time, so that this costs little.
            alone = evaluate(model, dataset, MethodOptions(tlift=True)).report.results[-1]
            results = (*results[:-1], alone, results[-1])
        rows += [
            {"what": f"{name}: {r.method}", "rank1": r.rank(1), "mAP": r.mAP, "mINP": r.mINP}
            for r in results
        ]
    return rows


def explanation_rows(
    dataset: Dataset, models: dict[str, Model], count: int
) -> list[tuple[str, ExplanationQuality]]:
    """Quality of the strong correspondences: by kind of pair and by how the strong are chosen."""
    labelled = label_path(dataset.query[0].path).is_file()
    labels = {"labels": read_label_map, "parts": PartNames(PERSON)} if labelled else {}
    rows = []
    for name, model in models.items():
        bench = ExplanationCheckData(model, dataset, GALLERY_LIMIT, Job())
        for same in (True, False):
            pairs = choose_pairs(dataset, count, same)
            qualities = explanation_qualities(
                model,
                [(dataset.query[q], dataset.gallery[g]) for q, g in pairs],
                (None, lambda i, pairs=pairs, bench=bench: bench.average(pairs[i][0]).query_mean),
                read=lambda ref: read_image(ref.path),
                **labels,
            )
            kind = f"{name}, {'true pairs' if same else 'different people'}"
            rows += [(kind, qualities[0]), (f"{kind}, above average", qualities[1])]
    return rows


def number(value: float | None) -> str:
    """A share with three decimals; – where it was not measured."""
    return "–" if value is None else f"{value:.3f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="demo")
    parser.add_argument("--dataset", help="a folder in Market-1501's layout (default: the demo)")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    dataset = (
        open_dataset("market", arguments.dataset) if arguments.dataset else open_dataset("demo")
    )
    model = load_model(arguments.checkpoint, device="cpu")
    models = {"untrained": untrained(model), "trained": model}
    ranks = rank_rows(dataset, models)
    print("| | Rank-1 | mAP | mINP |\n|---|---|---|---|")
    for row in ranks:
        print(f"| {row['what']} | {row['rank1']:.3f} | {row['mAP']:.3f} | {row['mINP']:.3f} |")
    quality = explanation_rows(dataset, models, arguments.pairs)
    print("\n| | part agreement | background | off the person | border | shift 1 | 2 | 3 |")
    print("|---|---|---|---|---|---|---|---|")
    for name, q in quality:
        shares = (q.part_agreement, q.background, q.off_person, q.border)
        moves = [q.shift_following.get(k) for k in (1, 2, 3)]
        print(f"| {name} | " + " | ".join(number(v) for v in (*shares, *moves)) + " |")
    if arguments.json:
        record = {"ranks": ranks, "explanations": {n: q.to_dict() for n, q in quality}}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
