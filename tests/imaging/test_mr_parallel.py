"""Coils, SENSE, GRAPPA, noise, compressed sensing: identities, closed forms, Monte Carlo."""

import numpy as np
import pytest

from course_lib.imaging.mr.calibration import estimate_maps
from course_lib.imaging.mr.coils import head_coil, noise_covariance
from course_lib.imaging.mr.compressed import fista, ista, objective
from course_lib.imaging.mr.ellipses import shepp_logan
from course_lib.imaging.mr.encoding import Encoding, single_coil
from course_lib.imaging.mr.exact import coil_kspace, kspace
from course_lib.imaging.mr.fourier import centre_crop, to_image, to_kspace
from course_lib.imaging.mr.grappa import calibrate, fill
from course_lib.imaging.mr.noise import (
    add_noise,
    combine,
    measured_covariance,
    nrmse,
    prewhiten,
    root_sum_of_squares,
)
from course_lib.imaging.mr.sampling import every, variable_density, variable_density_points
from course_lib.imaging.mr.sense import cg_sense, fold, g_factor, pseudo_replicas, unfold
from course_lib.imaging.mr.sparsity import (
    Differences,
    Pixels,
    Wavelets,
    largest_only,
    soft_threshold,
)

N, FOV = 96, 240.0
SHAPE = (N, N)


@pytest.fixture(scope="module")
def scan():
    """Maps, exact k-space of the coils, the image a single perfect coil would give, the body."""
    coils = head_coil(8, FOV)
    subject = shepp_logan(200.0)
    image = to_image(kspace(subject, SHAPE, FOV))
    return coils.maps(SHAPE), coil_kspace(subject, SHAPE, coils), image, np.abs(image) > 0.1


