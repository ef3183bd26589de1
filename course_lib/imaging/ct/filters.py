"""The ramp filter and the five windows that tame it.

Back projection piles up low frequencies: each is hit by all views near the origin of the Fourier
plane, high ones lie on lines that spread apart. The ramp |f| weighs them back. Noise has more high
than low frequencies after that, so a window lowers the upper end of the ramp.
"""

from collections.abc import Callable

import numpy as np
from scipy import fft

# Each window as a function of frequency / Nyquist frequency, 0..1 (A. C. Kak, M. Slaney, Principles
# of Computerized Tomographic Imaging, IEEE Press 1988, chapter 3).
WINDOWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ram-lak": np.ones_like,
    "shepp-logan": lambda share: np.sinc(share / 2),
    "cosine": lambda share: np.cos(np.pi * share / 2),
    "hamming": lambda share: 0.54 + 0.46 * np.cos(np.pi * share),
    "hann": lambda share: 0.5 + 0.5 * np.cos(np.pi * share),
}


def ramp_kernel(length: int, spacing_mm: float) -> np.ndarray:
    """The ramp filter as a kernel (length,) in 1/mm^2, element 0 in the middle, wrapped around.

    Kak and Slaney, equation 61: 1/4 in the middle, -1/(pi n)^2 for odd n, else 0, over spacing^2.
    Sampling |f| directly would lose the mean of the picture; sampling the kernel keeps it.
    """
    n = fft.fftfreq(length, 1 / length)
    kernel = np.zeros(length)
    odd = n % 2 == 1
    kernel[odd] = -1 / (np.pi * n[odd]) ** 2
    kernel[0] = 0.25
    return kernel / spacing_mm**2


def ramp_response(length: int, spacing_mm: float, window: str = "ram-lak") -> np.ndarray:
    """The filter (length // 2 + 1,) in 1/mm, for the frequencies of rfft, windowed.

    Raises ValueError for an unknown window.
    """
    if window not in WINDOWS:
        raise ValueError(f"There is no window {window!r}; choose one of {', '.join(WINDOWS)}.")
    share = fft.rfftfreq(length) * 2
    ramp = fft.rfft(ramp_kernel(length, spacing_mm)).real * spacing_mm
    return ramp * WINDOWS[window](share)


def filter_sinogram(
    sinogram: np.ndarray, spacing_mm: float, window: str = "ram-lak", sharpen: float = 0.0
) -> np.ndarray:
    """Every row of a sinogram (views, detectors) ramp-filtered, in 1/mm.

    Rows are padded with zeros to twice their length: the kernel is as long as the row on both
    sides, and must not reach around the end. sharpen: 1 takes back the blur of one detector cell,
    0.5 half of it (in decibels), 0 nothing.
    """
    detectors = sinogram.shape[-1]
    length = fft.next_fast_len(2 * detectors, real=True)
    cell = np.sinc(fft.rfftfreq(length))  # transform of a cell, the mean over its width
    response = ramp_response(length, spacing_mm, window) / cell**sharpen
    spectrum = fft.rfft(sinogram, length) * response.astype(sinogram.dtype)
    return fft.irfft(spectrum, length)[..., :detectors]
