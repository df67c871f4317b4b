"""Runs the feature network on batches of pixels: precision, memory layout, lack of memory."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from qaconv_core.device import available_memory, resolve_precision
from qaconv_core.errors import InputError, MemoryLimitError
from qaconv_core.models.inference import InferenceNetwork, inference_network
from qaconv_core.models.stopping import stopping_within
from qaconv_core.progress import CancelToken, raise_if_cancelled
from qaconv_core.threads import BUDGET
from qaconv_core.types import Float32

log = logging.getLogger(__name__)

DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
_CPU_BATCH = 8  # larger ones are no faster and answer later to a wish to stop
_GPU_BATCH = 128
_GPU_BYTES = 64 * 2**20  # of working memory for one picture of 384×128, on the safe side


def default_batch(device: torch.device, input_size: tuple[int, int] = (384, 128)) -> int:
    """Pictures in a batch on ``device``; a GPU gets fewer when little of its memory is free."""
    if device.type == "cpu":
        return _CPU_BATCH
    need = _GPU_BYTES * input_size[0] * input_size[1] / (384 * 128)
    return int(max(1, min(_GPU_BATCH, available_memory(device) // need)))


class NetworkRunner:
    """Computes feature maps of pixels, in evaluation mode and without gradients.

    ``batch`` is the number of pictures computed at once; it is halved whenever they do not fit
    into memory. ``notes`` says what was changed for such reasons.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device | str,
        precision: str = "auto",
        batch_size: int | None = None,
        input_size: tuple[int, int] = (384, 128),
        *,
        cancel: CancelToken | None = None,
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise InputError(f"the batch size must be at least 1, not {batch_size}")
        self.device = torch.device(device)
        self.precision = resolve_precision(precision, self.device)
        self.batch = batch_size or default_batch(self.device, input_size)
        self.notes: list[str] = []
        self._cancel = cancel
        self._network = _arranged(network, self.device, DTYPES[self.precision])

    def maps(self, pixels: npt.NDArray[np.uint8]) -> Float32:
        """Feature maps (n, C, h, w) of ``pixels`` (n, 3, H, W), in portions of at most ``batch``.

        Raises :class:`MemoryLimitError` when not even one picture fits, :class:`InputError` when
        maps are not finite, and :class:`~qaconv_core.errors.Cancelled` within a portion.
        """
        parts: list[Float32] = []
        done = 0
        cancel = self._cancel if self.device.type == "cpu" else None  # a GPU is done in no time
        with (
            _evaluating(self._network),
            torch.inference_mode(),
            stopping_within(self._network, cancel),
        ):
            while done < len(pixels):
                raise_if_cancelled(self._cancel)
                part = pixels[done : done + self.batch]
                try:
                    parts.append(self._portion(part))
                except (RuntimeError, MemoryError) as error:
                    if not out_of_memory(error):
                        raise
                    self._halve(len(part), error)
                    continue
                done += len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _portion(self, pixels: npt.NDArray[np.uint8]) -> Float32:
        if threads := BUDGET.share():
            torch.set_num_threads(threads)
        images = self._to_device(pixels)
        maps = self._forward(images, self.precision)
        if self.precision != "float32" and not bool(torch.isfinite(maps).all()):
            self._note(f"{self.precision} overflowed for some pictures; these were done in float32")
            maps = self._forward(images, "float32")
        if not bool(torch.isfinite(maps).all()):
            raise InputError(
                "the network's feature maps are not finite numbers; its weights are damaged: "
                "use another checkpoint"
            )
        return np.asarray(maps.float().cpu().numpy(), dtype=np.float32)

    def _to_device(self, pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Pixels in [0, 1] on the device; they cross as bytes, a quarter of what floats take."""
        tensor = torch.from_numpy(pixels)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory().to(self.device, non_blocking=True)
        tensor = tensor.to(self.device).contiguous(memory_format=torch.channels_last)
        return tensor.float().div_(255)

    def _forward(self, images: torch.Tensor, precision: str) -> torch.Tensor:
        dtype = DTYPES[precision]
        mixed = dtype != torch.float32
        if isinstance(self._network, InferenceNetwork):  # as it is: its types are its own
            network = self._network if self._network.dtype == dtype else self._network.exact()
            return cast(torch.Tensor, network(images))
        with torch.autocast(self.device.type, dtype=dtype, enabled=mixed):
            maps: torch.Tensor = self._network(images)
        return maps

    def _halve(self, size: int, error: BaseException) -> None:
        if size <= 1:
            raise MemoryLimitError(
                f"{self.device}: not even one picture fits into its memory beside the network; "
                "close other programs that use it, or use --device cpu"
            ) from error
        self.batch = size // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self._note(f"{self.device}: a batch of {size} did not fit into memory; went on with less")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            log.info("%s", text)


def _arranged(network: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """The network on its device, in the form and memory order that are fastest there."""
    if device.type == "cpu":
        return inference_network(network, dtype)
    # The same numbers in another order in memory: convolutions are a third faster or more.
    return network.to(device).to(memory_format=torch.channels_last)


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on a GPU or on the host."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    words = str(error).lower()
    return "out of memory" in words or "can't allocate memory" in words


@contextlib.contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode; afterwards every module is in its earlier mode again."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
