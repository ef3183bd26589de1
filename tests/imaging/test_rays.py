"""Arbitrary rays through solids: closed forms against formulas, films and ray marching."""

import numpy as np
import pytest

from course_lib.imaging.geometry import film_geometry
from course_lib.imaging.projection import part_lengths
from course_lib.imaging.rays import line_lengths, line_spans
from course_lib.patient.cohort import sample_patient
from course_lib.patient.solids import (
    Compound,
    Part,
    box_ellipsoid,
    chains,
    ellipsoids,
    join,
    rotation,
    spline,
)


def some_pieces():
    rng = np.random.default_rng(0)
    return join(
        ellipsoids(rng.normal(0, 40, (3, 3)), rng.uniform(20, 60, (3, 3)), rotation(20, 40, 10)),
        chains(spline([[0, 0, 0], [40, 30, 20], [60, -20, 80]], 12), 8.0, 0.6),
        box_ellipsoid([-40, 20, -30], (30, 20, 40), 12, axis=(0.2, 0, 1)),
    )


def random_rays(count, seed=0):
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(count, 3))
    return rng.normal(0, 30, (count, 3)), directions / np.linalg.norm(
        directions, axis=1, keepdims=True
    )


def lengths(spans, count):
    return np.bincount(spans.ray, spans.leave - spans.enter, minlength=count)


def test_a_sphere_is_crossed_along_the_chord():
    origins, directions = random_rays(300)
    centre = np.array([10.0, -5.0, 7.0])
    spans = line_spans(ellipsoids(centre, [50, 50, 50]), origins, directions)
    offset = centre - origins
    along = (offset * directions).sum(1)
    distance_squared = (offset**2).sum(1) - along**2
    half = np.sqrt(np.maximum(50**2 - distance_squared, 0))
    assert np.allclose(lengths(spans, 300), 2 * half, atol=1e-9)
    assert np.allclose(0.5 * (spans.enter + spans.leave), along[spans.ray])


@pytest.mark.parametrize("kind", ["pieces", "compound"])
def test_spans_hold_exactly_the_points_inside(kind):
    pieces = some_pieces()
    solid = pieces
    if kind == "compound":
        solid = Compound(pieces[:3], within=ellipsoids([0, 0, 0], [80, 60, 70]), minus=pieces[3:])
    origins, directions = random_rays(60, seed=1)
    spans = line_spans(solid, origins, directions)
    t = np.arange(-250, 250, 0.5)
    points = origins[:, None] + t[:, None] * directions[:, None]
    inside = solid.inside(points.reshape(-1, 3))
    count = (inside.sum(0) if kind == "pieces" else inside.astype(int)).reshape(60, -1)
    counted = np.zeros_like(count)
    for ray, enter, leave in zip(*spans, strict=True):
        counted[ray] += (t >= enter) & (t <= leave)
    assert count.max() >= 1 and np.array_equal(count, counted)


def test_spans_of_a_compound_are_disjoint_and_in_order():
    pieces = some_pieces()
    spans = line_spans(Compound(pieces, minus=pieces[1:2]), *random_rays(400, seed=2))
    assert np.all(spans.leave > spans.enter)
    same = spans.ray[1:] == spans.ray[:-1]
    assert same.any() and np.all(spans.enter[1:][same] >= spans.leave[:-1][same])


def test_the_order_of_the_rays_does_not_matter():
    origins, directions = random_rays(500, seed=3)
    shuffled = np.random.default_rng(4).permutation(500)
    one = lengths(line_spans(some_pieces(), origins, directions), 500)
    other = lengths(line_spans(some_pieces(), origins[shuffled], directions[shuffled]), 500)
    assert np.allclose(one[shuffled], other, atol=1e-9)


def test_rays_along_a_cylinder_and_along_its_end_planes():
    tube = chains(np.array([[0, 0, -20], [0, 0, 20.0]]), 5.0)
    origins = [[1, 1, 0], [6, 0, 0], [0, 0, 19.9], [0, 0, 20.1]]
    directions = [[0, 0, 1], [0, 0, 1], [1, 0, 0], [-1, 0, 0]]
    spans = line_spans(tube, origins, directions)
    assert np.allclose(lengths(spans, 4), [40, 0, 10, 0], atol=1e-6)


def test_a_patients_film_has_the_same_path_lengths():
    parts = tuple(
        part
        for part in sample_patient(6).solids
        if isinstance(part.geometry, Compound) or part.name in ("heart", "liver", "vertebrae")
    )
    geometry = film_geometry("PA", np.zeros(3), 24, 300.0, 1500.0)
    expected = part_lengths(parts, geometry)
    u, v = geometry.axes_mm()
    points = geometry.centre + geometry.film_mm * geometry.beam
    points = points + u[None, :, None] * geometry.right + v[:, None, None] * geometry.down
    directions = (points - geometry.source).reshape(-1, 3)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = line_lengths(parts, np.broadcast_to(geometry.source, directions.shape), directions)
    assert set(found) == set(expected)
    for tissue, length in found.items():
        assert np.allclose(length.reshape(24, 24), expected[tissue], atol=0.05), tissue


def test_tissues_add_and_displace_with_their_fraction():
    ball = ellipsoids([0, 0, 0], [30, 30, 30])
    parts = (
        Part("body", "soft_tissue", "air", ball),
        Part("gas", "air", "soft_tissue", ellipsoids([0, 0, 0], [10, 10, 10])),
        Part("haze", "blood", "soft_tissue", ellipsoids([0, 0, 0], [5, 5, 5]), 0.25),
    )
    found = line_lengths(parts, [[0, 0, 100]], [[0, 0, 1]])
    assert "air" not in found
    assert found["soft_tissue"] == pytest.approx(60 - 20 - 2.5)
    assert found["blood"] == pytest.approx(2.5)


def test_nothing_is_met_by_no_rays_and_far_rays():
    ball = ellipsoids([0, 0, 0], [3, 3, 3])
    for solid in (ball, Compound(ball, within=ball, minus=ball)):
        assert len(line_spans(solid, np.zeros((0, 3)), np.zeros((0, 3))).ray) == 0
        assert len(line_spans(solid, [[0, 50, 0]], [[1, 0, 0]]).ray) == 0


def test_wrong_rays_are_refused():
    ball = ellipsoids([0, 0, 0], [3, 3, 3])
    with pytest.raises(ValueError, match="unit vectors"):
        line_spans(ball, [[0, 0, 0]], [[2, 0, 0]])
    with pytest.raises(ValueError, match=r"shape \(N, 3\)"):
        line_spans(ball, [[0, 0]], [[1, 0]])
