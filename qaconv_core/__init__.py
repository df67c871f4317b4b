"""QAConv Explorer's engine: interpretable person re-identification without a window.

    from qaconv_core import load_model, open_dataset

Names are imported when first used, so that ``import qaconv_core`` does not wait for torch. It
changes nothing of the process either. A program that shares its machine with others sets
``GOMP_SPINCOUNT=1000`` (Linux) or ``KMP_BLOCKTIME=1`` (elsewhere) in its environment, or calls
:func:`qaconv_core.threads.spin_briefly` before anything imports torch: OpenMP's threads hold the
cores while they wait otherwise, and features come to a standstill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qaconv_core.lazy import names_at_first_use

if TYPE_CHECKING:
    from qaconv_core.data import open_dataset as open_dataset
    from qaconv_core.model import Model as Model
    from qaconv_core.model import load_model as load_model

__version__ = "0.1.0"
__all__ = ["Model", "load_model", "open_dataset"]

_HOMES = {
    "Model": "model",
    "load_model": "model",
    "open_dataset": "data",
}

__getattr__ = names_at_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