def random_complex(shape, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


@pytest.mark.parametrize("mask", [every(SHAPE, 3), variable_density_points(SHAPE, 3, seed=0)])
def test_the_adjoint_is_the_transpose_and_normal_is_both_in_turn(scan, mask):
    encoding = Encoding(scan[0], mask)
    image, data = random_complex(SHAPE), random_complex((8, *SHAPE), 1)
    left, right = np.vdot(data, encoding.forward(image)), np.vdot(encoding.adjoint(data), image)
    assert abs(left - right) < 1e-5 * abs(left)
    twice = encoding.adjoint(encoding.forward(image))
    assert np.allclose(encoding.normal(image), twice, atol=1e-5 * np.abs(twice).max())
    power = [np.linalg.norm(image)]
    for _ in range(20):
        image = encoding.normal(image)
        power.append(np.linalg.norm(image))
        image = image / power[-1]
    assert power[-1] <= encoding.largest * (1 + 1e-5)


def test_maps_and_mask_of_different_size_are_refused(scan):
    with pytest.raises(ValueError, match="differ in size"):
        Encoding(scan[0], np.ones((8, 8)))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_folding_and_unfolding_with_the_true_maps_gives_the_image_back(scan, factor):
    maps, _, image, _ = scan
    folded = to_image(to_kspace(image) * every(SHAPE, factor))[: N // factor] * factor
    assert np.allclose(folded, fold(image, factor), atol=1e-4)
    data = to_kspace(maps * image) * every(SHAPE, factor)
    assert nrmse(unfold(data, maps, factor), image) < 2e-3
    assert nrmse(cg_sense(data, Encoding(maps, every(SHAPE, factor)), 200), image) < 0.02


def test_two_fold_sense_by_hand():
    """Two pixels, two coils: a1 = 1 p + 0.5 q, a2 = 0.2 p + 1 q."""
    maps = np.array([[[1.0], [0.5]], [[0.2], [1.0]]], np.complex64)
    image = np.array([[3.0], [7.0]], np.complex64)
    data = to_kspace(maps * image)
    data[:, 0] = 0
    assert np.allclose(unfold(data, maps, 2), image, atol=1e-5)
    system = np.array([[1.0, 0.5], [0.2, 1.0]])
    square = system.T @ system
    want = np.sqrt(np.diag(np.linalg.inv(square)) * np.diag(square))
    assert np.allclose(g_factor(maps, 2)[:, 0], want)


def test_rows_that_cannot_be_folded_are_refused(scan):
    with pytest.raises(ValueError, match="divisor"):
        g_factor(scan[0], 7)


def test_conjugate_gradients_solve_the_equations_they_claim_to(scan):
    maps, data, _, _ = scan
    encoding = Encoding(maps, variable_density(SHAPE, 2, seed=0))
    misfit = []
    right = encoding.adjoint(data)
    cg_sense(data, encoding, 30, ridge=0.05, watch=lambda x: misfit.append(
        np.linalg.norm(encoding.normal(x) + 0.05 * x - right)))  # fmt: skip
    assert len(misfit) == 30 and misfit[-1] < 1e-3 * np.linalg.norm(right)


def test_exact_data_of_all_coils_give_the_image_within_what_ringing_allows(scan):
    maps, data, image, body = scan
    assert nrmse(combine(to_image(data), maps), image, body) < 0.03
    assert nrmse(unfold(data * every(SHAPE, 2), maps, 2), image, body) < 0.05


@pytest.mark.parametrize("shared", [0.0, 0.7])
@pytest.mark.parametrize("factor", [2, 3])
def test_the_g_factor_is_what_repeated_noisy_scans_show(scan, shared, factor):
    maps, data, _, body = scan
    covariance = noise_covariance(head_coil(8, FOV), shared)
    g = g_factor(maps, factor, covariance)
    mask = every(SHAPE, factor)
    sd = pseudo_replicas(
        lambda k: unfold(k, maps, factor, covariance), data, 0.01, 60, seed=0,
        covariance=covariance, mask=mask,
    )  # fmt: skip
    full = 1 / np.sqrt(
        np.einsum("crk,cd,drk->rk", maps.conj(), np.linalg.inv(covariance), maps).real
    )
    predicted = 0.01 * g * np.sqrt(factor) * full
    ratio = (sd / predicted)[body]
    assert g[body].min() >= 1 and abs(ratio.mean() - 1) < 0.02
    assert np.percentile(np.abs(ratio - 1), 95) < 2.2 / np.sqrt(2 * 60)


def test_g_grows_with_acceleration_and_knowing_the_covariance_helps(scan):
    maps, *_, body = scan
    mean = [g_factor(maps, factor)[body].mean() for factor in (1, 2, 3, 4)]
    assert np.isclose(mean[0], 1) and np.all(np.diff(mean) > 0)


def test_noise_has_the_covariance_that_was_asked_for_and_prewhitening_removes_it():
    covariance = noise_covariance(head_coil(8, FOV))
    noise = add_noise(np.zeros((8, 80, 80), np.complex64), 1.0, seed=0, covariance=covariance)
    assert np.abs(measured_covariance(noise) - covariance).max() < 0.06
    white = measured_covariance(prewhiten(noise, covariance))
    assert np.abs(white - np.eye(8)).max() < 0.06
    again = add_noise(np.zeros((8, 80, 80), np.complex64), 1.0, seed=0, covariance=covariance)
    assert np.array_equal(noise, again)


def test_fourier_transform_keeps_the_noises_standard_deviation():
    noise = add_noise(np.zeros((64, 64), np.complex64), 0.3, seed=1)
    assert np.isclose(to_image(noise).real.std(), 0.3, rtol=0.03)


@pytest.mark.parametrize("factor, limit", [(2, 0.03), (3, 0.06), (4, 0.15)])
def test_grappa_fills_the_missing_lines(scan, factor, limit):
    _, data, _, _ = scan
    measured = data * every(SHAPE, factor, acs=24)
    filled = fill(measured, calibrate(centre_crop(data, 24), factor))
    assert nrmse(filled, data) < limit
    lines = every(SHAPE, factor, acs=24)[:, 0]
    assert np.array_equal(filled[:, lines], data[:, lines])
    zeros = root_sum_of_squares(to_image(measured))
    truth = root_sum_of_squares(to_image(data))
    assert nrmse(root_sum_of_squares(to_image(filled)), truth) < 0.25 * nrmse(zeros, truth)


def test_grappa_is_exact_where_a_kernel_exists():
    """Two coils that hear waves half a step apart: coil 2's line j is coil 1's line j + 1."""
    lines = random_complex((41, 48))
    data = np.stack([lines[:40], lines[1:]])
    kernel = calibrate(data[:, 10:30], 2, lines=2, columns=1, ridge=0)
    filled = fill(data * every((40, 48), 2), kernel)
    assert np.allclose(filled[:, 1:-2], data[:, 1:-2], atol=1e-3)


def test_too_few_central_lines_are_refused(scan):
    with pytest.raises(ValueError, match="central lines"):
        calibrate(scan[1][:, :6], 3)


def test_maps_from_the_centre_of_kspace_point_where_the_true_maps_point(scan):
    maps, data, image, body = scan
    found = estimate_maps(centre_crop(data, 24, 24), SHAPE)
    unit = maps / root_sum_of_squares(maps)
    alike = np.abs((found * unit.conj()).sum(0))[body]
    assert alike.min() > 0.97 and alike.mean() > 0.998
    assert np.allclose(root_sum_of_squares(found)[body], 1, atol=1e-4)
    assert np.abs(found[:, :6, :6]).max() == 0, "in air there is nothing to learn from"
    mask = every(SHAPE, 2)
    loud = root_sum_of_squares(to_image(data))
    assert nrmse(np.abs(cg_sense(data * mask, Encoding(found, mask), 20)), loud, body) < 0.06


def test_soft_threshold_minimises_what_it_says():
    value, amount = 0.8 * np.exp(0.7j), 0.3
    tries = np.linspace(0, 1, 2001)
    cost = 0.5 * np.abs(tries * np.exp(0.7j) - value) ** 2 + amount * tries
    assert np.isclose(
        soft_threshold(np.array([value]), amount)[0], tries[cost.argmin()] * np.exp(0.7j)
    )
    assert soft_threshold(np.array([0.2j]), amount)[0] == 0


def test_wavelets_are_orthonormal_and_sparser_than_pixels(scan):
    image = scan[2]
    wavelets = Wavelets(SHAPE, levels=3)
    values = wavelets.analyse(image)
    assert values.shape == SHAPE and np.isclose(np.linalg.norm(values), np.linalg.norm(image))
    assert np.allclose(wavelets.join(wavelets.split(image)), image, atol=1e-5)
    lost = {
        name: np.linalg.norm(v - largest_only(v, 0.1))
        for name, v in {"pixels": image, "wavelets": values}.items()
    }
    assert lost["wavelets"] < 0.5 * lost["pixels"]
    with pytest.raises(ValueError, match="divisible"):
        Wavelets((100, 96), levels=4)


def test_the_total_variation_step_minimises_what_it_says(scan):
    image, amount = scan[2] + 0.05 * random_complex(SHAPE), 0.08
    domain = Differences(inner=200)
    field = random_complex((2, *SHAPE), 3)
    inner = np.vdot(field, domain.analyse(image))
    assert abs(inner - np.vdot(domain.adjoint(field), image)) < 1e-4 * abs(inner)

    def cost(x):
        return 0.5 * (np.abs(x - image) ** 2).sum() + amount * domain.penalty(x)

    best = domain.shrink(image, amount)
    for seed in range(5):
        assert cost(best + 0.01 * random_complex(SHAPE, seed)) > cost(best)
    assert cost(0.999 * best + 0.001 * image) >= cost(best) * (1 - 1e-6)


@pytest.mark.parametrize("domain", [Pixels(), Wavelets(SHAPE, levels=3, spin=False), Differences()])
def test_fista_gets_lower_than_ista_in_as_many_steps(scan, domain):
    mask = variable_density_points(SHAPE, 3, 16, seed=2)
    encoding = single_coil(mask)
    data = to_kspace(scan[2])[None] * mask
    reached = {
        method.__name__: objective(
            method(data, encoding, domain, 0.005, 40), data, encoding, domain, 0.005
        )
        for method in (ista, fista)
    }  # fmt: skip
    assert reached["fista"] < reached["ista"]
    values = []
    ista(data, encoding, domain, 0.005, 15, watch=lambda x: values.append(
        objective(x, data, encoding, domain, 0.005)))  # fmt: skip
    assert np.all(np.diff(values) <= 1e-3 * values[0]), "ISTA never climbs"


def test_compressed_sensing_needs_incoherence(scan):
    """As many lines, left out evenly or by chance: only then does sparsity find the anatomy."""
    maps, data, _, body = scan
    weight = root_sum_of_squares(maps)
    truth = root_sum_of_squares(to_image(data))
    error = {}
    for name, mask in {
        "even": every(SHAPE, 4), "chance": variable_density(SHAPE, 4, 10, seed=3),
    }.items():  # fmt: skip
        encoding = Encoding(np.ones((1, *SHAPE)), mask)
        image = fista((to_kspace(scan[2]) * mask)[None], encoding, Differences(), 0.003, 60)
        error[name] = nrmse(image, scan[2])
    assert error["chance"] < 0.5 * error["even"]
    both = Encoding(maps / weight, variable_density(SHAPE, 4, 10, seed=3))
    noisy = add_noise(data, 0.01, seed=0, mask=both.mask)
    plain = nrmse(np.abs(cg_sense(noisy, both, 20)), truth, body)
    sparse = nrmse(np.abs(fista(noisy, both, Differences(), 0.005, 40)), truth, body)
    assert sparse < 0.7 * plain
