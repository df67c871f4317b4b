"""One loaded model: pictures to maps, maps to logits, a pair to its explanation.

:func:`load_model` and :class:`Model` are the interface for scripts, the command line and the
window. The work is done by :mod:`qaconv_core.models`, :mod:`qaconv_core.extraction`,
:mod:`qaconv_core.matching` and :mod:`qaconv_core.searching`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from qaconv_core.data.resources import resource_path
from qaconv_core.device import available_memory, resolve_device, resolve_precision
from qaconv_core.errors import InputError
from qaconv_core.extraction.completed_maps import OnMaps
from qaconv_core.extraction.features import Extraction, extract_arrays, extract_features
from qaconv_core.extraction.network_runner import DTYPES
from qaconv_core.matching.correspondences import match_maps
from qaconv_core.matching.scores import Maps, ScoringPlan, plan_scoring, score_maps
from qaconv_core.models.checkpoints import Checkpoint, load_checkpoint
from qaconv_core.models.inference import inference_network
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback
from qaconv_core.searching.choice import SearchChoice, Wish
from qaconv_core.searching.top import (
    Prepared,
    plan_search,
    prepare_search,
    rank_top,
)
from qaconv_core.store.features import FeatureShelf, FeatureStore
from qaconv_core.store.keys import file_keys
from qaconv_core.types import (
    CorrespondenceMap,
    FeatureBank,
    Float32,
    ImageRef,
    ModelSpec,
    RankingResult,
    Rejected,
)

Picture = str | Path | Image.Image | npt.NDArray[np.uint8]
NEW_MAPS = 0.01
"""Share of pictures without a stored map up to which stored maps of a set are used."""
DEMO = "demo"
PREPROCESSING = "RGB, PIL bicubic with antialiasing, values in [0, 1], no mean/std"


def load_model(
    path_or_demo: str | Path = DEMO,
    device: str = "auto",
    *,
    input_size: tuple[int, int] | None = None,
    precision: str = "auto",
) -> Model:
    """Load a checkpoint of any published release, or the bundled model (``"demo"``).

    ``device`` is ``"auto"`` (CUDA if there, else CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, …
    ``input_size`` (height, width) is needed only where a file cannot tell. ``precision`` is the
    arithmetic of the feature network: ``"auto"`` (mixed on CUDA, else float32), ``"fast"`` (also
    bfloat16 on CPUs that have it), ``"float32"``, ``"bfloat16"`` or ``"float16"``. Raises
    :class:`~qaconv_core.errors.CheckpointError` with one line naming file and tensor.
    """
    target = resolve_device(device)
    path = path_or_demo
    if str(path_or_demo) == DEMO and not Path(DEMO).is_file():
        path = resource_path("model", "checkpoint.pth.tar")
    resolve_precision(precision, target)  # a wrong one is met before the file is read
    return Model(load_checkpoint(path, input_size=input_size), target, precision)


class Model:
    """A network and its QAConv head on a device.

    ``precision`` is the arithmetic that the feature network computes in there: float32, bfloat16
    or float16. Scores and explanations are float32 whatever it is.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: torch.device, precision: str = "auto"
    ) -> None:
        self._checkpoint = checkpoint
        self.spec: ModelSpec = checkpoint.spec
        self.notes = checkpoint.notes
        self.device = device
        self.precision = resolve_precision(precision, device)
        self.matcher = checkpoint.matcher
        self.head: AffineHead = checkpoint.matcher.affine()
        self.network = checkpoint.network.to(device).eval()

    @cached_property
    def _arranged(self) -> nn.Module:
        """The network in the form that extracts features fastest; made once."""
        if self.device.type != "cpu":
            return self.network
        return inference_network(self.network, DTYPES[self.precision])

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of a feature map."""
        return (self.spec.channels, *self.spec.grid)

    @property
    def preprocessing(self) -> str:
        """What is done to a picture before matching, in words, for reports."""
        height, width = self.spec.input_size
        words = f"{height}×{width}, {PREPROCESSING}"
        if self.precision == "float32":
            return words
        return f"{words}; maps computed in {self.precision}"

    @property
    def feature_key(self) -> str:
        """What stored feature maps depend on: tensors, variant, preprocessing, precision."""
        precision = self.precision
        if self.device.type != "cpu":  # not the same to the last digit
            precision = f"{precision} on {self.device.type}"
        parts = (self.spec.sha256, str(self.spec.ibn), str(self.spec.input_size), precision)
        return hashlib.sha256("|".join((*parts, PREPROCESSING)).encode()).hexdigest()

    def extract(self, images: Sequence[Picture], batch_size: int | None = None) -> Float32:
        """Feature maps of pictures, float32 (n, C, h, w), unit norm over C.

        ``images`` are paths, PIL pictures or HWC uint8 arrays. A picture that cannot be read
        raises :class:`~qaconv_core.errors.ImageError` naming it.
        """
        if isinstance(images, (str, Path)):
            raise InputError("extract takes a sequence of pictures; put the one path into a list")
        return extract_arrays(
            self._arranged,
            images,
            spec_shape=self.map_shape,
            input_size=self.spec.input_size,
            device=self.device,
            precision=self.precision,
            batch_size=batch_size,
        )

    def extract_set(
        self,
        refs: Sequence[ImageRef],
        *,
        shelf: FeatureShelf | None = None,
        batch_size: int | None = None,
        workers: int | None = None,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        on_maps: OnMaps | None = None,
        stage: str = "features",
    ) -> Extraction:
        """Feature maps of many files, float16; those that ``shelf`` holds are not computed.

        Pictures that cannot be decoded are left out and listed with the reason. ``on_maps`` is
        called in the calling thread with positions in ``refs`` and their maps as soon as these are
        there; see :func:`~qaconv_core.extraction.features.extract_features`.
        """
        return extract_features(
            self._arranged,
            refs,
            spec_shape=self.map_shape,
            input_size=self.spec.input_size,
            device=self.device,
            precision=self.precision,
            shelf=shelf,
            batch_size=batch_size,
            workers=workers,
            progress=progress,
            cancel=cancel,
            on_maps=on_maps,
            stage=stage,
        )

    def open_shelf(self, store: FeatureStore) -> FeatureShelf:
        """The part of a feature store that belongs to this model and preprocessing."""
        description = self.spec.describe()
        if self.precision != "float32":
            description += f", {self.precision}"
        return store.open(self.feature_key, self.map_shape, description)

    def in_precision(self, precision: str) -> Model:
        """The same network and head, computing in another arithmetic."""
        return Model(self._checkpoint, self.device, precision)

    def count_stored(self, store: FeatureStore, refs: Sequence[ImageRef]) -> int:
        """How many of these files have a map of this model in the store."""
        if not store.has(self.feature_key):
            return 0
        keys = [key for key in file_keys(refs) if not isinstance(key, Rejected)]
        with self.open_shelf(store) as shelf:
            return int((shelf.lookup(keys) >= 0).sum())

    def with_stored_maps(self, store: FeatureStore, refs: Sequence[ImageRef]) -> Model:
        """The same model in float32 where the store has these files' maps in float32, else itself.

        So maps are not computed again in an arithmetic that is coarser than what is stored. Up to
        :data:`NEW_MAPS` of the files may be missing (damaged ones never have a map).
        """
        exact = self if self.precision == "float32" else self.in_precision("float32")
        if exact is self or not len(refs):
            return self
        return exact if exact.count_stored(store, refs) >= (1 - NEW_MAPS) * len(refs) else self

    def plan(self, queries: int, galleries: int, *, in_memory: bool = True) -> ScoringPlan:
        """How scoring ``queries`` × ``galleries`` pairs is cut into pieces that fit the memory.

        Raises MemoryLimitError where they cannot fit.
        """
        on_gpu = self.device.type == "cuda"
        return plan_scoring(
            queries,
            galleries,
            self.map_shape,
            available=available_memory(torch.device("cpu")),
            device_available=available_memory(self.device) if on_gpu else None,
            result_in_memory=in_memory,
        )

    def score(
        self, query_maps: Maps, gallery_maps: Maps, *, cancel: CancelToken | None = None
    ) -> Float32:
        """Logits of all pairs, float32 (p, g), of maps (p, C, h, w) and (g, C, h, w)."""
        query, gallery = _as_maps(query_maps), _as_maps(gallery_maps)
        plan = self.plan(query.shape[0], gallery.shape[0])
        return score_maps(query, gallery, self.head, plan=plan, device=self.device, cancel=cancel)

    def plan_search(
        self, gallery_maps: Maps, wish: Wish, *, shortlist: int | None = None, queries: int = 1
    ) -> SearchChoice:
        """How :meth:`rank_top` searches maps (g, C, h, w), and what its result may claim.

        See :func:`~qaconv_core.searching.choice.choose_search` for the arguments.
        """
        return plan_search(
            gallery_maps, wish, device=self.device, shortlist=shortlist, queries=queries
        )

    def prepare(
        self,
        gallery_maps: Maps,
        *,
        wish: Wish = "prepared",
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> Prepared | None:
        """The gallery in a form that makes :meth:`rank_top` fast on a CPU.

        It is prepared once: beside maps of the feature store it is kept on disk, where a later call
        finds it. None on a GPU, which does not need it, where no form is faster than the maps, and
        where it does not pay for ``wish`` (see :meth:`plan_search`).
        """
        does_not_pay = wish != "prepared" and self.plan_search(gallery_maps, wish).claim == "exact"
        if self.device.type != "cpu" or does_not_pay:
            return None
        return prepare_search(gallery_maps, progress=progress, cancel=cancel)

    def rank_top(
        self,
        query_map: npt.NDArray[np.floating],
        gallery_maps: Maps,
        top: int,
        *,
        prepared: Prepared | None = None,
        exact: bool = False,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> RankingResult:
        """The gallery in order for one query map, its ``top`` best exactly; see
        :func:`.searching.top.rank_top`.

        With ``prepared`` (of :meth:`prepare`) this is many times faster than :meth:`score` and has
        the same best pictures: that is proved, or measured where the result's ``certainty`` says
        so. ``exact`` computes every logit in float32. See
        :func:`~qaconv_core.searching.top.rank_top`.
        """
        return rank_top(
            _single(query_map, "query"),
            _as_maps(gallery_maps),
            self.head,
            top,
            prepared=prepared,
            exact=exact,
            device=self.device,
            progress=progress,
            cancel=cancel,
        )

    def match(
        self, query_map: npt.NDArray[np.floating], gallery_map: npt.NDArray[np.floating]
    ) -> CorrespondenceMap:
        """The exact explanation of the logit of two maps, each (C, h, w) or (1, C, h, w)."""
        return match_maps(_single(query_map, "query"), _single(gallery_map, "gallery"), self.head)


def _as_maps(maps: Maps) -> Maps:
    return maps if isinstance(maps, FeatureBank) else np.asarray(maps)


def _single(feature_map: npt.NDArray[np.floating], side: str) -> npt.NDArray[np.floating]:
    array = np.asarray(feature_map)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim != 3:
        raise InputError(f"match takes one {side} map (C, h, w), not an array of {array.shape}")
    return array
