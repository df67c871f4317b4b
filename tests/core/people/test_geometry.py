"""Meshes, the rasteriser, cameras and boxes against slow, obvious versions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qaconv_core.people import mesh, rasteriser
from qaconv_core.people.boxes import Box, detect, tight_box
from qaconv_core.people.camera import draw_camera
from qaconv_core.people.pose import aim, two_links
from qaconv_core.people.rasteriser import interpolate, perspective, rasterise


def brute_force(xy, depth, faces, size, two_sided):
    """Nearest face (−1: none) at every pixel centre, one pixel and one triangle at a time."""
    out = np.full(size, -1)
    for row in range(size[0]):
        for column in range(size[1]):
            p, best = np.array([column + 0.5, row + 0.5]), np.inf
            for number, face in enumerate(faces):
                a, b, c = xy[face].astype(np.float64)
                matrix = np.stack([b - a, c - a], 1)
                turn = np.linalg.det(matrix)
                if abs(turn) < 1e-5 or (turn > 0 and not two_sided[number]):
                    continue
                v, w = np.linalg.solve(matrix, p - a)
                if v < 0 or w < 0 or v + w > 1:
                    continue
                z = (1 - v - w) * depth[face[0]] + v * depth[face[1]] + w * depth[face[2]]
                if z < best:
                    best, out[row, column] = z, number
    return out


@pytest.mark.parametrize("seed", range(4))
def test_rasteriser_equals_brute_force(seed, monkeypatch):
    if seed == 3:
        monkeypatch.setattr(rasteriser, "CANDIDATES", 50)  # several chunks
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-4, 22, (30, 2)).astype(np.float32)
    depth = rng.uniform(1, 2, 30).astype(np.float32)
    faces = rng.integers(0, 30, (25, 3))
    two_sided = rng.random(25) < 0.5
    size = (15, 18)
    found = rasterise(xy, depth, faces, size, two_sided)
    picture = np.full(size[0] * size[1], -1)
    picture[found.pixel] = found.face
    expected = brute_force(xy, depth, faces, size, two_sided)
    assert (picture.reshape(size) != expected).mean() < 0.005  # centres that lie on an edge
    place = interpolate(xy, faces, found, found.weights)
    np.testing.assert_allclose(place[:, 0] - 0.5, found.pixel % size[1], atol=1e-2)


def test_nothing_in_view_is_no_fragment():
    xy = np.array([[50, 50], [60, 50], [50, 60]], np.float32)
    found = rasterise(xy, np.ones(3, np.float32), np.array([[0, 2, 1]]), (8, 8))
    assert len(found.pixel) == 0


def test_perspective_weights_find_the_place_in_space():
    camera = replace(draw_camera(3, 1), bulge=0.0, frame=(60, 80), focal=70.0)
    corners = np.array([[-1, 0, 5], [1, 0, 5], [0.5, 0, 12]], np.float32)
    xy, depth = camera.project(corners)
    faces = np.array([[0, 1, 2]])
    found = rasterise(xy, -1 / depth, faces, camera.frame, np.ones(1, bool))
    assert len(found.pixel) > 5
    place = interpolate(corners, faces, found, perspective(found, faces, 1 / depth))
    back, _ = camera.project(place)
    np.testing.assert_allclose(back[:, 0] - 0.5, found.pixel % 80, atol=2e-2)
    np.testing.assert_allclose(back[:, 1] - 0.5, found.pixel // 80, atol=2e-2)


@pytest.mark.parametrize("number", range(1, 6))
def test_rays_undo_projection(number):
    camera = draw_camera(11, number)
    rng = np.random.default_rng(number)
    depth = rng.uniform(4, 15, 50)
    xy = rng.uniform(0.1, 0.9, (50, 2)) * [camera.frame[1], camera.frame[0]]
    points = camera.eye + camera.rays(xy[:, 0], xy[:, 1]) * depth[:, None]
    found, along = camera.project(points.astype(np.float32))
    np.testing.assert_allclose(found, xy, atol=0.6)
    np.testing.assert_allclose(along, depth, rtol=1e-4)


def test_cut_leaves_the_positive_part_with_a_straight_edge():
    points, faces = mesh.rounded_box((1, 2, 1), 2, 16, 13)
    pairs, share, kept = mesh.cut(points[:, 1] - 0.3, faces)
    cut = mesh.carry(points, pairs, share)
    assert cut[:, 1].min() == pytest.approx(0.3, abs=1e-5)
    assert kept.max() == len(cut) - 1

    def area(p, f):
        return np.linalg.norm(mesh.normals(p, f)[1], axis=1).sum() / 2

    other = mesh.cut(0.3 - points[:, 1], faces)
    rest = area(mesh.carry(points, other[0], other[1]), other[2])
    assert area(cut, kept) + rest == pytest.approx(area(points, faces), rel=1e-4)


def test_simplify_keeps_vertices_and_shape():
    points, faces = mesh.rounded_box((1, 1, 1), 2, 40, 30)
    kept, coarse = mesh.simplify(points, faces, 0.4)
    assert len(kept) < len(points) / 3
    assert len(np.unique(kept)) == len(kept)
    assert coarse.max() < len(kept)
    _, normal = mesh.normals(points[kept], coarse)
    middle = points[kept][coarse].mean(1)
    assert ((normal * middle).sum(1) > 0).mean() > 0.95  # still faces outwards


BEND = np.array([[0, 0, 0], [0, 2, 1], [0, 3, 3.0]])
SOLIDS = [mesh.rounded_box((1, 2, 1)), mesh.ring(2.0, 0.3), mesh.tube(BEND, 0.4)]


@pytest.mark.parametrize("solid", SOLIDS)
def test_solids_face_outwards(solid):
    points, faces = solid
    normal, _ = mesh.normals(points, faces)
    grown = points + 0.01 * normal

    def volume(p):
        a, b, c = p[faces[:, 0]], p[faces[:, 1]], p[faces[:, 2]]
        return (a * np.cross(b, c)).sum() / 6

    assert volume(grown) > volume(points)


def test_aim_and_two_links():
    rng = np.random.default_rng(1)
    for _ in range(20):
        a, b = rng.normal(size=3), rng.normal(size=3)
        turn = aim(a, b)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)
        np.testing.assert_allclose(turn @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-4)
    start, goal = np.zeros(3), np.array([0.5, -1.0, 0.3])
    first, second = two_links(start, goal, 0.8, 0.7, np.array([0, 0, 1.0]))
    assert np.linalg.norm(first) == pytest.approx(0.8, rel=1e-4)
    assert np.linalg.norm(second) == pytest.approx(0.7, rel=1e-4)
    np.testing.assert_allclose(first + second, goal, atol=1e-5)
    assert first[2] > 0.3 * 0.5


def test_boxes():
    assert Box(0, 0, 10, 10).overlap(Box(5, 0, 10, 10)) == pytest.approx(0.5)
    assert Box(0, 0, 10, 10).overlap(Box(20, 0, 10, 10)) == 0
    tight = tight_box(np.array([[3, 4], [8, 20], [5, 9.0]]))
    assert tight == Box(3, 4, 5, 16)
    rng = np.random.default_rng(0)
    boxes = [detect(Box(100, 50, 60, 200), 0.5, rng) for _ in range(300)]
    assert all(b.overlap(Box(100, 50, 60, 200)) > 0.4 for b in boxes)
    cut = sum(b.top + b.high < 250 - 16 for b in boxes)  # feet outside the box
    assert 15 < cut < 90
