"""Reads pictures of any common kind as RGB, and says in one line why one cannot be read.

Pictures come from somebody else: only plain raster formats are tried (PIL's EPS reader would
start Ghostscript), and sizes are checked before anything is decoded.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import logging
import os
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from qaconv_core.errors import ImageError
from qaconv_core.files import unlike_file
from qaconv_core.readable import shown

MAX_PIXELS = 50_000_000
"""Decoded, turned and laid on grey, a picture of so many takes some 800 MB."""
MIN_SIDE = 4
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
_STRIP_PIXELS = 1 << 20
_GREY = (128, 128, 128)
_ORIENTATION = 0x0112
_CONVERTIBLE = ("1", "L", "P", "PA", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")


def _silence_readers() -> None:
    """Keep lines of PIL and libtiff about damaged pictures off the terminal.

    Whatever matters of them is in the error that the reader raises.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    # libtiff writes to the terminal itself, unless it has no handler to do so. Where it is part of
    # PIL's own module (Windows) it cannot be reached.
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(importlib.import_module("PIL._imaging").__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            setter = getattr(library, name)
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)


_silence_readers()


def read_image(path: str | Path) -> Image.Image:
    """The picture at ``path``, upright, mode RGB, 8 bits a channel.

    EXIF orientation is honoured. 16-bit grey is divided by 257, floats by their range, and only
    pictures with transparency are laid on mid grey; of an animation the first frame is read.
    Raises :class:`ImageError` naming the file, the reason and the way out.
    """
    try:
        _check_file(path)
        with open(path, "rb") as file:
            return _decode(Image.open(file, formats=FORMATS))
    except ImageError as error:
        raise ImageError(error.reason, shown(path)) from error
    except Exception as error:  # decoders fail on damaged files in every way there is
        raise ImageError(_reason(error), shown(path)) from error


def picture_size(path: str | Path) -> tuple[int, int]:
    """(width, height) of the picture at ``path`` as it stands upright; nothing is decoded.

    Raises :class:`ImageError`.
    """
    try:
        _check_file(path)
        with open(path, "rb") as file:
            image = Image.open(file, formats=FORMATS)
            width, height = image.size
            on_its_side = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    except ImageError as error:
        raise ImageError(error.reason, shown(path)) from error
    except Exception as error:
        raise ImageError(_reason(error), shown(path)) from error
    return (height, width) if on_its_side else (width, height)


