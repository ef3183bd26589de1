"""Beer-Lambert, the panel's signal, its noise, scatter, grid, sharpness and grey values."""

import time

import numpy as np
import pytest

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.detector import (
    MAMMOGRAPHY_PANEL,
    PANEL,
    add_noise,
    expose,
    open_field,
    transmit,
)
from course_lib.imaging.pixels import log_attenuation, percentile_limits, to_12_bit
from course_lib.imaging.scatter import (
    NO_GRID,
    Grid,
    scatter_image,
    scatter_to_primary,
    water_equivalent,
)
from course_lib.imaging.sharpness import aperture_mtf, blur, mtf_from_edge, scintillator_mtf
from course_lib.imaging.spectrum import BIN_KEV, tube_spectrum


def test_transmit_is_the_sum_over_energies():
    """All energies kept: the fast matrix form equals the law written out for one ray."""
    spectrum = tube_spectrum(90)
    energies = spectrum.energies_kev
    exponent = 150 * linear_attenuation("water", energies)
    exponent += 12 * linear_attenuation("bone_cortical", energies)
    expected = BIN_KEV * np.sum(spectrum.fluence * np.exp(-exponent))
    rays = {"water": np.array([[150.0]]), "bone_cortical": np.array([[12.0]])}
    assert transmit(rays, spectrum, groups=None)[0, 0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kvp", [40, 60, 90, 120, 150])
def test_few_energy_groups_are_enough(kvp):
    water, bone = np.meshgrid(np.linspace(0, 300, 21), np.linspace(0, 40, 9))
    rays = {"water": water, "bone_cortical": bone}
    spectrum = tube_spectrum(kvp)
    for fast, exact in zip(
        expose(rays, spectrum), expose(rays, spectrum, groups=None), strict=True
    ):
        visible = exact > 1e-4 * exact.max()
        np.testing.assert_allclose(fast[visible], exact[visible], rtol=0.011)


def test_mean_and_variance_of_an_open_pixel():
    spectrum = tube_spectrum(80)
    nothing = {"water": np.zeros((1, 1))}
    mean, variance = expose(nothing, spectrum, PANEL, pixel_mm=0.2, groups=None)
    assert (mean[0, 0], variance[0, 0]) == pytest.approx(open_field(spectrum, PANEL, 0.2), rel=1e-4)
    assert mean[0, 0] ** 2 / variance[0, 0] < spectrum.photons_per_mm2 * 0.2**2


def test_absorption_falls_with_energy_and_jumps_at_the_k_edges():
    below, above, far = PANEL.absorbed_share(np.array([33.0, 36.5, 120.0]))
    assert above > below > far > 0.1
    assert MAMMOGRAPHY_PANEL.absorbed_share(np.array([18.0])) > 0.9


def test_path_lengths_of_different_shape_are_refused():
    with pytest.raises(ValueError, match="one common shape"):
        transmit({"water": np.zeros((2, 2)), "fat": np.zeros((2, 3))}, tube_spectrum(80))


def test_film_is_fast_enough_for_a_slider():
    """256 x 256 rays through eight tissues, all steps: well below a tenth of a second."""
    rng = np.random.default_rng(0)
    names = ("fat", "muscle", "lung", "blood", "bone_cortical", "bone_spongy", "air", "water")
    rays = {name: rng.uniform(0, 40, (256, 256)).astype(np.float32) for name in names}
    spectrum = tube_spectrum(120)

    def film():
        mean, variance = expose(rays, spectrum)
        signal = mean + 0.1 * scatter_image(mean, water_equivalent(rays), 1.5)
        noisy = add_noise(signal, variance, np.random.default_rng(0), PANEL.noise_kev)
        return to_12_bit(log_attenuation(blur(noisy, 1.5, scintillator_mtf), 1e6), 0, 10)

    film()
    start = time.process_time()
    for _ in range(5):
        film()
    assert (time.process_time() - start) / 5 < 0.1


def test_noise_has_the_stated_mean_and_variance():
    mean, variance = np.full((400, 400), 9000.0), np.full((400, 400), 450_000.0)
    noisy = add_noise(mean, variance, np.random.default_rng(1), noise_kev=300.0)
    assert noisy.mean() == pytest.approx(9000, rel=1e-3)
    assert noisy.var() == pytest.approx(450_000 + 300**2, rel=0.02)


def test_noise_is_reproducible_and_keeps_black_black():
    dark = np.zeros((4, 4))
    assert not add_noise(dark, dark, np.random.default_rng(0)).any()
    twice = [
        add_noise(np.full((8, 8), 50.0), np.full((8, 8), 60.0), np.random.default_rng(7))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*twice)


def test_four_times_the_dose_halves_the_relative_noise():
    rays = {"water": np.full((200, 200), 100.0)}
    rng = np.random.default_rng(3)
    relative = []
    for mas in (1, 4):
        noisy = add_noise(*expose(rays, tube_spectrum(80, mas)), rng)
        relative.append(noisy.std() / noisy.mean())
    assert relative[0] / relative[1] == pytest.approx(2, rel=0.03)


def test_water_equivalent_weighs_by_density():
    rays = {"water": np.full((1, 1), 100.0), "lung": np.full((1, 1), 100.0)}
    assert water_equivalent(rays)[0, 0] == pytest.approx(126)


def test_scatter_grows_with_thickness_and_field():
    assert scatter_to_primary(200.0) == pytest.approx(3.5)
    assert scatter_to_primary(100.0) < 1.5 < scatter_to_primary(200.0, field_mm=100)
    assert scatter_to_primary(200.0, field_mm=100) < scatter_to_primary(200.0)


def test_scatter_in_the_middle_of_a_wide_slab_is_the_stated_ratio():
    primary = np.full((300, 300), 2.0)
    fog = scatter_image(primary, np.full((300, 300), 200.0), pixel_mm=1.0)
    assert fog.shape == (300, 300)
    assert fog[150, 150] == pytest.approx(2 * 3.5, rel=0.02)
    assert fog[0, 0] == pytest.approx(2 * 3.5 / 4, rel=0.15)


def test_scatter_hardly_depends_on_pixel_size():
    def middle(pixel_mm):
        size = round(240 / pixel_mm)
        thickness = np.zeros((size, size))
        thickness[:, size // 2 :] = 150
        return scatter_image(np.ones((size, size)), thickness, pixel_mm)[size // 2, size // 2]

    assert middle(0.5) == pytest.approx(middle(2.0), rel=0.03)


@pytest.mark.parametrize("ratio", [5, 8, 12])
def test_grid_transmission_agrees_with_following_many_rays(ratio):
    """Monte Carlo: Lambertian rays through slits, against the closed form."""
    rng = np.random.default_rng(0)
    sine = np.sqrt(rng.random(400_000))  # cosine-weighted directions
    slope = sine / np.sqrt(1 - sine**2) * np.abs(np.cos(2 * np.pi * rng.random(sine.size)))
    passes = np.clip(1 - ratio * slope, 0, None).mean()
    ideal = Grid(ratio, open_share=1, interspace=1, leakage=0)
    assert ideal.scatter_transmission == pytest.approx(passes, rel=0.02)


def test_grid_raises_contrast_and_costs_dose():
    grid = Grid(ratio=10)
    assert grid.selectivity > 5
    assert 2 < grid.contrast_improvement(4) < 5 < grid.bucky_factor(4) * 1.2
    assert Grid(ratio=12).contrast_improvement(4) > Grid(ratio=5).contrast_improvement(4)
    assert NO_GRID.bucky_factor(4) == NO_GRID.contrast_improvement(4) == 1


def slanted_edge(pixel_mm, angle_deg, size=256, fine=4):
    """A clean edge, averaged over every pixel (so that the pixel's own blur is in it)."""
    samples = (np.arange(size * fine) + 0.5) / fine - size / 2
    right, down = np.meshgrid(samples, samples)
    angle = np.radians(angle_deg)
    side = (right * np.cos(angle) + down * np.sin(angle) > 0).astype(np.float64)
    return side.reshape(size, fine, size, fine).mean(axis=(1, 3)) + 0.2


def test_mtf_measured_on_an_edge_is_the_mtf_put_in():
    pixel_mm = 0.15
    image = blur(slanted_edge(pixel_mm, 3.0), pixel_mm, scintillator_mtf)
    frequency, measured = mtf_from_edge(image, pixel_mm, 3.0)
    below = (frequency > 0.1) & (frequency < 0.5 / pixel_mm)
    expected = scintillator_mtf(frequency) * aperture_mtf(frequency, pixel_mm)
    np.testing.assert_allclose(measured[below], expected[below], atol=0.03)


def test_blur_keeps_the_mean_and_flat_pictures():
    flat = np.full((40, 60), 3.0)
    np.testing.assert_allclose(blur(flat, 0.15, scintillator_mtf), flat, rtol=1e-5)
    assert blur(np.ones((1, 1)), 1.0, scintillator_mtf).shape == (1, 1)


def test_an_edge_that_is_not_slanted_is_refused():
    with pytest.raises(ValueError, match="must be slanted"):
        mtf_from_edge(np.zeros((8, 8)), 0.15, 0.0)


def test_log_undoes_beer_lambert():
    thickness = np.array([0.0, 10.0, 50.0])
    values = log_attenuation(1000 * np.exp(-0.02 * thickness), 1000.0)
    np.testing.assert_allclose(values, 0.02 * thickness, rtol=1e-5, atol=1e-6)
    assert np.isfinite(log_attenuation(np.array([0.0, -5.0]), 1000.0)).all()


def test_twelve_bits_and_their_limits():
    values = to_12_bit(np.array([-1.0, 0.0, 1.0, 2.0, 3.0]), low=0, high=2)
    assert values.dtype == np.uint16
    assert values.tolist() == [0, 0, 2048, 4095, 4095]
    assert percentile_limits(np.full(9, 5.0)) == (4.5, 5.5)
    with pytest.raises(ValueError, match="low < high"):
        to_12_bit(np.zeros(3), 1, 1)
    with pytest.raises(ValueError, match="open-field signal"):
        log_attenuation(np.zeros(3), 0)
