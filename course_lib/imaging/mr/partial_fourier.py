"""Partial Fourier: measure a little more than half of k-space, and know the rest from symmetry.

If the image were real, S(-k) = conj(S(k)), and half would be enough. Real images have a phase; it
is smooth, and the symmetric strip around k = 0 shows it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.fourier import to_image, to_kspace

Complex = NDArray[np.complex64]


def strip(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(rows,) True where both k and -k were measured; `lines` (rows,) says what was."""
    count = len(lines)
    mirror = (2 * (count // 2) - np.arange(count)) % count
    return lines & lines[mirror]


def phase_of_strip(kspace: Complex, lines: NDArray[np.bool_]) -> Complex:
    """(rows, columns) exp(i phase) of the image that the symmetric strip alone gives."""
    both = np.flatnonzero(strip(lines))
    window = np.zeros(len(lines), np.float32)
    window[both] = np.hanning(len(both) + 2)[1:-1]  # a soft edge keeps the phase from ringing
    image = to_image(kspace * window[:, None])
    size: NDArray[np.float32] = np.maximum(np.abs(image), 1e-12)
    return (image / size).astype(np.complex64)


def zero_filled(kspace: Complex, lines: NDArray[np.bool_]) -> Complex:
    """Image with zeros for what was not measured: blurred, but nothing invented."""
    return to_image(kspace * lines[:, None])


def homodyne(kspace: Complex, lines: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Real image (rows, columns): one-sided lines count twice, the phase is taken off.

    The weight runs linearly from 2 to 0 across the strip (Noll, Nishimura, Macovski, IEEE TMI 10
    (1991) 154). What is left of an image when its phase is taken off may be negative: its sign is
    kept.
    """
    both = np.flatnonzero(strip(lines))
    weight = 2.0 * lines
    weight[both] = np.linspace(2, 0, len(both) + 2)[1:-1]
    if lines[-1] and not lines[0]:  # the second half was measured: the ramp goes the other way
        weight[both] = weight[both][::-1]
    image = to_image(kspace * weight.astype(np.float32)[:, None])
    return (image * phase_of_strip(kspace, lines).conj()).real


def pocs(kspace: Complex, lines: NDArray[np.bool_], iterations: int = 10) -> Complex:
    """Image (rows, columns) by projection onto convex sets (Haacke et al., JMR 92 (1991) 126).

    In turn: give the image the phase of the strip, then put the measured lines back.
    """
    phase = phase_of_strip(kspace, lines)
    image = zero_filled(kspace, lines)
    for _ in range(iterations):
        guess = to_kspace(np.abs(image) * phase)
        guess[lines] = kspace[lines]
        image = to_image(guess)
    return image
