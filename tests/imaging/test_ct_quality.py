"""Image quality: scales and units of PSNR, SSIM, noise spectra, edges and the model observer."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from course_lib.evaluation.roc import auc
from course_lib.imaging.ct.observer import laguerre_gauss_channels, observer_scores
from course_lib.imaging.ct.quality import (
    contrast_to_noise,
    disc_profile,
    edge_width,
    noise_power,
    psnr,
    ssim,
)


def white(count=200, size=32, sigma=10.0, seed=0):
    return sigma * np.random.default_rng(seed).standard_normal((count, size, size))


def test_psnr_of_a_known_difference():
    reference = np.zeros((20, 20))
    assert psnr(reference + 40, reference, width=400) == pytest.approx(20)


def test_ssim_is_one_for_equal_images_and_less_for_noise():
    image = gaussian_filter(white(1)[0], 2)
    assert ssim(image, image) == pytest.approx(1)
    assert ssim(image + white(1, seed=1)[0], image, width=20) < 0.9


def test_the_noise_spectrum_integrates_to_the_variance():
    noise = gaussian_filter(white(), (0, 1, 1))
    spectrum = noise_power(noise, 0.7)
    assert spectrum.variance == pytest.approx(noise.var(axis=0, ddof=1).mean())


def test_white_noise_has_the_same_power_at_all_frequencies():
    frequency, power = noise_power(white(), 0.5).radial()
    assert power == pytest.approx(100 * 0.5**2, rel=0.1)  # sigma^2 times the pixel's area
    assert frequency[-1] == pytest.approx(1.0)  # Nyquist of 0.5 mm


def test_a_wave_is_found_at_its_frequency():
    phase = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    x = 0.8 * np.arange(40)
    waves = np.cos(2 * np.pi * 0.25 * x + phase[:, None, None]) * np.ones((1, 40, 1))
    assert noise_power(waves, 0.8).mean_frequency == pytest.approx(0.25)


def test_smoothed_noise_is_coarser_whatever_its_size():
    noise = white()
    coarse = 100 * gaussian_filter(noise, (0, 1.5, 1.5))
    assert noise_power(coarse, 1).mean_frequency < 0.5 * noise_power(noise, 1).mean_frequency


def test_what_all_images_share_is_no_noise():
    noise = white()
    structure = np.add.outer(np.arange(32), np.arange(32))
    assert noise_power(noise + structure, 1).power == pytest.approx(noise_power(noise, 1).power)


def test_the_edge_of_a_blurred_disc_is_as_wide_as_the_blur():
    y, x = np.mgrid[-64:64, -64:64] + 0.5
    disc = gaussian_filter((np.hypot((x - 10) * 0.5, (y + 4) * 0.5) < 16).astype(float), 4)
    edges = np.arange(6, 26.1, 0.5)
    width = edge_width(disc_profile(disc, (5, -2), 0.5, edges), 0.5)
    assert width == pytest.approx(2 * norm.ppf(0.75) * 4 * 0.5, rel=0.1)


def test_contrast_to_noise_divides_by_the_noise_outside():
    assert contrast_to_noise([30, 30], [48, 52, 48, 52]) == pytest.approx(10)


def test_channels_are_orthonormal():
    channels = laguerre_gauss_channels(64, 1.0, 12.0)
    gram = np.einsum("iyx,jyx->ij", channels, channels)
    assert gram == pytest.approx(np.eye(6), abs=0.01)


def test_the_observer_reaches_the_theory_in_white_noise():
    channels = laguerre_gauss_channels(32, 1.0, 10.0)
    signal = 2.0 * channels[0] * 10  # seen by one channel, twice as strong as the noise there
    absent, present = white(1000, seed=1), white(1000, seed=2) + signal
    truth, score = observer_scores(present, absent, channels)
    assert auc(truth, score) == pytest.approx(norm.cdf(2 / np.sqrt(2)), abs=0.03)


def test_the_observer_sees_nothing_where_nothing_is():
    channels = laguerre_gauss_channels(32, 1.0, 10.0)
    truth, score = observer_scores(white(400, seed=1), white(400, seed=2), channels)
    assert auc(truth, score) == pytest.approx(0.5, abs=0.08)


def test_what_cannot_be_measured_is_said():
    with pytest.raises(ValueError, match="alike"):
        psnr(np.zeros((2, 2)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="two images"):
        noise_power(np.zeros((8, 8)), 1)
    with pytest.raises(ValueError, match="no edge"):
        edge_width(np.ones(20), 1)
    with pytest.raises(ValueError, match="Too few"):
        observer_scores(white(10), white(10), laguerre_gauss_channels(32, 1, 8))
    with pytest.raises(ValueError, match="Patches must be"):
        observer_scores(white(10), white(10), laguerre_gauss_channels(16, 1, 8))