def as_rgb(
    image: str | Path | Image.Image | npt.NDArray[np.uint8],
) -> Image.Image:
    """An RGB picture from a path, a PIL picture or an array.

    Arrays: uint8, shape (H, W) or (H, W, 1) grey, (H, W, 3) R, G, B, or (H, W, 4) with alpha.
    Raises :class:`ImageError`.
    """
    if isinstance(image, (str, os.PathLike)):
        return read_image(Path(image))
    if isinstance(image, Image.Image):
        try:
            return _decode(image)
        except ImageError as error:
            raise ImageError(error.reason, "the picture handed over") from error
        except Exception as error:
            raise ImageError(_reason(error), "the picture handed over") from error
    return _from_array(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """A decoded PIL picture of any mode as RGB, 8 bits a channel (orientation not touched).

    Raises :class:`ImageError` for colour models that cannot be converted.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey_from_numbers(image)
    if image.mode not in _CONVERTIBLE:
        raise ImageError(f"colour model {image.mode} is not supported; save the picture as RGB")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        return _on_grey(image.convert("RGBA"))
    return image.convert("RGB")


def check_size(width: int, height: int) -> None:
    """Raise :class:`ImageError` for pictures too small to match or too large to decode."""
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"too small to match ({width}×{height} pixels, at least {MIN_SIDE}×{MIN_SIDE} needed); "
            "use a larger picture"
        )
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"too large ({width}×{height} pixels, at most {MAX_PIXELS // 10**6} megapixels are "
            "read); scale or crop it first"
        )


def _check_file(path: str | Path) -> None:
    """Refuse what cannot be a picture before opening it: opening a pipe would wait forever."""
    info = os.stat(path)
    if stat.S_ISDIR(info.st_mode):
        raise ImageError("a folder, not a picture; name a file in it")
    if unlike_file(info.st_mode):
        raise ImageError(f"{unlike_file(info.st_mode)}, not an ordinary file; name a picture file")
    if info.st_size == 0:
        raise ImageError("the file is empty (0 bytes); copy or export the picture again")


def _decode(image: Image.Image) -> Image.Image:
    check_size(*image.size)
    image.load()
    upright = to_rgb(_upright(image))
    # A copy, so that the result neither hangs on an open file nor shares pixels with the caller.
    return upright.copy() if upright is image else upright


def _upright(image: Image.Image) -> Image.Image:
    try:
        if image.getexif().get(_ORIENTATION, 1) == 1:
            return image
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block does not make the pixels unreadable
        return image


def _on_grey(image: Image.Image) -> Image.Image:
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, _GREY)
    ground.paste(image.convert("RGB"), mask=alpha)
    return ground


def _grey_from_numbers(image: Image.Image) -> Image.Image:
    """Grey pictures of 16 or 32 bits or floats; PIL's own conversion would clip them at 255."""
    pixels = np.asarray(image)
    rows = max(1, _STRIP_PIXELS // max(1, pixels.shape[1]))
    strips = [slice(top, top + rows) for top in range(0, len(pixels), rows)]
    ranges = [(float(v.min()), float(v.max())) for v in (_numbers(pixels[s]) for s in strips)]
    low, high = min(a for a, _ in ranges), max(b for _, b in ranges)
    base, factor = 0.0, 1.0
    if image.mode.startswith("I;16"):
        factor = 1 / 257.0
    elif image.mode == "F" and low >= 0 and high <= 1:
        factor = 255.0
    elif low >= 0 and high <= 255:
        pass
    elif image.mode == "I" and low >= 0 and high <= 65535:
        factor = 1 / 257.0
    else:
        base, factor = low, 255.0 / (high - low) if high > low else 0.0
    grey = np.empty(pixels.shape, dtype=np.uint8)
    for strip in strips:  # a strip at a time: float64 takes eight times the picture
        grey[strip] = np.clip(np.rint((_numbers(pixels[strip]) - base) * factor), 0, 255)
    return Image.fromarray(grey).convert("RGB")


def _numbers(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.nan_to_num(pixels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _from_array(array: object) -> Image.Image:
    if not isinstance(array, np.ndarray):
        raise ImageError(
            f"a picture must be a path, a PIL picture or a NumPy array, not {type(array).__name__}"
        )
    if array.dtype != np.uint8:
        raise ImageError(
            f"a picture array must be uint8 with values 0 to 255, not {array.dtype}; "
            "scale and convert it first"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        hint = ""
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            hint = "; this one looks channels-first, use array.transpose(1, 2, 0)"
        raise ImageError(
            f"a picture array must have shape (H, W, 3) or (H, W), not {array.shape}{hint}"
        )
    check_size(array.shape[1], array.shape[0])
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return to_rgb(Image.fromarray(np.ascontiguousarray(array)))


def _reason(error: Exception) -> str:
    """What went wrong with a picture, in words, with the way out."""
    if isinstance(error, FileNotFoundError):
        return "no such file; check the path"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied); change its permissions"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture in a format that is read (JPEG, PNG, BMP, WebP, TIFF, GIF, PPM)"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"too large (at most {MAX_PIXELS // 10**6} megapixels are read); scale or crop it"
    if isinstance(error, MemoryError):
        return "does not fit into memory; scale or crop it"
    detail = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in detail.lower() or isinstance(error, EOFError):
        return f"truncated ({detail}); copy or export the picture again"
    return f"damaged or not a picture ({detail}); copy or export the picture again"
