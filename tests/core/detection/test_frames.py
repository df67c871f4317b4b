"""Which frames of a video are looked at, and what a file tells of its start."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest

from qaconv_core.detection.frames import Sampling, Video, VideoError, start_in_metadata
from qaconv_core.detection.sources import moment_in_name
from qaconv_core.errors import InputError
from tests.core.detection.made import write_uneven_video, write_video


def numbers(path, sampling, after=-1):
    with Video(path) as video:
        return [frame.number for frame in video.frames(sampling, after)]


def test_frames_by_interval_and_where_to_go_on(tmp_path):
    path = write_video(tmp_path / "v.avi", frames=30, rate=10)
    assert numbers(path, Sampling(2)) == [0, 5, 10, 15, 20, 25]
    assert numbers(path, Sampling(None)) == list(range(30))
    assert numbers(path, Sampling(1000)) == list(range(30))
    assert numbers(path, Sampling(2), after=10) == [15, 20, 25]
    with Video(path) as video:
        assert video.expected(Sampling(2)) == 6
        times = [frame.time for frame in video.frames(Sampling(2))]
        assert times == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=0.01)
        assert video.shortfall() == ""
    with Video(path) as video:
        assert [frame.number for frame in video.pictures_at({3, 7, 99})] == [3, 7]


def test_a_broken_frame_ends_nothing_and_is_counted(tmp_path):
    path = write_video(tmp_path / "v.avi", frames=30, rate=10)
    data = bytearray(path.read_bytes())
    place = data.find(b"movi") + 4
    for number in range(13):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if number in (10, 11, 12):
            data[place + 8 : place + 8 + size] = bytes(size)
        place += 8 + size + size % 2
    path.write_bytes(data)
    assert numbers(path, Sampling(None)) == [*range(10), *range(13, 30)]
    assert numbers(path, Sampling(2)) == [0, 5, 13, 18, 23, 28]
    with Video(path) as video:
        assert [frame.number for frame in video.pictures_at({9, 11, 13})] == [9, 13]
    with Video(path) as video:
        assert len(list(video.frames(Sampling(None)))) == 27
        assert video.shortfall() == ""


def test_a_whole_video_of_variable_rate_is_not_called_cut_short(tmp_path):
    times = [number / 25 for number in range(25)] + [4.0 + number for number in range(16)]
    path = write_uneven_video(tmp_path / "v.mkv", times)
    with Video(path) as video:
        video.count = round(20 * video.rate)  # what FFmpeg makes of a file that tells its length
        assert len(list(video.frames(Sampling(None)))) == len(times) < 0.9 * video.count
        assert video.shortfall() == ""
    with Video(path) as video:
        video.count = round(40 * video.rate)
        list(video.frames(Sampling(None)))
        assert video.shortfall().startswith("ends after 19 of 40 seconds")


def test_a_rate_that_makes_no_sense_and_a_folder_are_refused(tmp_path):
    for rate in (0, -1, float("nan"), 1e9):
        with pytest.raises(InputError, match="frames a second"):
            Sampling(rate)
    with pytest.raises(VideoError, match="a folder"):
        Video(tmp_path)


def movie(seconds, version=0, cut=None):
    """An MP4 with nothing but a header that was made ``seconds`` after 1904."""
    form = ">B3xQQ" if version else ">B3xII"
    header = struct.pack(form, version, seconds, seconds) + bytes(80)
    atom = struct.pack(">I4s", 8 + len(header), b"mvhd") + header
    moov = struct.pack(">I4s", 8 + len(atom), b"moov") + atom
    return (struct.pack(">I4s", 16, b"ftyp") + b"isomisom" + moov)[:cut]


def test_the_start_is_read_from_metadata(tmp_path):
    path = tmp_path / "v.mp4"
    moment = datetime(2024, 5, 1, 12, 30)
    seconds = int((moment - datetime(1904, 1, 1)).total_seconds())
    for version in (0, 1):
        path.write_bytes(movie(seconds, version))
        assert start_in_metadata(path) == moment
    for data in (movie(0), movie(seconds, cut=40), b"", b"\0" * 64, movie(2**63, 1)):
        path.write_bytes(data)
        assert start_in_metadata(path) is None


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("north_20240501_120000.mp4", datetime(2024, 5, 1, 12)),
        ("2024-05-01 12-30-59 gate.avi", datetime(2024, 5, 1, 12, 30, 59)),
        ("gate_20241301_120000.mp4", None),
        ("gate_000123.mp4", None),
    ],
)
def test_the_start_is_read_from_names(name, moment):
    assert moment_in_name(name) == moment
