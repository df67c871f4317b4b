"""Writes small data sets in every published layout, for tests.

Each builder fills ``folder`` (made if need be) and returns it. Pictures are 16×32 and coloured by
person, so that pictures of one person resemble each other. ``pictures=False`` writes one byte in
place of each picture, which is enough for anything that does not decode.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

MARKET_SPLITS = ("bounding_box_train", "query", "bounding_box_test")


def write_boxes(path: Path) -> Path:
    """Write COCO's JSON: three boxes on ``1.png``, one on ``9.png``."""
    boxes = [[10, 20, 40, 100], [100, 20, 40, 110], [200, 30, 50, 120]]
    found = [{"image_id": 5, "category_id": 1, "bbox": box} for box in boxes]
    coco = {
        "images": [{"id": 5, "file_name": "1.png"}, {"id": 6, "file_name": "9.png"}],
        "annotations": [*found, {"image_id": 6, "category_id": 1, "bbox": [1, 1, 20, 50]}],
        "categories": [{"id": 1, "name": "person"}],
    }
    path.write_text(json.dumps(coco))
    return path


def write_picture(path: Path, seed: int = 0, size: tuple[int, int] = (16, 32)) -> Path:
    """Write a picture (format by suffix) of ``size`` (width, height), coloured by ``seed``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    bands = rng.integers(30, 226, size=(4, 1, 3))
    rows = np.repeat(bands, -(-size[1] // 4), axis=0)[: size[1]]
    noise = np.random.default_rng(abs(hash_name(path.name))).integers(
        -12, 13, (size[1], size[0], 3)
    )
    pixels = np.clip(rows + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def hash_name(name: str) -> int:
    """A number that depends on a name alone (``hash`` differs from run to run)."""
    return int.from_bytes(name.encode()[-7:], "little")


def write_names(folder: Path, names: Iterable[str], pictures: bool = True) -> Path:
    """Write one picture under each name (which may hold folders); the leading number colours it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / name
        if pictures:
            digits = path.name.split("_")[0].lstrip("-")
            write_picture(path, int(digits) if digits.isdigit() else 0)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return folder


def write_splits(folder: Path, splits: Mapping[str, Sequence[str]], pictures: bool = True) -> Path:
    """Write several folders of pictures below ``folder``."""
    for split, names in splits.items():
        write_names(folder / split, names, pictures)
    return folder


def market_names(people: int = 3, cameras: int = 2) -> dict[str, list[str]]:
    """Names as in Market-1501: ``people`` test persons (pids from 1), as many for training."""
    names: dict[str, list[str]] = {split: [] for split in MARKET_SPLITS}
    for pid in range(1, people + 1):
        for camera in range(1, cameras + 1):
            frame = 1000 * pid + 25 * camera
            names["query"].append(f"{pid:04}_c{camera}s1_{frame:06}_00.jpg")
            names["bounding_box_test"].append(f"{pid:04}_c{camera}s1_{frame + 5:06}_01.jpg")
            train = f"{500 + pid:04}_c{camera}s2_{frame + 10:06}_02.jpg"
            names["bounding_box_train"].append(train)
    return names


