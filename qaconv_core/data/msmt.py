"""MSMT17, version 1 and 2: pictures in one folder per person, splits in four text files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from qaconv_core.data.locate import Place, Probe
from qaconv_core.data.names import MSMT
from qaconv_core.data.scan import child_file, child_folder, child_names, peek, stat_fault
from qaconv_core.errors import DatasetError
from qaconv_core.readable import shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, Rejected

LISTS = {
    "train": "list_train.txt",
    "val": "list_val.txt",
    "query": "list_query.txt",
    "gallery": "list_gallery.txt",
}
VERSIONS = {"V1": ("train", "test"), "V2": ("mask_train_v2", "mask_test_v2")}
_EXPECTED = (
    "list_train.txt, list_val.txt, list_query.txt and list_gallery.txt beside the folders train "
    "and test (V1) or mask_train_v2 and mask_test_v2 (V2)"
)
_LONGEST_LIST = 64 * 2**20


@dataclass
class _Lists:
    """Reads the list files of one copy and collects what has to be left out."""

    root: Path
    train_folder: Path | None
    test_folder: Path
    rejected: list[Rejected] = field(default_factory=list)

    def read(self, part: str) -> tuple[ImageRef, ...]:
        """The pictures of one list, in its order; () when there is no such list."""
        path = child_file(self.root, LISTS[part])
        folder = self.test_folder if part in ("query", "gallery") else self.train_folder
        if path is None or folder is None:
            return ()
        refs = []
        for number, line in enumerate(_lines(path), start=1):
            if line.strip():
                ref = self._ref(path, number, line, folder)
                if ref is not None:
                    refs.append(ref)
        return tuple(refs)

    def _ref(self, path: Path, number: int, line: str, folder: Path) -> ImageRef | None:
        place = f"{path.name} line {number}"
        words = line.rsplit(maxsplit=1)
        if len(words) != 2 or re.fullmatch(r"[0-9]{1,9}", words[1]) is None:
            return self._reject(path, f"line {number} is not “path pid”: {shown(line[:80])}")
        name = words[0].strip().replace("\\", "/")
        fields = MSMT.read(name.rsplit("/", 1)[-1])
        if name.startswith("/") or ".." in name.split("/"):
            return self._reject(path, f"line {number} leads out of the data set: {shown(name)}")
        picture = folder / name
        if fields is None or fields.camera < 1:
            fault: str | None = f"its name does not fit MSMT17 (like {MSMT.example})"
        else:
            fault = stat_fault(picture)
        if fields is None or fault is not None:
            return self._reject(picture, f"{fault} (listed in {place})")
        return ImageRef(picture, int(words[1]), fields.camera - 1, None)

    def _reject(self, path: Path, reason: str) -> ImageRef | None:
        self.rejected.append(Rejected(path, reason))
        return None


def read(folder: Path) -> Dataset:
    """Read MSMT17 in ``folder``. Train is list_train and list_val; no times.

    Raises :class:`DatasetError` when no listed query or gallery picture is there.
    """
    version, train_folder, test_folder = _picture_folders(folder)
    if test_folder is None:
        raise DatasetError(f"MSMT17: {_no_pictures(folder)}")
    lists = _Lists(folder, train_folder, test_folder)
    parts = {part: lists.read(part) for part in LISTS}
    for part in ("query", "gallery"):
        if not parts[part]:
            why = f"; the first: {lists.rejected[0]}" if lists.rejected else ""
            raise DatasetError(
                f"{shown(folder / LISTS[part])}: not one listed picture is in "
                f"{test_folder.name}{why}; unpack the whole archive"
            )
    notes = ["this set has no times: temporal lifting is not possible",
             "persons of train and of query and gallery are numbered from 0 each: "
             "equal numbers are different persons"]  # fmt: skip
    notes += [f"{LISTS[p]} gave no picture" for p in ("train", "val") if not parts[p]]
    if lists.rejected:
        notes.append(f"{len(lists.rejected):,} listed pictures are missing or cannot be used")
    return Dataset(
        name="msmt",
        root=folder,
        layout=f"MSMT17 {version} ({test_folder.name} and lists)",
        train=ImageSet(parts["train"] + parts["val"], "msmt/train"),
        query=ImageSet(parts["query"], "msmt/query"),
        gallery=ImageSet(parts["gallery"], "msmt/gallery"),
        rejected=tuple(lists.rejected),
        notes=tuple(notes),
    )


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LONGEST_LIST:
            raise DatasetError(f"{shown(path)}: too long for a list of MSMT17; unpack it again")
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{shown(path)}: not a text file (byte {error.start}); unpack the archive again"
        ) from error
    except OSError as error:
        raise DatasetError(
            f"{shown(path)}: cannot be read ({error.strerror}); check its permissions"
        ) from error


def _picture_folders(folder: Path) -> tuple[str, Path | None, Path | None]:
    """Version, folder of training pictures and folder of test pictures."""
    for version, (train, test) in VERSIONS.items():
        test_folder = child_folder(folder, test)
        if test_folder is not None:
            return version, child_folder(folder, train), test_folder
    return "", None, None


def _probe(folder: Path) -> Probe:
    present = [part for part, name in LISTS.items() if child_file(folder, name) is not None]
    test_folder = _picture_folders(folder)[2]
    if not present:
        masked = child_folder(folder, "mask_test_v2") or child_folder(folder, "mask_train_v2")
        return Probe(False, _no_lists(folder, list(LISTS.values())) if masked else "")
    missing = [LISTS[part] for part in ("query", "gallery") if part not in present]
    if missing:
        return Probe(False, _no_lists(folder, missing))
    if test_folder is None:
        return Probe(False, _no_pictures(folder))
    return Probe(True)


def _no_lists(folder: Path, missing: list[str]) -> str:
    return (
        f"{shown(folder)} lacks {', '.join(missing)}; expected {_EXPECTED}, seen there: "
        f"{peek(child_names(folder))}; copy the lists there"
    )


def _no_pictures(folder: Path) -> str:
    return (
        f"{shown(folder)} has the lists but neither folder test nor mask_test_v2; expected "
        f"{_EXPECTED}, seen there: {peek(child_names(folder))}; unpack the whole archive"
    )


PLACE = Place("msmt", "MSMT17", re.compile(r"msmt(17)?(v\d+)?"), _EXPECTED, _probe)
