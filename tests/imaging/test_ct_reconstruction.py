"""What is guaranteed of projections and of filtered back projection."""

import numpy as np
import pytest
import torch

from course_lib.imaging.ct.backprojection import back_project
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.filters import WINDOWS, filter_sinogram, ramp_kernel, ramp_response
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.phantom import Ellipse, ellipse_image, ellipse_sinogram, shepp_logan
from course_lib.imaging.ct.rows import centred

HEAD = shepp_logan(half_width_mm=100, peak=0.1)


def geometry(size, views, arc=180.0):
    return size, 200 / size, np.arange(views) * arc / views, size, 200 / size


def error(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


def test_cells_lie_around_zero():
    np.testing.assert_allclose(centred(4, 2.0), [-3, -1, 1, 3])
    np.testing.assert_allclose(centred(3, 2.0), [-2, 0, 2])


def test_every_view_of_a_phantom_holds_the_same_mass():
    sinogram = ellipse_sinogram(HEAD, [0, 33, 90, 147], 200, 1.0, aperture=True)
    mass = sum(np.pi * e.value * e.half_x_mm * e.half_y_mm for e in HEAD)
    np.testing.assert_allclose(sinogram.sum(axis=1), mass, rtol=1e-9)


def test_the_mean_over_a_detector_cell_is_the_mean_of_many_rays():
    turned = [Ellipse(0.02, 30, 10, x_mm=15, y_mm=-20, angle_deg=25)]
    fine = ellipse_sinogram(turned, [10, 70], 100 * 401, 2 / 401)
    cells = ellipse_sinogram(turned, [10, 70], 100, 2, aperture=True)
    np.testing.assert_allclose(fine.reshape(2, 100, 401).mean(axis=2), cells, atol=1e-4)


def test_picture_and_sinogram_of_a_phantom_have_the_same_axes():
    dot = [Ellipse(1.0, 3, 3, x_mm=40, y_mm=-20)]
    image = ellipse_image(dot, 101, 1.0)
    rows, columns = np.nonzero(image)
    assert (round(columns.mean()), round(rows.mean())) == (90, 30)
    sinogram = ellipse_sinogram(dot, [0, 90], 101, 1.0)
    assert [int(np.argmax(view)) for view in sinogram] == [90, 30]


@pytest.mark.parametrize("size, views, detectors", [(64, 50, 64), (65, 40, 80), (48, 30, 31)])
def test_adjoint_is_the_transpose_of_forward(size, views, detectors):
    random = torch.Generator().manual_seed(size)
    projector = ParallelProjector(size, 1.3, np.linspace(0, 359, views), detectors, 1.7)
    image = torch.rand(size, size, generator=random)
    sinogram = torch.rand(views, detectors, generator=random)
    one = torch.vdot(projector.forward(image).double().ravel(), sinogram.double().ravel())
    two = torch.vdot(image.double().ravel(), projector.adjoint(sinogram).double().ravel())
    assert abs(one - two) < 1e-5 * abs(one)


def test_networks_can_learn_through_the_projector():
    projector = ParallelProjector(32, 1.0, np.arange(20) * 9.0, 32, 1.0)
    image = torch.rand(32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    misfit = projector.forward(image) - 1
    (misfit**2).sum().backward()
    torch.testing.assert_close(image.grad, projector.adjoint(2 * misfit.detach()))


@pytest.mark.parametrize("size", [96, 97])
def test_projection_of_pixels_agrees_with_the_exact_sinogram(size):
    size, pixel, angles, detectors, spacing = geometry(size, 60)
    smooth = [Ellipse(0.02, 70, 50, 10, -8, 30)]
    exact = ellipse_sinogram(smooth, angles, detectors, spacing, aperture=True)
    projector = ParallelProjector(size, pixel, angles, detectors, spacing)
    ours = projector.project(ellipse_image(smooth, size, pixel, 8))
    assert error(ours, exact) < 0.005 * exact.max()


def test_projection_is_linear_and_views_half_a_turn_apart_are_mirrored():
    projector = ParallelProjector(64, 1.0, [20, 200], 64, 1.0)
    image = ellipse_image(shepp_logan(30), 64, 1.0).astype(np.float32)
    view, opposite = projector.project(image)
    np.testing.assert_allclose(view, opposite[::-1], atol=1e-4)
    np.testing.assert_allclose(
        projector.project(3 * image), 3 * projector.project(image), rtol=1e-3
    )


def test_corners_of_the_picture_do_not_reappear_on_the_other_side():
    image = np.zeros((64, 64), np.float32)
    image[0, 0] = 1  # at 45 degrees its shadow falls beside a detector as wide as the picture
    shadow = ParallelProjector(64, 1.0, [45.0], 64, 1.0).project(image)
    assert np.abs(shadow).max() < 0.02


def test_the_ramp_keeps_the_mean_and_grows_in_proportion_to_frequency():
    response = ramp_response(1024, 0.5)
    frequency = np.fft.rfftfreq(1024, 0.5)
    np.testing.assert_allclose(response[1:], frequency[1:], atol=1e-3)
    assert response[0] == pytest.approx(2 / (np.pi**2 * 1024 * 0.5), rel=0.01)  # small, but not 0
    assert ramp_kernel(64, 2.0)[0] == 1 / 16


def test_windows_start_at_one_and_order_from_sharp_to_smooth():
    nyquist = [float(WINDOWS[name](np.array([1.0]))[0]) for name in WINDOWS]
    assert all(WINDOWS[name](np.array([0.0]))[0] == pytest.approx(1) for name in WINDOWS)
    np.testing.assert_allclose(nyquist, [1, 2 / np.pi, 0, 0.08, 0], atol=1e-12)


def test_an_unknown_window_is_named_with_the_choices():
    with pytest.raises(ValueError, match="no window 'lak'; choose one of ram-lak, shepp"):
        ramp_response(64, 1.0, "lak")


@pytest.mark.parametrize("window", list(WINDOWS))
def test_fbp_returns_attenuation_in_1_per_mm(window):
    size, pixel, angles, detectors, spacing = geometry(128, 200)
    disc = [Ellipse(0.02, 60, 60, x_mm=12, y_mm=5)]
    sinogram = ellipse_sinogram(disc, angles, detectors, spacing, aperture=True)
    slice_ = fbp(sinogram, angles, spacing, size, pixel, window)
    inside = ellipse_image([Ellipse(1, 40, 40, 12, 5)], size, pixel) == 1
    assert slice_[inside].mean() == pytest.approx(0.02, rel=0.002)


def test_fbp_of_a_full_turn_is_that_of_half_a_turn():
    size, pixel, _, detectors, spacing = geometry(96, 1)
    pictures = []
    for views, arc in ((150, 180), (300, 360)):
        angles = np.arange(views) * arc / views
        sinogram = ellipse_sinogram(HEAD, angles, detectors, spacing, aperture=True)
        pictures.append(fbp(sinogram, angles, spacing, size, pixel))
    assert error(*pictures) < 1e-5


def test_the_loop_that_students_read_gives_the_same_slice():
    size, pixel, angles, detectors, spacing = geometry(128, 180)
    sinogram = ellipse_sinogram(HEAD, angles, detectors, spacing, aperture=True)
    filtered = filter_sinogram(sinogram, spacing, "hann")
    slow = np.pi * back_project(filtered, angles, spacing, size, pixel)
    fast = fbp(sinogram, angles, spacing, size, pixel, "hann")
    seen = fast != 0  # fbp blanks what not all views see
    assert error(slow[seen], fast[seen]) < 0.006 * fast.max()  # they interpolate differently


def test_pixels_that_some_views_do_not_see_are_blank():
    size, pixel, angles, detectors, spacing = geometry(64, 60)
    slice_ = fbp(np.ones((60, 64)), angles, spacing, size, pixel)
    assert slice_[0, 0] == slice_[-1, 0] == 0
    assert (slice_ != 0).sum() == pytest.approx(np.pi * 32**2, rel=0.01)


def test_the_loop_can_be_told_where_the_axis_is():
    size, pixel, angles, detectors, spacing = geometry(96, 120)
    mistaken = 3 * spacing  # the axis falls this far from the middle of the detector
    positions = centred(detectors + 6, spacing)
    sinogram = filter_sinogram(ellipse_sinogram(HEAD, angles, len(positions), spacing), spacing)
    good = np.pi * back_project(sinogram[:, 3:-3], angles, spacing, size, pixel)
    mended = np.pi * back_project(sinogram[:, :-6], angles, spacing, size, pixel, mistaken)
    broken = np.pi * back_project(sinogram[:, :-6], angles, spacing, size, pixel)
    seen = ellipse_image([Ellipse(1, 88, 88)], size, pixel) == 1  # by every view of all three
    np.testing.assert_allclose(mended[seen], good[seen], atol=1e-9)
    assert error(broken[seen], good[seen]) > 0.05 * good.max()


def test_a_sinogram_with_views_in_columns_is_refused():
    with pytest.raises(ValueError, match="rows must be views"):
        fbp(np.zeros((64, 30)), np.arange(30), 1.0, 64, 1.0)