def write_market(
    folder: Path, people: int = 3, cameras: int = 2, *, extras: bool = True, pictures: bool = True
) -> Path:
    """Market-1501; ``extras``: also a distractor, a junk box and Thumbs.db, as in the archive."""
    names = market_names(people, cameras)
    if extras:
        names["bounding_box_test"] += ["0000_c1s1_000151_01.jpg", "-1_c1s1_000401_03.jpg"]
    write_splits(folder, names, pictures)
    if extras:
        (folder / "bounding_box_test" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
        (folder / "readme.txt").write_text("Market-1501")
    return folder


def write_duke(folder: Path, people: int = 3, cameras: int = 2, *, pictures: bool = True) -> Path:
    """DukeMTMC-reID."""
    names: dict[str, list[str]] = {split: [] for split in MARKET_SPLITS}
    for pid in range(1, people + 1):
        for camera in range(1, cameras + 1):
            frame = 46000 + 1000 * pid + 60 * camera
            names["query"].append(f"{pid:04}_c{camera}_f{frame:07}.jpg")
            names["bounding_box_test"].append(f"{pid:04}_c{camera}_f{frame + 120:07}.jpg")
            names["bounding_box_train"].append(f"{pid + 500:04}_c{camera}_f{frame:07}.jpg")
    return write_splits(folder, names, pictures)


def write_cuhk03(folder: Path, people: int = 3, *, pictures: bool = True) -> Path:
    """CUHK03-NP, one of its two kinds of boxes."""
    names: dict[str, list[str]] = {split: [] for split in MARKET_SPLITS}
    for pid in range(1, people + 1):
        for camera in (1, 2):
            names["query"].append(f"{pid:04}_c{camera}_{10 * pid + camera}.png")
            names["bounding_box_test"].append(f"{pid:04}_c{camera}_{10 * pid + camera + 2}.png")
            names["bounding_box_train"].append(f"{pid + 500:04}_c{camera}_{camera}.png")
    return write_splits(folder, names, pictures)


def write_msmt(
    folder: Path,
    people: int = 3,
    cameras: Sequence[int] = (1, 12),
    *,
    version: int = 1,
    newline: str = "\n",
    pictures: bool = True,
) -> Path:
    """MSMT17, version 1 or 2. Train and test persons are both numbered from 0."""
    train, test = ("train", "test") if version == 1 else ("mask_train_v2", "mask_test_v2")
    lists: dict[str, list[str]] = {part: [] for part in ("train", "val", "query", "gallery")}
    for pid in range(people):
        for place, camera in enumerate(cameras):
            stem = (
                f"{pid:04}/{pid:04}_{{:03}}_{camera:02}_0303morning_{100 * pid + place:04}_{{}}.jpg"
            )
            for number, part in enumerate(lists):
                name = stem.format(number, place)
                lists[part].append(f"{name} {pid}")
                home = test if part in ("query", "gallery") else train
                write_names(folder / home, [name], pictures)
    for part, lines in lists.items():
        text = "".join(line + newline for line in lines)
        (folder / f"list_{part}.txt").write_bytes(text.encode())
    return folder


def write_randperson(folder: Path, people: int = 3, *, pictures: bool = True) -> Path:
    """RandPerson: ``randperson_subset`` in ``folder``."""
    names = [
        f"{pid:06}_s{scene:02}_c{camera:02}_f{100 * pid + camera:06}.jpg"
        for pid in range(people)
        for scene, camera in ((0, 0), (0, 1), (10, 0))
    ]
    write_names(folder / "randperson_subset", names, pictures)
    return folder


def write_clonedperson(folder: Path, people: int = 3, *, pictures: bool = True) -> Path:
    """ClonedPerson: train, test/query and test/gallery."""
    names: dict[str, list[str]] = {"train": [], "test/query": [], "test/gallery": []}
    for number, split in enumerate(names):
        first = 700000 if split == "train" else 705000
        for pid in range(first, first + people):
            for scene, camera in ((2, 0), (6, 1), (12, 3)):
                frame = 1000 * (pid - first) + 100 * number + camera
                names[split].append(f"{pid}_s{scene:02}_c{camera:02}_f{frame:06}.jpg")
    return write_splits(folder, names, pictures)


def write_people(folder: Path, people: Mapping[str, int], *, pictures: bool = True) -> Path:
    """One folder per person: names and how many pictures each has."""
    for seed, (person, count) in enumerate(people.items()):
        for number in range(count):
            path = folder / person / f"img {number}.jpg"
            if pictures:
                write_picture(path, seed)
            else:
                write_names(path.parent, [path.name], pictures=False)
    return folder


def write_table(
    file: Path, rows: Sequence[Sequence[object]], header: str = "path,pid,camid,time,split"
) -> Path:
    """A CSV table with the given header and rows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return file


def add_junk(folder: Path, stem: str = "0001_c1s1_000001_00") -> list[Path]:
    """Files that archives and systems leave behind, none of them a usable picture."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "Thumbs.db": b"\xd0\xcf",
        "desktop.ini": b"[x]",
        ".DS_Store": b"\0",
        f"._{stem}.jpg": b"\0\5",
        f"{stem}_empty.jpg": b"",
        "notes.txt": b"hello",
        "holiday.jpg": b"x",
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / "__MACOSX").mkdir(exist_ok=True)
    (folder / "__MACOSX" / "x.jpg").write_bytes(b"x")
    return [folder / name for name in (*contents, "__MACOSX")]
