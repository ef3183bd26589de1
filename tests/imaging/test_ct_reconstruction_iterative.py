"""What is guaranteed of the system matrix and of the iterative methods."""

import numpy as np
import pytest

from course_lib.imaging.ct.algebraic import MatrixProjector, art, cgls, jumping, sirt
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.phantom import ellipse_image, ellipse_sinogram, shepp_logan
from course_lib.imaging.ct.statistical import (
    ordered_subsets,
    penalised_likelihood,
    penalty_gradient,
)
from course_lib.imaging.ct.system_matrix import (
    ray_weights,
    singular_values,
    solve_directly,
    system_matrix,
)
from course_lib.imaging.ct.total_variation import (
    divergence,
    gradient,
    total_variation,
    total_variation_reconstruction,
)

HEAD = shepp_logan(half_width_mm=100, peak=0.1)


@pytest.fixture(scope="module")
def small():
    """A 24 x 24 system, its picture and its sinogram (the crime is wanted here: W is exact)."""
    angles = np.arange(36) * 5.0
    matrix = system_matrix(24, 8.0, angles, 24, 8.0)
    picture = ellipse_image(HEAD, 24, 8.0)
    return matrix, picture, (matrix @ picture.ravel()).reshape(36, 24)


def error(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


def test_a_ray_along_a_row_spends_one_pixel_in_each():
    pixels, lengths = ray_weights(4, 2.0, 90.0, -1.0)  # y = -1: the second row
    assert sorted(pixels) == [4, 5, 6, 7]
    np.testing.assert_allclose(lengths, 2.0)


def test_a_diagonal_ray_crosses_the_diagonal_pixels():
    pixels, lengths = ray_weights(4, 1.0, 135.0, 0.0)
    assert sorted(pixels) == [0, 5, 10, 15]
    np.testing.assert_allclose(lengths, np.sqrt(2))


def test_the_lengths_of_a_ray_sum_to_its_way_through_the_square():
    for angle in (0, 17, 45, 93, 160):
        _, lengths = ray_weights(10, 1.0, angle, 0.3)
        along = np.abs([np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))])
        if along.max() > 0.9:  # enters and leaves through opposite sides
            assert lengths.sum() == pytest.approx(10 / along.max())


def test_the_matrix_projects_as_the_fourier_projector_does():
    angles = np.arange(30) * 6.0 + 1
    picture = ellipse_image(HEAD, 64, 200 / 64)
    rays = system_matrix(64, 200 / 64, angles, 64, 200 / 64) @ picture.ravel()
    fourier = ParallelProjector(64, 200 / 64, angles, 64, 200 / 64).project(picture)
    assert error(rays, fourier.ravel()) < 0.02 * rays.max()


def test_the_direct_solution_of_a_perfect_measurement_is_the_picture(small):
    matrix, picture, sinogram = small
    np.testing.assert_allclose(solve_directly(matrix, sinogram), picture, atol=1e-8)
    both = solve_directly(matrix, np.stack([sinogram, 2 * sinogram]))
    np.testing.assert_allclose(both, [picture, 2 * picture], atol=1e-8)


def test_too_few_rays_are_refused_without_damping():
    matrix = system_matrix(8, 1.0, np.arange(4) * 45.0, 8, 1.0)  # 32 equations, 64 unknowns
    with pytest.raises(np.linalg.LinAlgError):
        solve_directly(matrix, np.ones((4, 8)))
    assert np.isfinite(solve_directly(matrix, np.ones((4, 8)), damping_mm=0.1)).all()


def test_singular_values_are_those_of_the_svd(small):
    matrix = small[0]
    expected = np.linalg.svd(matrix.toarray(), compute_uv=False)
    np.testing.assert_allclose(singular_values(matrix), expected, rtol=1e-6)


def test_damping_tames_noise(small):
    matrix, picture, sinogram = small
    noisy = sinogram + 0.05 * np.random.default_rng(0).standard_normal(sinogram.shape)
    plain, damped = (error(solve_directly(matrix, noisy, d), picture) for d in (0.0, 5.0))
    assert damped < 0.8 * plain


def test_art_fulfils_the_equations_and_finds_the_picture(small):
    matrix, picture, sinogram = small
    errors = []
    art(matrix, sinogram, 40, watch=lambda _, now: errors.append(error(now, picture)))
    assert errors[-1] < 0.2 * errors[0]


def test_one_step_of_art_fulfils_one_equation():
    matrix = system_matrix(4, 1.0, [90.0], 1, 1.0)  # a single ray
    picture = art(matrix, np.array([[8.0]]), 1)
    assert (matrix @ picture.ravel()).item() == pytest.approx(8)


def test_views_jump_and_each_comes_once():
    order = jumping(30)
    assert sorted(order) == list(range(30))
    assert np.median(np.abs(np.diff(order))) > 5


def test_sirt_never_increases_its_misfit_and_cgls_is_faster(small):
    matrix, picture, sinogram = small
    projector = MatrixProjector(matrix, 36)
    misfits = []
    slow = sirt(
        projector, sinogram, 60, lambda _, x: misfits.append(error(projector.project(x), sinogram))
    )
    assert np.all(np.diff(misfits) < 0)
    assert error(cgls(projector, sinogram, 60), picture) < error(slow, picture)


