"""Spiral CT: interpolation between turns, slice profiles, artefacts, times."""

import numpy as np
import pytest

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.helical import (
    Spiral,
    interpolation,
    sequential_seconds,
    slice_profile,
    slice_sinogram,
    spiral_scan,
    table_heights,
    width_at_half,
)
from course_lib.imaging.ct.sinogram import tissue_sinogram
from course_lib.patient.solids import Part, chains, ellipsoids

METHODS = ("none", "360LI", "180LI")
SMALL = {"views": 24, "detectors": 48, "spacing_mm": 5.0}
PILLAR = (
    Part("pillar", "soft_tissue", "air", ellipsoids([10, -8, 0], [90, 60, 1e6])),
    Part("core", "bone_spongy", "soft_tissue", ellipsoids([30, 10, 0], [20, 15, 1e6])),
)
Z = np.linspace(-20, 20, 4001)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_body_that_is_the_same_at_all_heights_loses_nothing(method, rows):
    spiral = Spiral(rows=rows, row_mm=4.0, pitch=1.3, **SMALL)
    values, beam = slice_sinogram(spiral_scan(PILLAR, spiral, -20, 20), 1.0, method)
    lengths = tissue_sinogram(PILLAR, 0.0, beam)
    exact = sum(float(linear_attenuation(tissue, 70.0)) * mm for tissue, mm in lengths.items())
    assert np.allclose(values, exact, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("pitch", [0.7, 1.0, 1.5])
def test_interpolated_readings_balance_at_the_slices_height(rows, pitch):
    spiral = Spiral(rows=rows, pitch=pitch, **SMALL)
    heights = table_heights(spiral, -60, 60)
    for method in ("360LI", "180LI"):
        for view in range(12):
            mix = interpolation(spiral, heights, 3.3, view, method)
            z = heights[mix.reading] + spiral.row_heights_mm[mix.row]
            assert mix.weight.sum() == pytest.approx(1)
            assert mix.weight @ z == pytest.approx(3.3)
            turned = mix.reading % spiral.views - view
            assert np.array_equal(mix.flipped, turned == 12) and set(turned) <= {0, 12}


@pytest.mark.parametrize(("method", "turns"), [("360LI", 1.0), ("180LI", 0.5)])
@pytest.mark.parametrize("pitch", [1.0, 1.5, 2.0])
def test_the_slice_profile_is_a_box_convolved_with_a_triangle(method, turns, pitch):
    """Polacin, Kalender, Marchal, Radiology 185 (1992) 29: the box is the row, the triangle the
    interpolation, whose half base is the feed of one turn or of half a turn."""
    spiral = Spiral(row_mm=5.0, pitch=pitch, views=360)
    triangle = np.maximum(1 - np.abs(Z) / (turns * spiral.feed_mm), 0)
    box = (np.abs(Z) <= 2.5).astype(float)
    expected = np.convolve(triangle, box, "same")
    expected /= expected.sum() * 0.01
    profile = slice_profile(spiral, Z, method)
    assert profile.sum() * 0.01 == pytest.approx(1, abs=0.01)
    assert np.abs(profile - expected).max() < 0.02 * expected.max()


def test_published_widths_of_the_slice_profile():
    """Relative to the row: 1.27 at pitch 1 with 360LI, 1.0 with 180LI, and 1.27 at pitch 2."""
    widths = {
        (method, pitch): width_at_half(Z, slice_profile(Spiral(pitch=pitch), Z, method)) / 5.0
        for method in METHODS[1:]
        for pitch in (1.0, 2.0)
    }
    assert widths["360LI", 1.0] == pytest.approx(1.27, abs=0.02)
    assert widths["180LI", 1.0] == pytest.approx(1.0, abs=0.02)
    assert widths["180LI", 2.0] == pytest.approx(1.27, abs=0.02)
    assert widths["360LI", 2.0] > 2


def test_without_interpolation_a_leaning_rod_is_torn_and_180li_mends_it_best():
    rod = (Part("rod", "bone_cortical", "air", chains([[-60, 0, -60], [60, 0, 60.0]], 8.0)),)
    spiral = Spiral(row_mm=2.0, pitch=1.5, **SMALL)
    data = spiral_scan(rod, spiral, -20, 20)
    errors = []
    for method in METHODS:
        values, beam = slice_sinogram(data, 0.0, method)
        exact = float(linear_attenuation("bone_cortical", 70.0)) * np.asarray(
            tissue_sinogram(rod, 0.0, beam)["bone_cortical"]
        )
        errors.append(np.abs(values - exact).mean())
    assert errors[2] < 0.8 * errors[1] and errors[2] < 0.8 * errors[0]


def test_four_rows_are_like_one_row_with_a_quarter_of_the_pitch():
    """Rows that run where the single row runs four turns later see the same heights."""
    ball = (Part("ball", "soft_tissue", "air", ellipsoids([0, 10, 0], [50, 40, 12])),)
    one = spiral_scan(ball, Spiral(rows=1, row_mm=2.0, pitch=1.0, **SMALL), -30, 30, heights=1)
    four = spiral_scan(ball, Spiral(rows=4, row_mm=2.0, pitch=1.0, **SMALL), -30, 30, heights=1)
    assert len(one.z_mm) > 3.5 * len(four.z_mm)
    pictures = [slice_sinogram(data, 0.5, "180LI")[0] for data in (one, four)]
    assert np.abs(pictures[0] - pictures[1]).max() < 0.15 * pictures[0].max()
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.02 * pictures[0].mean()


def test_times_and_doses_of_a_chest():
    assert Spiral(rows=1, row_mm=10.0, pitch=1.0, rotation_s=1.0).seconds(300.0) == 31.0
    many = Spiral(rows=64, row_mm=0.625, pitch=1.375, rotation_s=0.35)
    assert many.feed_mm == pytest.approx(55.0) and 2 < many.seconds(300.0) < 2.5
    assert sequential_seconds(300.0, 10.0, rotation_s=1.0, pause_s=2.0) == 30 + 58
    assert Spiral(pitch=2.0).effective_mas(100.0) == 50.0


def test_impossible_spirals_are_refused():
    with pytest.raises(ValueError, match="must be positive"):
        Spiral(pitch=0.0)
    with pytest.raises(ValueError, match="must be even"):
        Spiral(views=7)
    with pytest.raises(ValueError, match="end above its start"):
        spiral_scan(PILLAR, Spiral(**SMALL), 10, 0)
    with pytest.raises(ValueError, match="not enclosed by the scan"):
        slice_sinogram(spiral_scan(PILLAR, Spiral(**SMALL), 0, 20), 90.0)
