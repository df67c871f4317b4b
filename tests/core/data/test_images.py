"""Reading pictures of every kind, refusing what is none, and preprocessing."""

from __future__ import annotations

import os
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

from qaconv_core.data import as_rgb, read_image, to_pixels
from qaconv_core.errors import ImageError, InputError
from tests import builders

COLOUR = (200, 120, 40)


def pixel(image, x=5, y=5):
    assert image.mode == "RGB"
    return image.getpixel((x, y))


def near(image, colour, tolerance=3):
    return np.abs(np.subtract(pixel(image), colour)).max() <= tolerance


SUFFIXES = ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff", "gif", "ppm"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_formats(tmp_path, suffix):
    path = tmp_path / f"pic ü 人.{suffix}"
    Image.new("RGB", (12, 20), COLOUR).save(path)
    for handed in (path, str(path)):
        image = read_image(handed)
        assert image.size == (12, 20)
        assert near(image, COLOUR)


def test_a_wrong_suffix_does_not_matter(tmp_path):
    Image.new("RGB", (12, 20), COLOUR).save(tmp_path / "x.png")
    (tmp_path / "x.png").rename(tmp_path / "x.jpg")
    assert near(read_image(tmp_path / "x.jpg"), COLOUR)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "RGBA", "P", "CMYK", "YCbCr"])
def test_modes_of_opaque_pictures(tmp_path, mode):
    colour = Image.new("RGB", (12, 20), COLOUR)
    suffix = {"CMYK": "jpg", "YCbCr": "jpg"}.get(mode, "png")
    path = tmp_path / f"x.{suffix}"
    made = colour.quantize(4) if mode == "P" else colour.convert(mode)
    made.save(path, quality=100) if suffix == "jpg" else made.save(path)
    image = read_image(path)
    grey = colour.convert("L").getpixel((0, 0))
    if mode == "1":
        assert set(np.unique(np.asarray(image))) <= {0, 255}
    else:
        assert near(image, COLOUR if mode not in ("L", "LA") else (grey,) * 3, tolerance=5)


def test_cmyk_of_adobe_is_not_a_negative(tmp_path):
    # Adobe stores inverted CMYK and marks the file with an APP14 segment.
    Image.new("CMYK", (16, 16), (0, 0, 0, 0)).save(tmp_path / "white.jpg", quality=100)
    assert b"Adobe" in (tmp_path / "white.jpg").read_bytes()[:64]
    assert near(read_image(tmp_path / "white.jpg"), (255, 255, 255))
    Image.new("CMYK", (16, 16), (0, 0, 0, 255)).save(tmp_path / "black.tif")
    assert near(read_image(tmp_path / "black.tif"), (0, 0, 0))


def test_transparency_is_laid_on_mid_grey_only_where_it_is_real(tmp_path):
    half = Image.new("RGBA", (12, 20), (*COLOUR, 0))
    half.paste((*COLOUR, 255), (0, 0, 12, 10))
    half.save(tmp_path / "half.png")
    image = read_image(tmp_path / "half.png")
    assert pixel(image, 5, 2) == COLOUR
    assert pixel(image, 5, 15) == (128, 128, 128)
    Image.new("RGBA", (12, 20), (*COLOUR, 255)).save(tmp_path / "opaque.png")
    assert pixel(read_image(tmp_path / "opaque.png")) == COLOUR


def test_palette_and_grey_with_a_transparent_value(tmp_path):
    palette = Image.new("P", (12, 20), 1)
    palette.putpalette([0, 0, 0, *COLOUR])
    palette.paste(0, (0, 10, 12, 20))
    palette.save(tmp_path / "p.png", transparency=0)
    image = read_image(tmp_path / "p.png")
    assert (pixel(image, 5, 2), pixel(image, 5, 15)) == (COLOUR, (128, 128, 128))
    grey = Image.new("L", (12, 20), 50)
    grey.paste(200, (0, 10, 12, 20))
    grey.save(tmp_path / "g.png", transparency=200)
    image = read_image(tmp_path / "g.png")
    assert (pixel(image, 5, 2), pixel(image, 5, 15)) == ((50,) * 3, (128,) * 3)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bit_grey_is_scaled(tmp_path, suffix):
    values = np.linspace(0, 65535, 32 * 16).reshape(32, 16).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / f"x.{suffix}")
    found = np.asarray(read_image(tmp_path / f"x.{suffix}")).astype(int)
    assert np.abs(found - np.rint(values / 257)[..., None]).max() == 0


