"""Names for the arrays of this package.

Geometry is float32 where it is handled in bulk and float64 in small computations in between, so
the width is not part of the type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]
Ints = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Pixels = npt.NDArray[Any]
Rng = np.random.Generator
