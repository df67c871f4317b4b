"""The reference statistics that come with the bundled model."""

from __future__ import annotations

import hashlib
from dataclasses import fields

import numpy as np
import pytest

from qaconv_core.data.resources import resource_path, resources_folder
from qaconv_core.galleries.reference import (
    FILE,
    Reference,
    above_reference,
    read_reference,
    reference_of,
    write_reference,
)
from qaconv_core.matching.correspondences import match_maps
from tests.core.explaining.maps import random_head, unit_maps


def test_it_belongs_to_the_bundled_model():
    content = resource_path("model", "checkpoint.pth.tar").read_bytes()
    found = reference_of(hashlib.sha256(content).hexdigest())
    assert found is not None, "make it anew with tools/make_reference.py"
    assert found.pairs > 100_000
    assert found.std > 0
    assert reference_of("0" * 64) is None
    assert (resources_folder() / FILE).stat().st_size < 20_000


def test_the_parts_add_up_and_strangers_of_the_reference_have_mean_0_and_deviation_1():
    random = np.random.default_rng(4)
    head = random_head(random, (4, 2), "two-sided")
    maps = unit_maps(random, 24, (4, 2))
    matches = [match_maps(a, b, head) for a in maps[:12] for b in maps[12:]]
    logits = np.array([match.logit for match in matches])
    reference = Reference(
        "", np.mean([m.query_contribution for m in matches], axis=0),
        np.mean([m.gallery_contribution for m in matches], axis=0),
        float(logits.mean()), float(logits.std()), len(matches), "random maps",
    )  # fmt: skip
    found = [above_reference(match, reference) for match in matches]
    n = np.array([parts.n for parts in found])
    assert (n.mean(), n.std()) == pytest.approx((0, 1), abs=1e-6)
    for parts in found[:5]:
        assert parts.query.sum() + parts.gallery.sum() == pytest.approx(parts.n, abs=1e-4)
    assert found[0].against == "144 pairs of strangers of random maps"


def test_a_file_is_read_as_it_was_written(tmp_path, monkeypatch):
    made = Reference("a1", np.eye(2), np.ones((2, 2)), -3.5, 2.25, 7, "two sets")
    write_reference(tmp_path / "reference.npz", made)
    read = read_reference(tmp_path / "reference.npz")
    for field in fields(made):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(made, field.name))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "reference.npz").write_bytes(b"damaged")
    monkeypatch.setattr("qaconv_core.galleries.reference.resources_folder", lambda: tmp_path)
    assert reference_of("a1") is None
