"""Makes the reference statistics that come with a model: what pairs of strangers add, cell by cell.

``qaconv match`` without a gallery compares with them. Strangers are queries and gallery pictures of
different people, distractors left out, of labelled sets that the model was not trained on. Each set
counts alike. Usage:

    python tools/make_reference.py --out resources/model/reference.npz --words "rendered sets …"
        [--checkpoint demo] SET…
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qaconv_core import load_model
from qaconv_core.data import open_dataset, recognise
from qaconv_core.explaining.maxima import GalleryCells, query_maxima
from qaconv_core.galleries.reference import Reference, write_reference
from qaconv_core.model import Model
from qaconv_core.types import Float64


def sums_of(model: Model, root: Path) -> Float64:
    """Of one set: number of pairs, Σ logit, Σ logit², Σ contributions of either side's cells."""
    data = open_dataset(recognise(root), root)
    head, cells = model.head, model.spec.cells
    queries, gallery = (model.extract_set(refs) for refs in (data.query, data.gallery))
    people = data.gallery.select(gallery.kept).pids
    found = np.zeros(3 + 2 * cells)
    maps = GalleryCells.load(gallery.bank)
    for place, query in enumerate(queries.kept):
        strangers = (people > 0) & (people != data.query[int(query)].pid)
        maxima = query_maxima(np.asarray(queries.bank[place], dtype=np.float32), maps)
        own = maxima.query[strangers].astype(np.float64) * head.query_weights
        other = maxima.gallery[strangers].astype(np.float64) * head.gallery_weights
        logits = own.sum(axis=1) + other.sum(axis=1) + head.bias
        sums = [[len(logits), logits.sum(), (logits**2).sum()], own.sum(axis=0), other.sum(axis=0)]
        found += np.concatenate(sums)
    return found


def main() -> None:
    """Measure the sets and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--words", required=True, help="what the sets are")
    parser.add_argument("--checkpoint", default="demo")
    options = parser.parse_args()
    model = load_model(options.checkpoint, "cpu")
    sums = [sums_of(model, root) for root in options.sets]
    each = np.mean([found / found[0] for found in sums], axis=0)
    grid, cells = model.spec.grid, model.spec.cells
    made = Reference(
        model.spec.sha256,
        each[3 : 3 + cells].reshape(grid),
        each[3 + cells :].reshape(grid),
        float(each[1]),
        float(np.sqrt(each[2] - each[1] ** 2)),
        int(sum(found[0] for found in sums)),
        options.words,
    )
    write_reference(options.out, made)
    print(f"{made.pairs:,} pairs: logit {made.mean:.2f} ± {made.std:.2f}")


if __name__ == "__main__":
    main()
