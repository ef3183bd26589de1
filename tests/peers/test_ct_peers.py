"""Projection and reconstruction against scikit-image (skipped where it is not installed)."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.imaging.ct.algebraic import sirt
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.phantom import ellipse_image, ellipse_sinogram, shepp_logan

transform = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")

HEAD = shepp_logan()


def error(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


@pytest.mark.parametrize("views", [180, 240, 360, 720])
def test_fbp_of_measured_cells_is_no_worse_at_any_number_of_views(views):
    size, angles = 128, np.arange(views) * 180 / views
    pixel = 2 / size
    truth = ellipse_image(HEAD, size, pixel)
    sinogram = ellipse_sinogram(HEAD, angles, size, pixel, aperture=True)
    # scikit-image turns about pixel size // 2: half a pixel right and below of the middle.
    about = [replace(part, x_mm=part.x_mm - pixel / 2, y_mm=part.y_mm - pixel / 2) for part in HEAD]
    theirs = ellipse_sinogram(about, angles, size + 1, pixel, aperture=True)[:, :size] / pixel
    peer = transform.iradon(theirs.T, -angles, filter_name="ramp", circle=True)
    assert error(fbp(sinogram, angles, pixel, size, pixel), truth) <= error(peer, truth)


def test_projections_agree_on_an_odd_grid_where_centres_are_the_same():
    size, angles = 127, np.arange(60) * 3.0
    image = ellipse_image(HEAD, size, 1 / 63.5).astype(np.float32)
    ours = ParallelProjector(size, 1.0, angles, size, 1.0).project(image)
    peer = transform.radon(image, -angles, circle=True).T
    assert error(ours, peer) < 0.01 * peer.max()


def test_thirty_steps_of_sirt_come_as_near_as_one_sweep_of_the_peers_sart():
    size, angles = 127, np.arange(90) * 2.0
    pixel = 2 / size
    truth = ellipse_image(HEAD, size, pixel)
    sinogram = ellipse_sinogram(HEAD, angles, size, pixel, aperture=True)
    peer = transform.iradon_sart((sinogram / pixel).T, -angles)
    ours = sirt(ParallelProjector(size, pixel, angles, size, pixel), sinogram, 30)
    assert error(ours, truth) < 1.1 * error(peer, truth)
