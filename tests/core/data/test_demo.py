"""What the bundled demo promises: a test split that can be ranked, lifted and explained."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.data import check_dataset, open_dataset, read_image, resource_path
from qaconv_core.data.label_maps import PERSON, read_label_map

MIB = 2**20


@pytest.fixture(scope="module")
def demo():
    return open_dataset("demo")


def test_it_is_a_test_split_of_sixty_people_before_six_cameras(demo):
    report = check_dataset(demo)
    assert report.warnings == ()
    assert report.rejected == ()
    assert report.valid_queries == len(demo.query) > 150
    assert set(demo.query.camids) == set(demo.gallery.camids) == set(range(6))
    people = set(demo.query.pids)
    assert len(people) == 60
    assert people == set(demo.gallery.pids) - {0}
    assert 20 <= (demo.gallery.pids == 0).sum() < len(demo.gallery) / 4


def test_people_walk_so_that_times_can_lift(demo):
    """Somebody seen with another person at one camera is seen with him at the next."""
    times, pids, camids = demo.gallery.times, demo.gallery.pids, demo.gallery.camids
    near, both = 0, 0
    for query in demo.query:
        here = (camids == query.camid) & (np.abs(times - query.time) < 20) & (pids > 0)
        for companion in set(pids[here]) - {query.pid}:
            for cam in set(camids) - {query.camid}:
                own = times[(pids == query.pid) & (camids == cam)]
                other = times[(pids == companion) & (camids == cam)]
                if len(own) and len(other):
                    both += 1
                    near += np.abs(own[:, None] - other).min() < 60
    assert both > 100
    assert near / both > 0.5


def test_few_are_about_at_the_same_time(demo):
    """Temporal lifting tells nothing where everybody lies within its σ of 200 s."""
    apart = np.abs(demo.query.times[:, None] - demo.gallery.times)
    other = demo.query.pids[:, None] != demo.gallery.pids
    assert (apart[other] < 200).mean() < 0.2


def test_every_picture_has_a_label_map_that_shows_a_person(demo):
    shares = []
    for ref in (*demo.query, *demo.gallery):
        labels = read_label_map(ref)
        picture = read_image(ref.path)
        assert labels.shape == (picture.height, picture.width)
        if ref.pid:
            shares.append(np.isin(labels, list(PERSON)).mean())
    assert min(shares) > 0
    assert np.mean(np.array(shares) > 0.05) > 0.98
    assert 0.2 < np.mean(shares) < 0.6


def test_it_is_small():
    pictures = sum(p.stat().st_size for p in resource_path("demo").rglob("*.jpg"))
    labels = sum(p.stat().st_size for p in resource_path("demo", "labels").rglob("*.png"))
    assert pictures <= 6 * MIB
    assert labels <= 1 * MIB
    assert resource_path("model", "checkpoint.pth.tar").stat().st_size <= 12 * MIB
