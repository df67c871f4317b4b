"""The stand-in demo: drawn the same every time, laid out as Market-1501, timed plausibly."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.stand_in import demo, score
from tools.stand_in.camera import encode, take
from tools.stand_in.people import Person, draw_person, look_alike
from tools.stand_in.scene import DEMO_CAMERAS

ROOT = Path(__file__).resolve().parents[2] / "resources" / "demo"
NAME = re.compile(r"^(-1|\d{4})_c[1-6]s1_\d{6}_\d{2}\.jpg$")


@pytest.fixture(scope="module")
def plan() -> list[demo.Sighting]:
    return demo.plan()


def test_plan_is_the_same_every_time(plan: list[demo.Sighting]) -> None:
    assert demo.plan() == plan
    assert [s.name for s in demo.plan(seed=1)] != [s.name for s in plan]


def test_picture_depends_on_its_sighting_only(plan: list[demo.Sighting]) -> None:
    late, early = demo.photograph(plan[7]), demo.photograph(plan[3])
    np.testing.assert_array_equal(demo.photograph(plan[3]), early)
    np.testing.assert_array_equal(demo.photograph(plan[7]), late)


def test_bundled_picture_is_the_one_the_tool_draws(plan: list[demo.Sighting]) -> None:
    sighting = plan[0]
    with Image.open(ROOT / sighting.split / sighting.name) as picture:
        bundled = np.asarray(picture.convert("RGB"), dtype=float)
    drawn = encode(demo.photograph(sighting), DEMO_CAMERAS[sighting.camid].quality)
    with Image.open(io.BytesIO(drawn)) as picture:
        again = np.asarray(picture.convert("RGB"), dtype=float)
    # Another build of the JPEG or OpenCV library may round differently.
    assert bundled.shape == again.shape
    assert np.abs(bundled - again).mean() < 2.0


def test_bundle_holds_the_planned_files_and_no_others(plan: list[demo.Sighting]) -> None:
    bundled = {p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file()}
    assert bundled == {f"{s.split}/{s.name}" for s in plan}
    assert not (ROOT / "bounding_box_train").exists()
    assert sum(p.stat().st_size for p in ROOT.rglob("*.jpg")) <= 3_000_000


def test_names_are_unique_and_in_market_form(plan: list[demo.Sighting]) -> None:
    names = [s.name for s in plan]
    assert len(set(names)) == len(names)
    assert all(NAME.match(name) for name in names)


def test_counts(plan: list[demo.Sighting]) -> None:
    query = [s for s in plan if s.split == "query"]
    gallery = [s for s in plan if s.split == "bounding_box_test"]
    assert 60 <= len(query) <= 80
    assert 350 <= len([s for s in gallery if s.pid >= 0]) <= 480
    assert {s.pid for s in query} == set(range(1, demo.PEOPLE + 1))
    assert {s.camid for s in query} == {s.camid for s in gallery} == set(range(6))
    distractors = demo.STRANGERS + demo.BADLY_BOXED + demo.EMPTY
    assert sum(s.pid == 0 for s in gallery) == distractors
    assert sum(s.pid == -1 for s in gallery) == demo.JUNK


def test_every_query_has_true_matches_and_junk(plan: list[demo.Sighting]) -> None:
    seen: dict[int, list[int]] = {}
    for s in plan:
        if s.split == "bounding_box_test":
            seen.setdefault(s.pid, []).append(s.camid)
    for s in plan:
        if s.split == "query":
            assert s.camid in seen[s.pid]
            assert sum(camid != s.camid for camid in seen[s.pid]) >= 4


def test_a_walk_takes_minutes_and_a_pass_takes_seconds(plan: list[demo.Sighting]) -> None:
    times: dict[int, dict[int, list[float]]] = {}
    for s in plan:
        if s.pid > 0:
            times.setdefault(s.pid, {}).setdefault(s.camid, []).append(s.frame / demo.FRAME_RATE)
    for cameras in times.values():
        every = [t for pictures in cameras.values() for t in pictures]
        assert 60 < max(every) - min(every) < 430
        assert all(max(t) - min(t) < 10 for t in cameras.values())
    assert max(s.frame for s in plan) <= 999_999


def test_queries_have_company_within_seconds(plan: list[demo.Sighting]) -> None:
    query = [s for s in plan if s.split == "query"]
    near = [
        any(o.pid != s.pid and o.camid == s.camid and abs(o.frame - s.frame) < 750 for o in query)
        for s in query
    ]
    assert np.mean(near) > 0.8


def test_look_alike_differs_in_few_things() -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        person = draw_person(rng)
        other = look_alike(person, rng)
        changed = {
            name
            for name in Person.__dataclass_fields__
            if getattr(person, name) != getattr(other, name) and name != "folds"
        }
        assert changed
        assert len(changed) <= 3


@pytest.mark.parametrize("camid", range(6))
def test_pictures_are_half_as_wide_as_high_and_not_empty(camid: int) -> None:
    camera = DEMO_CAMERAS[camid]
    person = draw_person(np.random.default_rng(1))
    picture = take(camera, person, np.random.default_rng(2), canvas=128)
    empty = take(camera, None, np.random.default_rng(2), canvas=128)
    assert picture.shape == empty.shape == (camera.height, camera.height // 2, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10


def test_measure_agrees_with_a_ranking_done_by_hand() -> None:
    def split(pids: list[int], camids: list[int]) -> score.Split:
        n = len(pids)
        return score.Split([], np.array(pids), np.array(camids), np.zeros(n))

    gallery = split([5, 0, 5, 7, 5], [0, 1, 1, 1, 2])
    # The first picture is junk; hits at ranks 2 and 3: AP = (1/2 + 2/3) / 2.
    row = np.array([[9.0, 8.0, 7.0, 1.0, 6.0]], np.float32)
    found = score.measure(row, split([5], [0]), gallery)
    assert (found.rank1, found.rank5, found.valid) == (0.0, 1.0, 1)
    assert found.mean_ap == pytest.approx((1 / 2 + 2 / 3) / 2)
