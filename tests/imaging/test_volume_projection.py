"""Radiographs of voxels: equal to the closed form of what the voxels were made from."""

import numpy as np
import pytest
import torch

from course_lib.imaging.geometry import film_geometry
from course_lib.imaging.projection import part_lengths
from course_lib.imaging.volume_projection import project_volume
from course_lib.patient.solids import Part, ellipsoids
from course_lib.patient.voxels import Grid, tissue_volumes

PARTS = (Part("ball", "water", "air", ellipsoids([10.0, -5.0, 12.0], [30.0, 45.0, 55.0])),)
GRID = Grid((-80.0, -79.0, -78.0), (1.25, 1.5, 1.0), (160, 108, 130))


@pytest.fixture(scope="module")
def volume():
    return torch.from_numpy(tissue_volumes(PARTS, GRID)["water"])


@pytest.mark.parametrize("distance", [None, 1000.0])
@pytest.mark.parametrize(("view", "turned"), [("PA", 0), ("AP", 0), ("LAT", 0), ("PA", 25)])
def test_the_shadow_of_an_ellipsoid_is_the_closed_form(volume, view, turned, distance):
    film = film_geometry(view, np.array([3.0, 1, 2]), 128, 250, distance, 130, turned)
    shadow, truth = project_volume(volume, GRID, film).numpy(), part_lengths(PARTS, film)["water"]
    assert np.sqrt(np.mean((shadow - truth) ** 2)) < 0.01 * truth.max()
    assert shadow.sum() == pytest.approx(truth.sum(), rel=0.005)


def test_it_can_be_differentiated_in_the_volume(volume):
    film = film_geometry("PA", np.zeros(3), 32, 250, 1000.0)
    voxels = volume.clone().requires_grad_()
    project_volume(voxels, GRID, film).sum().backward()
    # Linear: the sum is the gradient's inner product with the volume.
    total = (voxels.grad * volume).sum()
    assert total.item() == pytest.approx(project_volume(volume, GRID, film).sum().item(), rel=1e-4)


def test_what_it_cannot_do_is_said(volume):
    film = film_geometry("PA", np.zeros(3), 32, 250)
    with pytest.raises(ValueError, match="its grid"):
        project_volume(volume[1:], GRID, film)
    tilted = film_geometry("PA", np.zeros(3), 32, 250)
    object.__setattr__(tilted, "beam", np.array([0.0, -0.8, 0.6]))
    with pytest.raises(ValueError, match="level"):
        project_volume(volume, GRID, tilted)