def test_knowing_that_attenuation_is_not_negative_helps_when_views_are_few():
    angles, pixel = np.arange(20) * 9.0, 200 / 96
    sinogram = ellipse_sinogram(HEAD, angles, 96, pixel, aperture=True)
    truth = ellipse_image(HEAD, 96, pixel)
    projector = ParallelProjector(96, pixel, angles, 96, pixel)
    plain, free = fbp(sinogram, angles, pixel, 96, pixel), sirt(projector, sinogram, 100)
    bound = sirt(projector, sinogram, 100, nonnegative=True)
    assert bound.min() >= 0
    assert error(bound, truth) < 0.7 * min(error(plain, truth), error(free, truth))


def test_too_many_iterations_fit_the_noise():
    angles, pixel = np.arange(90) * 2.0, 200 / 64
    exact = ellipse_sinogram(HEAD, angles, 64, pixel, aperture=True)
    noisy = exact + 0.2 * np.random.default_rng(1).standard_normal(exact.shape)
    truth, errors = ellipse_image(HEAD, 64, pixel), []
    projector = ParallelProjector(64, pixel, angles, 64, pixel)
    cgls(projector, noisy, 40, lambda _, now: errors.append(error(now, truth)))
    assert 2 < np.argmin(errors) < 20
    assert errors[-1] > 1.3 * min(errors)


def test_penalty_slope_is_the_derivative_of_the_penalty():
    random = np.random.default_rng(2)
    picture, direction = random.random((6, 7)), random.random((6, 7))

    def penalty(x):
        total = 0.0
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            a = x[: x.shape[0] - down, max(0, -right) : x.shape[1] - max(0, right)]
            b = x[down:, max(0, right) : x.shape[1] + min(0, right)]
            total += np.sum((a - b) ** 2) / 2 / np.hypot(down, right)
        return total

    step = 1e-5
    change = (penalty(picture + step * direction) - penalty(picture - step * direction)) / 2 / step
    slope, _ = penalty_gradient(picture)
    assert np.sum(slope * direction) == pytest.approx(change, rel=1e-4)


def low_dose(blank=300.0, size=96, views=120):
    angles, pixel = np.arange(views) * 180 / views, 300 / size
    body = shepp_logan(half_width_mm=150, peak=0.08)
    exact = ellipse_sinogram(body, angles, size, pixel, aperture=True)
    counts = np.random.default_rng(3).poisson(blank * np.exp(-exact)).astype(np.float32)
    return body, angles, pixel, counts


def test_photon_statistics_beat_fbp_at_low_dose():
    blank, size = 3000.0, 96
    body, angles, pixel, counts = low_dose(blank)
    truth = ellipse_image(body, size, pixel)
    logs = np.log(blank / np.maximum(counts, 0.5))
    best_fbp = min(
        (fbp(logs, angles, pixel, size, pixel, window) for window in ("ram-lak", "hann")),
        key=lambda picture: error(picture, truth),
    )
    projectors, dealt = ordered_subsets(counts, angles, pixel, size, pixel, 6)
    picture = penalised_likelihood(projectors, dealt, blank, best_fbp, 12, strength=3e5, huber=5e-4)
    assert picture.min() >= 0
    assert error(picture, truth) < 0.8 * error(best_fbp, truth)


def test_counts_of_zero_do_no_harm():
    _, angles, pixel, counts = low_dose(blank=20.0, size=48, views=40)
    assert (counts == 0).any()
    projectors, dealt = ordered_subsets(counts, angles, pixel, 48, pixel, 4)
    start = np.full((48, 48), 0.01)
    assert np.isfinite(penalised_likelihood(projectors, dealt, 20.0, start, 5, 1e4)).all()


def test_subsets_share_all_views():
    counts = np.arange(30)[:, None] * np.ones(48)
    _, dealt = ordered_subsets(counts, np.arange(30) * 6.0, 1.0, 48, 1.0, 4)
    assert sorted(np.concatenate(dealt)[:, 0]) == list(range(30))


def test_divergence_is_minus_the_transpose_of_gradient():
    random = np.random.default_rng(4)
    picture, slopes = random.random((5, 6)), random.random((2, 5, 6))
    assert np.vdot(gradient(picture), slopes) == pytest.approx(
        -np.vdot(picture, divergence(slopes))
    )


def test_total_variation_of_a_square_is_its_edge_times_its_height():
    picture = np.zeros((20, 20))
    picture[5:15, 5:15] = 3
    assert total_variation(picture) == pytest.approx(3 * 40, rel=0.03)


def test_total_variation_finds_the_head_from_thirty_views():
    angles, pixel = np.arange(30) * 6.0, 200 / 96
    sinogram = ellipse_sinogram(HEAD, angles, 96, pixel, aperture=True)
    truth = ellipse_image(HEAD, 96, pixel)
    projector = ParallelProjector(96, pixel, angles, 96, pixel)
    picture = total_variation_reconstruction(projector, sinogram, 200, strength=3e-5)
    assert error(picture, truth) < 0.4 * error(fbp(sinogram, angles, pixel, 96, pixel), truth)
