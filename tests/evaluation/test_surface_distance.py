"""Surface distances: by hand, by brute force, in three conventions, and with empty masks."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter
from scipy.spatial.distance import cdist

from course_lib.evaluation.surface_distance import (
    CONVENTIONS,
    hausdorff,
    hausdorff_percentile,
    surface_distances,
)
from course_lib.evaluation.surface_facets import facets

SPACING = (2.5, 0.97, 0.8)


def blob(seed, shape=(12, 24, 20)):
    noise = np.random.default_rng(seed).normal(size=shape)
    return gaussian_filter(noise, 2.5) > 0.02


def test_two_lone_voxels():
    """2 mm apart: half the facets of one are 2 mm from the other, half 1 mm."""
    one, two = np.zeros((2, 5, 5, 5), dtype=bool)
    one[1, 1, 1], two[1, 1, 3] = True, True
    found = surface_distances(one, two, (1.0, 1.0, 1.0))
    assert found.hausdorff == 2
    assert found.averages == pytest.approx((1.5, 1.5))
    assert found.surface_dice(1.0) == pytest.approx(0.5)


def test_a_cube_one_slice_further():
    """Cubes shifted by one slice of 2 mm: figures of the test suite of surface-distance."""
    one, two = np.zeros((2, 100, 100, 100), dtype=bool)
    one[:50], two[:51] = True, True
    found = surface_distances(one, two, (2.0, 1.0, 1.0))
    assert found.averages == pytest.approx((0.322, 0.339), abs=5e-4)
    assert found.surface_dice(1.0) == pytest.approx(0.836, abs=5e-4)
    assert found.hausdorff == 2


@pytest.mark.parametrize("seed", range(3))
def test_brute_force_finds_the_same_distances(seed):
    one, two = blob(seed), blob(seed + 10)
    edges = [np.argwhere(m & ~binary_erosion(m)) * SPACING for m in (one, two)]
    between = cdist(*edges)
    found = surface_distances(one, two, SPACING, "monai")
    np.testing.assert_allclose(found.of_reference, np.sort(between.min(axis=1)), atol=1e-8)
    np.testing.assert_allclose(found.of_predicted, np.sort(between.min(axis=0)), atol=1e-8)
    assert found.hausdorff == pytest.approx(max(between.min(0).max(), between.min(1).max()))
    scipy_way = [np.percentile(between.min(axis=a), 95) for a in (0, 1)]
    assert hausdorff_percentile(one, two, SPACING, 95, "monai") == pytest.approx(max(scipy_way))
    pooled = np.concatenate([between.min(axis=0), between.min(axis=1)])
    assert hausdorff_percentile(one, two, SPACING, 95, "simpleitk") == pytest.approx(
        np.percentile(pooled, 95)
    )


def test_facets_of_a_large_ball_add_up_to_its_surface():
    """4 pi r^2, in voxels that are no cubes. Facets of a voxel grid overestimate by 5 to 10 %."""
    spacing, radius = np.array([1.0, 0.5, 0.8]), 15.0
    axes = [np.arange(-16, 16 + step, step) for step in spacing]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    _, areas = facets(z**2 + y**2 + x**2 <= radius**2, spacing)
    assert 1.0 < areas.sum() / (4 * np.pi * radius**2) < 1.12


def test_contours_of_a_picture_are_lengths():
    square = np.zeros((12, 12), dtype=bool)
    square[3:9, 3:7] = True  # 6 rows of 2 mm, 4 columns of 1 mm, four corners cut off
    _, lengths = facets(square, np.array([2.0, 1.0]))
    straight = 2 * 5 * 2.0 + 2 * 3 * 1.0
    assert lengths.sum() == pytest.approx(straight + 4 * np.hypot(2, 1) / 2)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_symmetry_identity_and_growth(convention):
    one, two = blob(4), blob(5)
    there = hausdorff_percentile(one, two, SPACING, 95, convention)
    assert there == hausdorff_percentile(two, one, SPACING, 95, convention)
    assert hausdorff_percentile(one, one, SPACING, 95, convention) == 0
    doubled = tuple(2 * s for s in SPACING)
    assert hausdorff_percentile(one, two, doubled, 95, convention) == pytest.approx(2 * there)
    whole = hausdorff_percentile(one, two, SPACING, 100, convention)
    assert whole >= there
    assert surface_distances(one, two, SPACING, convention).assd <= there


def test_the_conventions_agree_on_a_pure_shift_and_differ_on_hd95():
    """Moved by 3 columns of 1 mm, HD is 3 mm whatever the surface is made of; HD95 is not."""
    disc = np.hypot(*np.mgrid[-20:21, -20:21]) <= 12
    moved = np.roll(disc, 3, axis=1)
    whole = {surface_distances(disc, moved, (1, 1), c).hausdorff for c in CONVENTIONS}
    assert whole == {3.0}
    one, two = blob(6), blob(7)
    found = {hausdorff_percentile(one, two, SPACING, 95, c) for c in CONVENTIONS}
    assert len(found) == 3


def test_the_rest_of_the_image_does_not_matter():
    one, two = blob(8), blob(9)
    padded = [np.pad(m, ((3, 1), (0, 7), (2, 2))) for m in (one, two)]
    for convention in CONVENTIONS:
        near = surface_distances(one, two, SPACING, convention)
        far = surface_distances(*padded, SPACING, convention)
        np.testing.assert_array_equal(near.of_reference, far.of_reference)


def test_empty_masks():
    empty, block = np.zeros((2, 6, 6, 6), dtype=bool)
    block[2:4, 2:4, 2:4] = True
    for one, two in ((block, empty), (empty, block)):
        found = surface_distances(one, two, (1, 1, 1))
        assert found.hausdorff == found.assd == np.inf
        assert found.surface_dice(2.0) == 0
        for convention in CONVENTIONS:
            assert hausdorff_percentile(one, two, (1, 1, 1), 95, convention) == np.inf
    nothing = surface_distances(empty, empty, (1, 1, 1))
    assert np.isnan([nothing.hausdorff, nothing.assd, nothing.surface_dice(1)]).all()
    assert np.isnan(hausdorff(empty, empty, (1, 1, 1)))
    assert np.isnan(hausdorff_percentile(empty, empty, (1, 1, 1)))


def test_misuse_is_named():
    block = np.ones((4, 4), dtype=bool)
    with pytest.raises(ValueError, match="no known convention"):
        surface_distances(block, block, (1, 1), "mine")
    with pytest.raises(ValueError, match="2 or 3 axes"):
        surface_distances(block[0], block[0], (1,))
    with pytest.raises(ValueError, match="percentile"):
        hausdorff_percentile(block, block, (1, 1), 950)
    with pytest.raises(ValueError, match="tolerance"):
        surface_distances(block, block, (1, 1)).surface_dice(-1)