def test_32_bit_and_float_pictures(tmp_path):
    ramp = np.linspace(0, 1, 32 * 16).reshape(32, 16)
    cases = {
        "unit": ramp.astype(np.float32),
        "byte": (255 * ramp).astype(np.float32),
        "wide": (ramp * 9000 - 4000).astype(np.float32),
        "int": (ramp * 65535).astype(np.int32),
    }
    for name, values in cases.items():
        Image.fromarray(values).save(tmp_path / f"{name}.tif")
        found = np.asarray(read_image(tmp_path / f"{name}.tif"))[..., 0].astype(int)
        assert np.abs(found - 255 * ramp).max() <= 1.01, name
    holes = np.full((8, 8), np.nan, np.float32)
    Image.fromarray(holes).save(tmp_path / "nan.tif")
    assert pixel(read_image(tmp_path / "nan.tif")) == (0, 0, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_exif_orientation(tmp_path, orientation, suffix):
    upright = np.zeros((24, 16, 3), np.uint8)
    upright[:12, :8] = (250, 0, 0)
    upright[:12, 8:] = (0, 250, 0)
    upright[12:, :8] = (0, 0, 250)
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    stored = Image.fromarray(upright)
    if undo is not None:
        stored = stored.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"x.{suffix}"
    lossless = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
    stored.save(path, exif=exif, **lossless.get(suffix, {}))
    image = read_image(path)
    assert image.size == (16, 24)
    assert np.abs(np.asarray(image).astype(int) - upright).max() <= 12


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_hide_the_picture(tmp_path):
    path = tmp_path / "x.jpg"
    Image.new("RGB", (12, 20), COLOUR).save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert near(read_image(path), COLOUR)


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (12, 20), c) for c in (COLOUR, (0, 0, 0))]
    for suffix in ("gif", "webp", "png", "tif"):
        path = tmp_path / f"x.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert near(read_image(path), COLOUR, 6), suffix


