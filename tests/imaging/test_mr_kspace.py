"""Fourier transform, exact k-space, sampling, partial Fourier, ringing: against closed forms."""

import numpy as np
import pytest
import torch

from course_lib.imaging.mr.coils import CoilArray, head_coil, noise_covariance
from course_lib.imaging.mr.ellipses import Ellipse, EllipseSubject, shepp_logan
from course_lib.imaging.mr.exact import BodySlice, coil_kspace, kspace, kspace_of
from course_lib.imaging.mr.fourier import (
    centre_crop,
    k_axis,
    pixel_axis,
    to_image,
    to_kspace,
    zero_pad,
)
from course_lib.imaging.mr.partial_fourier import homodyne, pocs, strip, zero_filled
from course_lib.imaging.mr.sampling import (
    every,
    on_grid,
    partial,
    point_spread,
    radial_path,
    spiral_path,
    variable_density,
    variable_density_points,
)
from course_lib.imaging.mr.sequences import SpinEcho, weights
from course_lib.imaging.mr.slices import tissue_slice, weighted
from course_lib.imaging.mr.windows import WINDOWS, windowed
from course_lib.patient.head import head_parts
from course_lib.patient.solids import Compound, Part, ellipsoids

FOV = 240.0


def noisy_image(shape, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


@pytest.mark.parametrize("shape", [(16, 16), (15, 16), (3, 9, 7)])
def test_going_to_kspace_and_back_changes_nothing(shape):
    image = noisy_image(shape)
    assert to_kspace(image).dtype == np.complex64
    assert np.allclose(to_image(to_kspace(image)), image, atol=1e-5)
    assert np.isclose(np.linalg.norm(to_kspace(image)), np.linalg.norm(image), rtol=1e-5)


def test_the_callers_array_is_left_alone():
    image = noisy_image((15, 15))
    before = image.copy()
    to_kspace(image), to_image(image)
    assert np.array_equal(image, before)


def test_torch_and_numpy_agree():
    image = noisy_image((2, 15, 16))
    for transform in (to_kspace, to_image):
        assert np.allclose(transform(torch.from_numpy(image)).numpy(), transform(image), atol=1e-5)


@pytest.mark.parametrize("count", [8, 9])
def test_the_centre_of_kspace_is_the_sum_of_the_image_and_waves_count_from_it(count):
    image = noisy_image((count, count))
    k = to_kspace(image)
    assert np.isclose(k[count // 2, count // 2], image.sum() / count, rtol=1e-4)
    wave = np.exp(2j * np.pi * (np.arange(count) - count // 2) / count)
    k = to_kspace(np.repeat(wave[None], count, 0).astype(np.complex64))
    assert np.argmax(np.abs(k)) == np.ravel_multi_index((count // 2, count // 2 + 1), k.shape)
    assert np.isclose(k.max(), count, rtol=1e-4)


def test_an_ellipses_transform_is_its_area_at_the_centre_and_agrees_with_a_fine_sum():
    ellipse = Ellipse(0.7, (12.0, -20.0), (50.0, 30.0), 25.0)
    assert np.isclose(ellipse.signal(np.zeros(1), np.zeros(1))[0], 0.7 * np.pi * 50 * 30)
    step = 0.1
    x = np.arange(-80, 80, step) + step / 2
    picture = 0.7 * ellipse.covers(x[None], x[:, None])
    k = np.array([-0.03, -0.004, 0.011])
    waves = np.exp(-2j * np.pi * k[:, None] * x)
    summed = waves @ picture @ waves.T * step**2
    assert np.allclose(EllipseSubject([ellipse]).signal(k, k), summed, atol=0.002 * 0.7 * 4712)


@pytest.mark.parametrize("shape", [(64, 64), (65, 80)])
def test_the_image_of_exact_kspace_lies_where_the_subject_lies(shape):
    subject = EllipseSubject([Ellipse(2.0, (31.0, -17.0), (25.0, 18.0))])
    image = to_image(kspace(subject, shape, (FOV, 200.0))).real
    power = image**2  # the rings around it weigh next to nothing
    y, x = pixel_axis(shape[0], FOV), pixel_axis(shape[1], 200.0)
    assert np.isclose((power * x).sum() / power.sum(), 31.0, atol=0.2)
    assert np.isclose((power * y[:, None]).sum() / power.sum(), -17.0, atol=0.2)
    inside = subject.picture(x, y) > 0
    assert np.isclose(image[inside].mean(), 2.0, rtol=0.04)


def part(tissue, displaces, geometry, fraction=1.0):
    return Part(tissue, tissue, displaces, geometry, fraction)


def test_solids_give_the_kspace_of_the_ellipses_they_are_cut_into():
    ball = ellipsoids((10.0, -5.0, 2.0), (60.0, 45.0, 40.0))
    core = ellipsoids((20.0, 5.0, 0.0), (15.0, 20.0, 50.0))
    parts = [part("muscle", "air", ball), part("fat", "muscle", core, 0.5)]
    weights = {"air": 0.0, "muscle": 1.0, "fat": 3.0}
    got = kspace_of(
        parts, weights, z_mm=2.0, thickness_mm=0.01, field_of_view_mm=FOV, shape=(48, 48)
    )
    low = np.sqrt(1 - (2 / 50) ** 2)
    subject = EllipseSubject([
        Ellipse(1.0, (10.0, -5.0), (60.0, 45.0)),
        Ellipse(0.5 * 2.0, (20.0, 5.0), (15.0 * low, 20.0 * low)),
    ])  # fmt: skip
    want = kspace(subject, (48, 48), FOV)
    assert np.abs(got - want).max() < 1e-3 * np.abs(want).max()


def test_a_compound_with_a_hole_counts_once():
    balls = ellipsoids([(0.0, 0, 0), (20.0, 0, 0)], (40.0, 40.0, 40.0))
    hole = ellipsoids((10.0, 0, 0), (12.0, 12.0, 60.0))
    body = part("muscle", "air", Compound(balls, minus=hole))
    weights = {"air": 0.0, "muscle": 1.0}
    got = kspace_of([body], weights, 0.0, 0.01, FOV, (64, 64))
    x = np.arange(-80, 80, 0.25)
    points = np.stack([*np.meshgrid(x, x), np.zeros((len(x), len(x)))], -1).reshape(-1, 3)
    area = body.geometry.inside(points).sum() * 0.25**2
    assert np.isclose(abs(got[32, 32]) * FOV**2 / 64, area, rtol=2e-3)


def test_a_thick_slice_averages_through_its_thickness():
    ball = [part("muscle", "air", ellipsoids((0.0, 0, 0), (30.0, 30.0, 10.0)))]
    weights = {"air": 0.0, "muscle": 1.0}
    fine = BodySlice(ball, weights, 0.0, 20.0, sub_slices=41).signal(np.zeros(1), np.zeros(1))
    assert np.isclose(fine[0, 0].real, 4 / 3 * np.pi * 30 * 30 * 10 / 20, rtol=2e-3)


def test_a_tissue_without_a_weight_is_named():
    ball = [part("muscle", "air", ellipsoids((0.0, 0, 0), (30.0, 30.0, 10.0)))]
    with pytest.raises(ValueError, match="muscle"):
        kspace_of(ball, {"air": 0.0}, 0.0, 5.0, FOV, (16, 16))


def test_a_coil_that_hears_one_wave_shifts_kspace_by_half_steps():
    subject = shepp_logan(180.0)
    waves = np.zeros((1, 5, 5), np.complex64)
    waves[0, 3, 0] = 0.5j  # p = +1 (down), q = -2 (left)
    coils = CoilArray(waves, (FOV, FOV))
    k = k_axis(32, FOV)
    shifted = 0.5j * subject.signal(k + 2 / (2 * FOV), k - 1 / (2 * FOV))
    half = 0.5 * FOV / 32
    phase = np.exp(2j * np.pi * half * (k[:, None] + k[None, :]))
    got = coil_kspace(subject, (32, 32), coils)[0]
    assert np.allclose(got, shifted * phase * 32 / FOV**2, atol=1e-4 * np.abs(got).max())
    want = 0.5j * np.exp(
        1j * np.pi / FOV * (pixel_axis(32, FOV)[:, None] - 2 * pixel_axis(32, FOV))
    )
    assert np.allclose(coils.maps((32, 32))[0], want, atol=1e-5)


def test_the_head_coil_hears_near_things_best_and_noise_is_shared_by_neighbours():
    coils = head_coil(8, FOV)
    maps = np.abs(coils.maps((48, 48)))
    brightest = [np.unravel_index(m.argmax(), m.shape) for m in maps]
    assert len(set(brightest)) == 8
    assert all(np.hypot(r - 23.5, c - 23.5) > 18 for r, c in brightest)
    covariance = noise_covariance(coils)
    assert np.allclose(covariance, covariance.conj().T)
    assert np.all(np.linalg.eigvalsh(covariance) > 0)
    assert abs(covariance[0, 1]) > 2 * abs(covariance[0, 4])


def test_masks_measure_as_many_lines_as_they_say():
    shape = (96, 64)
    assert every(shape, 3)[:, 0].sum() == 32 and every(shape, 3)[48].all()
    assert every(shape, 4, acs=20)[38:58].all()
    for factor in (2, 4):
        assert variable_density(shape, factor, 12, seed=1)[:, 0].sum() == 96 // factor
        assert variable_density_points(shape, factor, 12, seed=1).sum() == 96 * 64 // factor
    assert partial(shape, 5 / 8)[:, 0].sum() == 60
    same = [variable_density(shape, 4, 12, seed=s) for s in (5, 5, 6)]
    assert np.array_equal(same[0], same[1]) and not np.array_equal(same[0], same[2])
    with pytest.raises(ValueError, match="middle lines"):
        variable_density(shape, 8, 24, seed=0)
    with pytest.raises(ValueError, match="1/2"):
        partial(shape, 0.4)


def test_paths_start_and_end_where_they_should():
    spokes = radial_path(12, 65)
    assert np.allclose(spokes[:, 32], 0) and np.isclose(np.linalg.norm(spokes, axis=-1).max(), 1)
    arms = spiral_path(3, 200)
    assert np.allclose(arms[:, 0], 0) and np.allclose(np.linalg.norm(arms[:, -1], axis=-1), 1)
    assert on_grid(spokes, (64, 64))[32, 32]


def test_leaving_out_lines_evenly_makes_copies_and_by_chance_makes_noise():
    shape = (128, 128)
    even = np.abs(point_spread(every(shape, 4)))[:, 64]
    assert np.isclose(np.sort(even)[-4:], 1, atol=1e-4).all()
    chance = np.abs(point_spread(variable_density_points(shape, 4, 0, 0.0, seed=0)))
    assert np.sort(chance.ravel())[-2] < 0.1


def test_half_of_kspace_is_enough_for_a_real_image():
    image = np.abs(to_image(kspace(shepp_logan(200.0), (128, 128), FOV))).astype(np.complex64)
    lines = partial((128, 128), 9 / 16)[:, 0]
    found = pocs(to_kspace(image) * lines[:, None], lines, 30)
    assert np.linalg.norm(found - image) < 0.05 * np.linalg.norm(image)


@pytest.mark.parametrize("first_half", [True, False])
def test_homodyne_and_pocs_repair_what_zero_filling_blurs(first_half):
    image = to_image(kspace(shepp_logan(200.0), (128, 128), FOV))
    ramp = np.linspace(-1, 1, 128)
    image = (image * np.exp(1j * (ramp[:, None] ** 2 + 0.7 * ramp[None]))).astype(np.complex64)
    lines = partial((128, 128), 5 / 8)[:, 0]
    if not first_half:
        lines = np.concatenate([[False], lines[1:][::-1]])
    measured = to_kspace(image) * lines[:, None]
    error = {
        method.__name__: np.linalg.norm(np.abs(method(measured, lines)) - np.abs(image))
        for method in (zero_filled, homodyne, pocs)
    }
    assert error["homodyne"] < 0.4 * error["zero_filled"]
    assert error["pocs"] < 0.3 * error["zero_filled"]
    assert strip(lines).sum() < lines.sum()


def test_an_edge_rings_by_nine_per_cent_and_windows_calm_it():
    """Gibbs: (Si(pi) 2 / pi - 1) / 2 = 8.949 % of the step, however many samples."""
    for count in (64, 256):
        bar = np.sinc(100.0 * k_axis(count, FOV)) * 100.0  # a bar of 100 mm and height 1
        overshoot = {}
        for name, window in WINDOWS.items():
            far = np.abs(np.arange(count) - count // 2) / (count / 2)
            k = (bar * window(far) * np.sqrt(count) / FOV)[None]
            overshoot[name] = to_image(zero_pad(k, 1, 16 * count)).real.max() - 1
        assert overshoot["none"] == pytest.approx(0.0895, abs=0.006)
        assert overshoot["hamming"] < 0.01 and overshoot["hann"] < 0.01
        assert overshoot["tukey"] < overshoot["none"]
    with pytest.raises(ValueError, match="hamming"):
        windowed(np.ones((4, 4)), "unknown")


def test_cropping_blurs_and_padding_keeps_grey_values():
    k = kspace(shepp_logan(200.0), (128, 128), FOV)
    low = zero_pad(centre_crop(k, 32, 32), 128, 128) / 4
    image, blurred, finer = to_image(k), to_image(low), to_image(zero_pad(k, 256, 256))
    assert np.isclose(blurred.mean(), image.mean(), rtol=1e-4)
    assert np.isclose(finer.mean(), image.mean(), rtol=1e-4)
    assert np.abs(np.diff(blurred)).max() < 0.5 * np.abs(np.diff(image)).max()
    assert np.isclose(finer[128, 128], image[64, 64], rtol=1e-4), "the middle keeps its place"


def test_exact_kspace_of_a_head_agrees_with_its_voxels_where_voxels_are_fine_enough():
    """Two independent roads to one head: line integrals, and points judged inside or outside."""
    parts = head_parts(3, age=45)
    signal = weights(SpinEcho(4000, 90), {t for p in parts for t in (p.tissue, p.displaces)})
    exact = kspace_of(parts, signal, 20.0, 4.0, FOV, (64, 64))
    shares = tissue_slice(parts, 20.0, FOV, 512, 1, thickness_mm=4.0)
    fine = to_kspace(weighted(shares, signal).astype(np.complex64))
    shift = 0.5 * FOV / 64 - 0.5 * FOV / 512  # both place pixels about the middle of the field
    k = k_axis(64, FOV)
    fine = centre_crop(fine, 64, 64) / 8 * np.exp(2j * np.pi * shift * (k[:, None] + k[None, :]))
    assert np.linalg.norm(fine - exact) < 0.02 * np.linalg.norm(exact)
