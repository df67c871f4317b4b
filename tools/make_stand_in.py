"""Makes the stand-in demo and model under ``resources/`` and measures them.

python tools/make_stand_in.py --demo            the pictures (two minutes)
python tools/make_stand_in.py --model           the checkpoint (about ten minutes, one core)
python tools/make_stand_in.py --baseline        a colour histogram on the demo
python tools/make_stand_in.py --evaluate        the checkpoint and an untrained net on it
python tools/make_stand_in.py --sheet out.png   a contact sheet to look at
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image
from stand_in import demo, score

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
TRAIN_PEOPLE, TRAIN_VIEWS = 160, 8
CALIBRATION_PEOPLE, CALIBRATION_VIEWS = 24, 4


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def splits(root: Path) -> tuple[score.Split, score.Split]:
    """Query and gallery of the demo on disk."""
    return score.read_split(root / "query"), score.read_split(root / "bounding_box_test")


def baseline(root: Path) -> None:
    """Measure the colour histogram, over the whole width and over the middle half."""
    query, gallery = splits(root)
    say(f"{len(query.paths)} queries, {len(gallery.paths)} gallery pictures (junk left out)")
    for name, middle in (("whole width", False), ("middle half", True)):
        similarity = score.histogram_similarity(query.paths, gallery.paths, middle)
        say(f"histogram, {name}: {score.measure(similarity, query, gallery)}")


def make_model(path: Path, steps: int) -> None:
    """Train, calibrate and write the checkpoint."""
    import torch
    from stand_in import network, training

    torch.set_num_threads(1)
    began = time.monotonic()
    album = training.draw_album(TRAIN_PEOPLE, TRAIN_VIEWS, training.SEED)
    say(f"{len(album.people)} training pictures drawn in {time.monotonic() - began:.0f} s")
    net, head = training.train(album, steps, training.SEED, say)
    training.settle_norms(net, album)
    seed = training.SEED + 1
    held_out = training.draw_album(CALIBRATION_PEOPLE, CALIBRATION_VIEWS, seed)
    training.calibrate_head(net, head, held_out)
    size = network.save(path, net, head)
    say(f"{path.name}: {size:,} bytes, {time.monotonic() - began:.0f} s in all")


def evaluate(root: Path, checkpoint: Path) -> None:
    """Measure the checkpoint, and the same network untrained, on the demo."""
    import torch
    from stand_in import network, training

    torch.set_num_threads(1)
    torch.manual_seed(0)
    plain, head = network.FeatureNet(), network.Head()
    held_out = training.draw_album(CALIBRATION_PEOPLE, CALIBRATION_VIEWS, training.SEED + 1)
    training.settle_norms(plain, held_out)
    training.calibrate_head(plain, head, held_out)
    for name, pair in (("untrained", (plain, head)), ("trained", network.load(checkpoint))):
        query, gallery = splits(root)
        with torch.no_grad():
            maps = [network.extract(pair[0], side.paths) for side in (query, gallery)]
            logits = pair[1](*maps).numpy()
        same = query.pids[:, None] == gallery.pids
        cross = query.camids[:, None] != gallery.camids
        true, false = logits[same & cross], logits[~same]
        say(f"{name} network: {score.measure(logits, query, gallery)}")
        say(
            f"  logits of true pairs {true.mean():.1f} ± {true.std():.1f}, "
            f"of false pairs {false.mean():.1f} ± {false.std():.1f}"
        )


def sheet(root: Path, path: Path, columns: int = 20, people: int = 24) -> None:
    """A contact sheet: one row per person, pictures in the order of their names."""
    rows = []
    for pid in (*range(1, people + 1), 0):
        names = sorted(root.glob(f"*/{pid:04d}_*.jpg"), key=lambda p: p.name)[:columns]
        row = np.full((128, 64 * columns, 3), 255, np.uint8)
        for number, name in enumerate(names):
            with Image.open(name) as picture:
                row[:, 64 * number : 64 * number + 64] = np.asarray(picture.resize((64, 128)))
        rows.append(row)
    Image.fromarray(np.concatenate(rows)).save(path)


def main() -> None:
    """Run the jobs asked for, in the order demo, model, baseline, evaluate, sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for job in ("demo", "model", "baseline", "evaluate"):
        parser.add_argument(f"--{job}", action="store_true")
    parser.add_argument("--sheet", type=Path, metavar="PNG")
    parser.add_argument("--steps", type=int, default=280, help="training steps (default 280)")
    parser.add_argument("--out", type=Path, default=RESOURCES, help="the resources folder")
    args = parser.parse_args()
    root, checkpoint = args.out / "demo", args.out / "model" / "checkpoint.pth.tar"
    if args.demo:
        say(f"demo: {demo.write_demo(root):,} bytes")
    if args.model:
        make_model(checkpoint, args.steps)
    if args.baseline:
        baseline(root)
    if args.evaluate:
        evaluate(root, checkpoint)
    if args.sheet:
        sheet(root, args.sheet)
    if not (args.demo or args.model or args.baseline or args.evaluate or args.sheet):
        parser.error("nothing to do: give --demo, --model, --baseline, --evaluate or --sheet")


if __name__ == "__main__":
    main()