def bad_files(folder):
    good = builders.write_picture(folder / "good.jpg", size=(64, 64)).read_bytes()
    png = builders.write_picture(folder / "good.png", size=(64, 64)).read_bytes()
    bomb = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\r" + bomb + struct.pack(">I", zlib.crc32(bomb))
    middle = b"IHDR" + struct.pack(">IIBBBBB", 10001, 5000, 8, 2, 0, 0, 0)
    middle = b"\x89PNG\r\n\x1a\n\0\0\0\r" + middle + struct.pack(">I", zlib.crc32(middle))
    empty_chunk = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return {
        "cut.jpg": (good[: len(good) // 2], "truncated"),
        "cut.png": (png[: len(png) // 2], "truncated|damaged"),
        "text.jpg": (b"this is only a text file\n" * 20, "not a picture"),
        "zero.jpg": (b"", r"empty \(0 bytes\)"),
        "head.png": (png[:20], "not a picture|truncated|damaged"),
        "noise.png": (png[:60] + bytes(200) + png[260:], "truncated|damaged"),
        "page.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        "bomb.png": (bomb + empty_chunk, "too large"),
        "large.png": (middle + empty_chunk, r"too large \(10001×5000 pixels, at most 50"),
    }


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_picture_gets_one_line_with_name_and_reason(tmp_path):
    for name, (data, reason) in bad_files(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(ImageError, match=reason) as error:
            read_image(path)
        text = str(error.value)
        assert text.startswith(f"{path}: "), name
        assert "\n" not in text, name


def test_missing_folder_pipe_and_strange_names(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="a folder"):
        read_image(tmp_path)
    with pytest.raises(ImageError):
        read_image("nul\0byte.jpg")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(ImageError, match="not an ordinary file"):
            read_image(tmp_path / "pipe.jpg")
    odd = tmp_path / "two\nlines.jpg"
    odd.write_bytes(b"x")
    with pytest.raises(ImageError) as error:
        read_image(odd)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind root")
def test_unreadable_file(tmp_path):
    path = builders.write_picture(tmp_path / "x.png")
    path.chmod(0)
    with pytest.raises(ImageError, match="permission"):
        read_image(path)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (50, 3)])
def test_too_small(tmp_path, size):
    path = builders.write_picture(tmp_path / "x.png", size=size)
    with pytest.raises(
        ImageError, match=rf"too small to match \({size[0]}×{size[1]} pixels, at le"
    ):
        read_image(path)


def test_a_very_wide_picture_is_read(tmp_path):
    Image.new("RGB", (20000, 8), COLOUR).save(tmp_path / "wide.png")
    image = read_image(tmp_path / "wide.png")
    assert image.size == (20000, 8)
    assert to_pixels(image).shape == (3, 384, 128)


def test_files_are_closed(tmp_path, recwarn):
    path = builders.write_picture(tmp_path / "x.jpg")
    (tmp_path / "t.jpg").write_bytes(path.read_bytes()[:300])
    for _ in range(50):
        read_image(path)
        with pytest.raises(ImageError):
            read_image(tmp_path / "t.jpg")
    if os.path.isdir("/proc/self/fd"):
        opened = [os.readlink(f"/proc/self/fd/{n}") for n in _descriptors()]
        assert not [name for name in opened if str(tmp_path) in name]
    assert not [w for w in recwarn if issubclass(w.category, ResourceWarning)]


def _descriptors():
    for n in os.listdir("/proc/self/fd"):
        if os.path.lexists(f"/proc/self/fd/{n}"):
            yield n


def test_threads_read_the_same(tmp_path):
    paths = [builders.write_picture(tmp_path / f"{i}.png", i) for i in range(12)]
    expected = [np.asarray(read_image(p)) for p in paths]
    wrong = []

    def work():
        for path, pixels in zip(paths * 3, expected * 3, strict=True):
            if not np.array_equal(np.asarray(read_image(path)), pixels):
                wrong.append(path)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_as_rgb_takes_paths_pictures_and_arrays(tmp_path):
    path = builders.write_picture(tmp_path / "x.png")
    expected = np.asarray(Image.open(path).convert("RGB"))
    with Image.open(path) as opened:
        for handed in (path, str(path), opened, expected, expected[::1, ::1]):
            assert np.array_equal(np.asarray(as_rgb(handed)), expected)
    grey = expected[..., 0]
    for handed in (grey, grey[..., None]):
        assert np.array_equal(np.asarray(as_rgb(handed)), np.repeat(grey[..., None], 3, axis=2))
    alpha = np.dstack([expected, np.zeros_like(grey)])
    assert set(np.unique(np.asarray(as_rgb(alpha)))) == {128}
    flipped = expected[:, ::-1]
    assert np.array_equal(np.asarray(as_rgb(flipped)), flipped)


def test_as_rgb_leaves_the_callers_picture_alone():
    mine = Image.new("RGB", (8, 8), COLOUR)
    theirs = as_rgb(mine)
    theirs.putpixel((0, 0), (0, 0, 0))
    assert mine.getpixel((0, 0)) == COLOUR


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((8, 8, 3), np.float32), "uint8 with values 0 to 255, not float32"),
        (np.zeros((3, 8, 8), np.uint8), r"not \(3, 8, 8\); this one looks channels-first"),
        (np.zeros((8, 8, 5), np.uint8), r"not \(8, 8, 5\)"),
        (np.zeros(8, np.uint8), r"not \(8,\)"),
        (np.zeros((0, 8, 3), np.uint8), "too small"),
        (np.zeros((2, 8, 3), np.uint8), "too small"),
        ([1, 2], "not list"),
        (None, "not NoneType"),
    ],
)
def test_as_rgb_says_what_is_wrong_with_an_array(array, message):
    with pytest.raises(ImageError, match=message):
        as_rgb(array)


def test_colour_models_that_cannot_be_converted():
    with pytest.raises(ImageError, match="colour model LAB"):
        as_rgb(Image.new("LAB", (8, 8)))


def test_to_pixels_is_pils_bicubic_with_antialiasing(tmp_path):
    image = read_image(builders.write_picture(tmp_path / "x.png", size=(300, 500)))
    pixels = to_pixels(image)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (3, 384, 128)
    assert pixels.flags["C_CONTIGUOUS"]
    expected = np.asarray(image.resize((128, 384), Image.Resampling.BICUBIC))
    assert np.array_equal(pixels.transpose(1, 2, 0), expected)


def test_to_pixels_antialiases_fine_stripes():
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    pixels = to_pixels(Image.fromarray(stripes), (64, 64))[:, 4:-4, 4:-4]
    assert np.abs(pixels.astype(int) - 127).max() < 20


def test_to_pixels_sizes_and_channel_order():
    image = Image.new("RGB", (10, 30), COLOUR)
    assert np.array_equal(to_pixels(image, (30, 10))[:, 3, 4], COLOUR)
    assert to_pixels(image.convert("L"), (8, 4)).shape == (3, 8, 4)
    with pytest.raises(InputError, match="positive"):
        to_pixels(image, (0, 4))


def test_to_pixels_equals_torchvisions_resize(tmp_path):
    transforms = pytest.importorskip("torchvision.transforms")
    image = read_image(builders.write_picture(tmp_path / "x.png", size=(61, 133)))
    mode = transforms.InterpolationMode.BICUBIC
    expected = np.asarray(transforms.Resize((384, 128), interpolation=mode)(image))
    assert np.array_equal(to_pixels(image).transpose(1, 2, 0), expected)
