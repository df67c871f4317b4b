"""Label maps: which part of the person, or what else, every pixel of a synthetic picture shows.

``qaconv people --labels`` writes them as 8-bit PNG files into ``labels/`` beside the folders of
pictures, under the same names; their numbers are those of :data:`LABELS`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from qaconv_core.data.images import check_size
from qaconv_core.data.people.parts import BACKGROUND, LABELS, OCCLUDER, OTHER
from qaconv_core.errors import ImageError
from qaconv_core.types import ImageRef

PERSON = frozenset(range(len(LABELS))) - {BACKGROUND, OTHER, OCCLUDER}
"""Labels that belong to the person whom the picture is of."""


def label_path(picture: Path) -> Path:
    """Where the label map of ``picture`` is: ``…/query/a.jpg`` → ``…/labels/query/a.png``."""
    folder = picture.parent
    return (folder.parent / "labels" / folder.name / picture.name).with_suffix(".png")


def read_label_map(ref: ImageRef) -> npt.NDArray[np.uint8]:
    """The label map of a picture, (H, W). Raises :class:`ImageError` naming the file."""
    path = label_path(ref.path)
    try:
        with Image.open(path) as image:
            check_size(*image.size)
            labels = np.array(image.convert("L") if image.mode != "L" else image)
    except FileNotFoundError:
        raise ImageError(f"{path}: no label map; qaconv people --labels writes them") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"{path}: not a label map ({error})") from None
    if labels.max(initial=0) >= len(LABELS):
        raise ImageError(
            f"{path}: label {labels.max()} is unknown; known are 0 to {len(LABELS) - 1}"
        )
    return labels
