"""Patterns of file names with fields."""

import time

import pytest

from qaconv_core.data.moments import moment_of, number_of, time_of
from qaconv_core.data.name_fields import PRESETS, USUAL_PATTERNS, FieldPattern
from qaconv_core.errors import InputError


@pytest.mark.parametrize(
    ("pattern", "name", "folders", "fields"),
    [
        ("{pid}_c{cam}_{frame}", "7_c2_0012.jpg", (), {"pid": "7", "cam": "2", "frame": "0012"}),
        (
            "{pid}_c{cam}_{frame}",
            "john_smith_c12_5.jpg",
            (),
            {"pid": "john_smith", "cam": "12", "frame": "5"},
        ),
        ("{cam}/{pid}/{*}", "1.png", ("x", "north", "李"), {"cam": "north", "pid": "李"}),
        (
            "{cam}_{time}",
            "gate_b_20240501_120000.jpg",
            (),
            {"cam": "gate_b", "time": "20240501_120000"},
        ),
        ("{person}-{camera}", "a-b.c.jpg", (), {"pid": "a", "cam": "b.c"}),
        ("{cam}{frame}", "cam12.jpg", (), {"cam": "cam", "frame": "12"}),
        ("{pid:d}_{*}", "12_.bmp", (), {"pid": "12"}),
    ],
)
def test_a_pattern_reads_its_fields(pattern, name, folders, fields):
    assert FieldPattern(pattern).read(name, folders) == fields


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{pid}_c{cam}_{frame}", "7_c2_0012_x.jpg"),  # the whole name has to fit
        ("{pid:d}_{*}", "x12_1.jpg"),
        ("{pid:d}", "12345678901234.jpg"),  # no number of ours
        ("c{cam}", "c.jpg"),
        ("{cam}/{pid}", "a.jpg"),  # no folder there
        ("{time}", "today.jpg"),
    ],
)
def test_a_name_that_does_not_fit_is_not_read(pattern, name):
    assert FieldPattern(pattern).read(name) is None


@pytest.mark.parametrize(
    ("preset", "name", "folders", "fields"),
    [
        (
            "market",
            "1488_c1s6_023021_00.jpg.jpg",
            (),
            {"pid": "1488", "cam": "1", "session": "6", "frame": "023021"},
        ),
        ("market", "-1_c3s2_000451_03.jpg", (), {"pid": "-1", "cam": "3", "session": "2",
                                                 "frame": "000451"}),
        ("duke", "0001_c2_f0046182.jpg", (), {"pid": "0001", "cam": "2", "frame": "0046182"}),
        ("viper", "045_90.bmp", ("cam_b",), {"pid": "045"}),
        ("prid", "person_0007.png", ("single_shot", "cam_a"), {"cam": "cam_a", "pid": "0007"}),
        ("prid", "0001.png", ("cam_b", "person_0007"), {"cam": "cam_b", "pid": "0007"}),
        ("mot", "000012.jpg", ("MOT17-02", "img1"), {"cam": "MOT17-02", "frame": "000012"}),
        ("cvat", "frame_000012.PNG", ("gate",), {"cam": "gate", "frame": "000012"}),
        ("cvat", "frame_000012.PNG", (), {"frame": "000012"}),
        ("coco", "COCO_val2014_000000000139.jpg", (), {"frame": "000000000139"}),
        ("coco", "000000000139.jpg", (), {"frame": "000000000139"}),
        (
            "rendered",
            "000000_s00_c01_f000264.jpg",
            (),
            {"pid": "000000", "scene": "00", "cam": "01", "frame": "000264"},
        ),
    ],
)  # fmt: skip
def test_the_known_layouts(preset, name, folders, fields):
    readings = (FieldPattern(text).read(name, folders) for text in PRESETS[preset].patterns)
    assert next(reading for reading in readings if reading) == fields


@pytest.mark.parametrize(
    "text",
    ["", "pid", "{pid", "pid}", "{pidd}", "{pid}{cam}", "{*}", "{pid}_{pid}", "{pid:x}", "{*:d}",
     "{frame}{session}", "x" * 400 + "{pid}"],
)  # fmt: skip
def test_a_text_that_is_no_pattern_is_refused_in_one_line(text):
    with pytest.raises(InputError) as error:
        FieldPattern(text)
    assert "\n" not in str(error.value)


def test_no_pattern_takes_long_whoever_wrote_it():
    began = time.perf_counter()
    pattern = FieldPattern("_".join(["{pid}", "{cam}"] + ["{*}"] * 60) + "_x")
    for length in (50, 250, 390):
        assert pattern.read("_" * length + ".jpg") is None
        assert pattern.read("_a" * (length // 2) + ".jpg") is None
    assert time.perf_counter() - began < 1.0


def test_the_usual_patterns_are_patterns():
    assert all(FieldPattern(text).fields for text in USUAL_PATTERNS)


@pytest.mark.parametrize(
    ("text", "unit", "rate", "seconds"),
    [
        ("12,5", "seconds", None, 12.5),
        ("1500", "milliseconds", None, 1.5),
        ("50", "frames", 25.0, 2.0),
        ("50", "frames", None, None),
        ("x", "seconds", None, None),
        ("1e999", "seconds", None, None),
    ],
)
def test_times_in_units(text, unit, rate, seconds):
    assert time_of(text, unit, rate) == seconds


@pytest.mark.parametrize(
    "text",
    ["2024-05-01 12:00:00", "2024-05-01T14:00:00+02:00", "20240501T120000", "20240501_120000",
     "2024-05-01_12-00-00", "20240501120000Z"],
)  # fmt: skip
def test_dates_as_file_names_have_them(text):
    assert moment_of(text).isoformat() == "2024-05-01T12:00:00"


def test_what_is_no_date_or_number():
    assert moment_of("20241301120000") is None
    assert moment_of("hello") is None
    assert number_of("1.2.3") is None
    assert number_of("9" * 30) is None
