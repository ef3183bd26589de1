"""Solids: what lies inside, how they are built, and what is refused."""

import numpy as np
import pytest

from course_lib.patient.solids import (
    Compound,
    aligned,
    box_ellipsoid,
    chains,
    cut,
    ellipsoids,
    grow,
    join,
    rotation,
    sheared_ellipsoid,
    spline,
)


def volume(solid, half_mm=60.0, step_mm=1.0):
    """Volume in mm3 by counting grid points."""
    axis = np.arange(-half_mm, half_mm, step_mm) + step_mm / 2
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    inside = solid.inside(points)
    inside = inside.any(0) if inside.ndim == 2 else inside
    return inside.sum() * step_mm**3


def test_ellipsoid_has_its_volume_however_it_is_turned():
    expected = 4 / 3 * np.pi * 20 * 30 * 40
    for turn in (None, rotation(30, 50, 70), aligned([1, 2, -3])):
        assert volume(ellipsoids([1, 2, 3], [20, 30, 40], turn)) == pytest.approx(
            expected, rel=5e-3
        )


def test_shear_keeps_the_volume_and_leans_the_top():
    leaning = sheared_ellipsoid([0, 0, 0], [20, 20, 40], (0.5, 0))
    assert volume(leaning) == pytest.approx(4 / 3 * np.pi * 20 * 20 * 40, rel=5e-3)
    assert leaning.inside(np.array([[17.5, 0, 35.0]]))[0, 0]
    assert not leaning.inside(np.array([[-17.5, 0, 35.0]]))[0, 0]


def test_mitred_chain_has_neither_gap_nor_overlap():
    bent = chains(np.array([[-40, 0, 0], [0, 0, 10], [20, 15, 30], [40, 15, 30.0]]), 6.0)
    axis = np.arange(-50, 50, 1.0) + 0.5
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    count = bent.inside(points).sum(0)
    assert count.max() == 1
    line = spline([[-39, 0, 0.25], [0, 0, 10]], 50)
    assert (bent.inside(line).sum(0) >= 1).all()


def test_flat_tube_is_thin_across_up():
    rib = chains(np.array([[-30, 0, 0], [30, 0, 0.0]]), 6.0, flat=0.5)
    assert rib.inside(np.array([[0, 0, 5.5]]))[0, 0]
    assert not rib.inside(np.array([[0, 5.5, 0]]))[0, 0]
    assert rib.inside(np.array([[0, 2.5, 0]]))[0, 0]


def test_compound_is_union_within_without():
    ball = ellipsoids([[0, 0, 0], [10, 0, 0]], [20, 20, 20])
    left = cut(ellipsoids([0, 0, 0], [50, 50, 50]), [1, 0, 0], [0, 0, 0])
    hole = ellipsoids([-5, 0, 0], [5, 5, 5])
    solid = Compound(ball, within=left, minus=hole)
    points = np.array([[-15, 0, 0], [5, 0, 0], [-5, 0, 0], [-25, 0, 0.0]])
    assert solid.inside(points).tolist() == [True, False, False, False]


def test_bounding_boxes_hold_their_pieces():
    rng = np.random.default_rng(3)
    pieces = join(
        ellipsoids(rng.normal(0, 10, (4, 3)), rng.uniform(5, 30, (4, 3)), rotation(20, 40, 60)),
        chains(spline(rng.normal(0, 30, (4, 3)), 16), 4.0),
        box_ellipsoid([0, 0, 0], (20, 15, 40), 8, axis=(0.3, 0, 1)),
    )
    points = rng.uniform(-80, 80, (40_000, 3))
    inside = pieces.inside(points)
    boxed = (np.abs(points[None] - pieces.centre[:, None]) <= pieces.half[:, None]).all(-1)
    assert not (inside & ~boxed).any()


def test_growing_adds_a_margin_and_spares_the_cuts():
    ball = cut(ellipsoids([0, 0, 0], [20, 20, 20]), [0, 0, 1], [0, 0, 5])
    larger = grow(ball, 2.0)
    points = np.array([[21.5, 0, 0], [0, 0, 6.0], [0, 0, 4.0]])
    assert larger.inside(points)[0].tolist() == [True, False, True]


def test_wrong_solids_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="positive lengths"):
        ellipsoids([0, 0, 0], [10, 0, 10])
    slab = box_ellipsoid([0, 0, 0], (10, 10, 10), 3)
    with pytest.raises(ValueError, match="two cutting planes"):
        cut(slab, [1, 0, 0], [0, 0, 0])
