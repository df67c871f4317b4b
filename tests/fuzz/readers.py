"""Damaged inputs for every reader of files, and what must come of them: a result or one line.

``python -m tests.fuzz.readers READER COUNT`` tries inputs 0 … COUNT − 1 and prints one line of
JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import pickle
import random as plain_random
import resource
import sqlite3
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qaconv_core.errors import QAConvError
from tests.fuzz.mutating import ODD_VALUES, damaged_bytes, damaged_json, damaged_value

Random = np.random.Generator
MARKER = "executed"


def _picture(folder: Path, random: Random) -> None:
    from PIL import Image

    from qaconv_core.data.images import read_image

    kinds = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM", "TIFF", "TIFF-lzw", "TIFF-jpeg", "PNG-16")
    kind, _, more = kinds[int(random.integers(len(kinds)))].partition("-")
    pixels = random.integers(0, 256, (24, 12, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    if more == "16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    stream = io.BytesIO()
    image.save(stream, kind, **({"compression": f"tiff_{more}" if more == "lzw" else more}
                                if kind == "TIFF" and more else {}))  # fmt: skip
    path = folder / "picture"
    path.write_bytes(damaged_bytes(stream.getvalue(), random))
    read_image(path)


def _table(folder: Path, random: Random) -> None:
    from qaconv_core.data import open_folder

    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).write_bytes(b"x")
    rows = "path,pid,camid,time,split\na.jpg,7,1,1.5,query\nb.jpg,7,2,2024-05-01 12:00,gallery\n"
    if random.random() < 0.5:
        rows = "filename;person;cam\na.jpg;07;gate 1\nb.jpg;7;gate 2\nc.jpg;x;\na.jpg;8;\n"
    data = damaged_bytes(rows.encode(random.choice(["utf-8", "utf-16", "utf-8-sig"])), random)
    (folder / "table.csv").write_bytes(data)
    open_folder(folder if random.random() < 0.5 else folder / "table.csv")


def _names(folder: Path, random: Random) -> None:
    from qaconv_core.data import check_dataset, open_folder, recognise

    places = ("", "query/", "gallery/", "cam_a/", "7/", "\x1b[2J/", "bounding_box_test/")
    stems = ("0002_c1s1_000451_03", "²_c1_1", "=1+1", "caf\udce9", "-1_c1_8", "9" * 60, "\n")
    for _ in range(int(random.integers(1, 8))):
        name = f"{random.choice(places)}{random.choice(stems)}{random.integers(9)}.jpg"
        path = os.fsencode(folder) + b"/" + os.fsencode(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(b"x")
    recognise(folder)
    check_dataset(open_folder(folder), decode=False).lines()


def _scores(folder: Path, random: Random) -> None:
    from scipy.io import savemat

    from qaconv_core.evaluation.saved_scores import load_scores

    arrays: dict[str, Any] = {
        "distmat": random.random((4, 6)),
        "q_pids": np.arange(4), "g_pids": np.arange(6), "q_camids": np.zeros(4, int),
        "gallery_paths": np.array(["a"] * 6),
    }  # fmt: skip
    for name in list(arrays):
        if random.random() < 0.1:
            odd = (np.zeros((3, 3)), np.array("x"), np.full(6, np.nan), np.array([], dtype=object))
            arrays[name] = odd[int(random.integers(len(odd)))]
    stream = io.BytesIO()
    suffix = random.choice([".npz", ".mat"])
    if suffix == ".npz":
        (np.savez if random.random() < 0.5 else np.savez_compressed)(stream, **arrays)
    else:
        savemat(stream, arrays, do_compression=bool(random.random() < 0.5))
    data = stream.getvalue()
    path = folder / f"scores{suffix}"
    path.write_bytes(damaged_bytes(data, random) if random.random() < 0.8 else data)
    load_scores(path)


class _Running:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


def _checkpoint(folder: Path, random: Random) -> None:
    import torch

    from qaconv_core.models.checkpoints import load_checkpoint
    from qaconv_core.training.checkpoint import read_saved

    # Cut after layer2 and thin: the readers look at names and shapes before anything is large.
    model: dict[str, Any] = {
        "base.conv1.weight": torch.zeros(64, 3, 7, 7), "base.bn1.weight": torch.ones(64),
        "base.bn1.running_var": torch.ones(64), "base.layer1.0.conv1.weight": torch.zeros(1),
        "base.layer1.1.conv1.weight": torch.zeros(1), "base.layer2.0.conv1.weight": torch.zeros(1),
        "base.layer2.1.conv1.weight": torch.zeros(1), "neck_conv.weight": torch.zeros(8, 128, 3, 3),
    }  # fmt: skip
    head = {"fc.weight": torch.zeros(1, 768), "fc.bias": torch.zeros(1)}
    for norm in ("bn", "logit_bn"):
        parts = ("weight", "bias", "running_mean", "running_var")
        head |= {f"{norm}.{part}": torch.ones(1) for part in parts}
    resume = {"seed": 1, "fingerprint": "", "history": [], "scaler": {}, "unfinished": {}}
    content: dict[str, Any] = {"model": model, "criterion": head, "epoch": 3, "recipe": {},
                               "resume": resume, "input_size": [384, 128]}  # fmt: skip
    odd = (
        torch.zeros(1).expand(30_000, 30_000), torch.zeros(3).to_sparse(),
        torch.empty(5, device="meta"), torch.full((64,), float("nan")), torch.full((1,), -1.0),
        torch.zeros(2, dtype=torch.complex64), torch.quantize_per_tensor(torch.ones(3), 0.1, 0,
                                                                       torch.quint8),
        _Running(folder / MARKER), np.array([0.5]), *ODD_VALUES,
    )  # fmt: skip
    for part in (content, model, head, resume):
        for name in list(part):
            if random.random() < 0.05:
                part[name] = odd[int(random.integers(len(odd)))]
    model[f"base.layer1.{random.choice(['²', '99999999', '', '-1', 'x'])}.conv1.weight"] = (
        torch.zeros(1)
    )
    stream = io.BytesIO()
    if random.random() < 0.1:
        pickle.dump(_Running(folder / MARKER), stream)
    else:
        torch.save(content, stream, _use_new_zipfile_serialization=bool(random.random() < 0.6))
    data = stream.getvalue()
    path = folder / "checkpoint.pth.tar"
    path.write_bytes(damaged_bytes(data, random) if random.random() < 0.6 else data)
    (load_checkpoint if random.random() < 0.7 else read_saved)(path)


def _window(folder: Path, random: Random) -> None:
    from app.state.restoring import reopenable
    from app.state.session import Session, load_session, save_session
    from app.state.settings import Settings, SettingsFile

    for name, record in (("session.json", Session()), ("settings.json", Settings())):
        whole = {"version": 1, **record.to_record(), "splitters": {"a": [1, 2]}}
        (folder / name).write_bytes(damaged_json(whole, random))
    session = load_session(folder)
    reopenable(session)
    save_session(folder, session)
    SettingsFile(folder)


def _decisions(folder: Path, random: Random) -> None:
    from qaconv_core.store.decisions import DecisionLog, decisions_csv

    book = DecisionLog("set", folder, folder / "book.json")
    book.decide("a", "b", "confirm", logit=1.0, rank=1)
    book.decide("a", "c", "reject")
    record = json.loads(book.path.read_text())
    book.path.write_bytes(damaged_json(record, random))
    decisions_csv(book.all())
    book.decide("a", "d", "unsure")
    book.undo()


def _runs(folder: Path, random: Random) -> None:
    from qaconv_core.evaluation.reports import comparison_table, runs_table
    from qaconv_core.evaluation.stored_runs import report_of_run, short_document
    from qaconv_core.store.runs import RunHistory

    history = RunHistory(folder / "runs.sqlite", timeout=0.1)
    result = {"method": "qaconv", "rank1": 0.5, "mAP": 0.4, "cmc": [0.5], "ap": [0.1]}
    report = {"dataset": "d", "counts": {"query": 1}, "results": [result], "seconds": 1.0,
              "protocol": {"ap": "step"}, "rejected": [{"path": "a", "reason": "b"}]}  # fmt: skip
    history.add(report)
    if random.random() < 0.5:
        history.path.write_bytes(damaged_bytes(history.path.read_bytes(), random))
    else:
        text = damaged_json(report, random).decode("utf-8", "replace")
        with contextlib.closing(sqlite3.connect(history.path)) as file, file:
            file.execute("UPDATE runs SET report = ?", (text,))
    with contextlib.suppress(QAConvError):
        history.add({"dataset": "e"})
    records = history.list()
    runs_table(records)
    for record in records:
        report_of_run(record.report)
        short_document(record.report)
    comparison_table(history.compare([record.id for record in records]))


def _recipe(folder: Path, random: Random) -> None:
    from qaconv_core.training.recipes import RECIPES, recipe_from_dict

    whole = next(iter(RECIPES.values())).to_dict()
    recipe_from_dict(damaged_value(whole, random))


def _assets(folder: Path, random: Random) -> None:
    from qaconv_core.people.formats import read_obj
    from qaconv_core.people.rig import _json

    mesh = "v 0 0 0\nv 1 0 0\nv 0 1 0\ng body\nf 1/1 2/2 3/3\n"
    (folder / "a.obj").write_bytes(damaged_bytes(mesh.encode(), random))
    (folder / "a.json").write_bytes(damaged_json({"bones": {}, "joints": {}}, random))
    with contextlib.suppress(QAConvError):
        read_obj(folder / "a.obj")
    _json(folder / "a.json")


def _description(folder: Path, random: Random) -> None:
    from qaconv_core.data.description import FILE_NAME, read_description
    from qaconv_core.data.folder import open_folder

    for name in ("cam_a/0007_1.jpg", "cam_b/0007_2.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "more.csv").write_bytes(
        damaged_bytes(b"picture,who,gate\ncam_a/0007_1.jpg,7,north\n", random)
    )
    whole: dict[str, Any] = {
        "format": 1, "name": "mine",
        "source": [
            {"path": "cam_a", "pattern": ["{pid}_{frame}"], "folders": ["cameras"],
             "time": "frames", "rate": 25.0},
            {"path": "more.csv", "columns": {"path": "picture", "pid": "who", "camid": "gate"}},
        ],
    }  # fmt: skip
    text = _toml(damaged_value(whole, random) if random.random() < 0.6 else whole).encode(
        "utf-8", "surrogatepass"
    )
    file = folder / FILE_NAME
    file.write_bytes(damaged_bytes(text, random) if random.random() < 0.6 else text)
    read_description(file)
    open_folder(folder)


def _toml(values: dict[str, Any]) -> str:
    """A record as TOML, as far as TOML can say it: JSON of a line is TOML but for its colons."""
    lines, tables = [], []
    for key, value in values.items():
        if key == "source" and isinstance(value, list):
            for table in value:
                pairs = table.items() if isinstance(table, dict) else [("path", table)]
                tables += ["[[source]]", *(f"{name} = {_toml_value(item)}" for name, item in pairs)]
        else:
            lines.append(f"{key} = {_toml_value(value)}")
    return "\n".join([*lines, *tables, ""])


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(k)} = {_toml_value(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def _boxes(folder: Path, random: Random) -> None:
    from qaconv_core.detection.foreign import read_boxes
    from qaconv_core.detection.sources import Source

    texts = (
        b"file,frame,x,y,w,h,score,track\na.png,0,1,2,30,60,0.9,4\nb.png,0,5,5,9,20,,\n",
        b"image;x1;y1;x2;y2;confidence\na.png;20;40;50;130;0.9\n",
        b"1,3,794.2,47.5,71.2,174.8,1,-1,-1,-1\n2,3,794.2,47.5,71.2,174.8,1,-1,-1,-1\n",
        b'<annotations><image name="a.png"><box label="person" xtl="1" ytl="2" xbr="30" ybr="60"/>'
        b'</image><track id="3"><box frame="1" outside="0" xtl="1" ytl="1" xbr="9" ybr="9"/>'
        b"</track></annotations>",
    )
    note = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 60], "score": 0.5, "track_id": 3}
    coco = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [note, dict(note)],
            "categories": [{"id": 1, "name": "person"}]}  # fmt: skip
    which = int(random.integers(len(texts) + 2))
    data = damaged_bytes(texts[which], random) if which < len(texts) else damaged_json(coco, random)
    (folder / "boxes").write_bytes(data)
    given = read_boxes(folder / "boxes")
    sources = [Source(folder / name, name, video=False) for name in ("a.png", "1.png")]
    given.match(sources)
    given.on("a.png", 0, 640, 480)


def _journal(folder: Path, random: Random) -> None:
    from qaconv_core.detection.boxes import PersonBox
    from qaconv_core.detection.journal import FoundFrame, Journal
    from qaconv_core.detection.sources import Source

    (folder / "a.png").write_bytes(b"x")
    source = Source(folder / "a.png", "a.png", video=False)
    journal = Journal(folder, {"score": 0.4})
    journal.begin(source)
    journal.add(source, FoundFrame(0, None, (PersonBox(1.0, 2.0, 3.0, 4.0, 0.5),)))
    journal.end(source)
    journal.close()
    lines = journal.path.read_bytes().splitlines()
    at = int(random.integers(len(lines)))
    lines[at] = damaged_json(json.loads(lines[at]), random)
    journal.path.write_bytes(b"\n".join(lines) + (b"\n" if random.random() < 0.8 else b""))
    again = Journal(folder, {"score": 0.4})
    try:
        list(again.frames(source))
        again.note(source)
    finally:
        again.close()


def _plain_values(folder: Path, random: Random) -> None:
    from qaconv_core.store.plain_values import from_plain, to_plain
    from qaconv_core.store.records import DamagedRecord, parse_json
    from tests.core.store.test_plain_values import MADE, Whole

    data = damaged_json(to_plain(MADE), random)
    with contextlib.suppress(DamagedRecord, UnicodeDecodeError):
        from_plain(Whole, parse_json(data.decode()))


def _index(folder: Path, random: Random) -> None:
    from qaconv_core.store.keys import FileKey
    from qaconv_core.store.shelf import FeatureShelf

    shape = (2, 2, 2)
    keys = [FileKey("a", 1, 2), FileKey("b", 3, 4)]
    with FeatureShelf(folder / "shelf", shape) as shelf:
        shelf.append(keys, np.ones((2, *shape), np.float16))
    for path in sorted((folder / "shelf").iterdir()):
        if random.random() < 0.6:
            path.write_bytes(damaged_bytes(path.read_bytes(), random))
    with FeatureShelf(folder / "shelf", shape) as shelf:
        rows = shelf.lookup(keys)
        shelf.append(keys[:1], np.ones((1, *shape), np.float16))
        shelf.bank(rows[rows >= 0])


READERS: dict[str, Callable[[Path, Random], None]] = {
    "picture": _picture, "table": _table, "names": _names, "scores": _scores,
    "checkpoint": _checkpoint, "window": _window, "decisions": _decisions, "runs": _runs,
    "recipe": _recipe, "assets": _assets, "description": _description, "boxes": _boxes,
    "journal": _journal, "plain values": _plain_values, "index": _index,
}  # fmt: skip


def attempt(reader: str, number: int) -> str:
    """Try one input; "" where a result or one line came of it, else what was wrong."""
    random = np.random.default_rng((number, sum(reader.encode())))
    plain_random.seed(number)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            READERS[reader](folder, random)
        except QAConvError as error:
            if len(str(error).splitlines()) > 1:
                return f"{number}: more than one line: {error!r}"
        except Exception:
            return f"{number}: {traceback.format_exc()}"
        if (folder / MARKER).exists():
            return f"{number}: code of the file was executed"
    return ""


def main() -> None:
    """Try many; one line of JSON with the faults and the peak of memory in MiB."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # torch on making quantised tensors
    reader, count = sys.argv[1], int(sys.argv[2])
    faults = [fault for fault in (attempt(reader, number) for number in range(count)) if fault]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"reader": reader, "inputs": count, "faults": faults[:20],
                      "count": len(faults), "peak": round(peak)}))  # fmt: skip


if __name__ == "__main__":
    main()
