"""A corner of a chest film, with the detector's own noise and the exact truth without it.

A detail of a few centimetres has pixels below a millimetre, in which few photons are counted;
there, unlike on a small picture of the whole chest, noise matters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from course_lib.imaging.pixels import log_attenuation
from course_lib.imaging.projection import Projection, path_lengths
from course_lib.imaging.radiography import CHEST_PA, Technique, detector_signal
from course_lib.patient.person import Patient

Floats = NDArray[np.float32]
SMOOTHED_PIXELS = 2.0  # the signal is smoothed by so much before its noise is predicted from it


@dataclass(frozen=True)
class FilmCorner:
    """A square detail of one patient's film; grey 0 to 1 is the truth's own range, bone bright.

    rays: the whole film's; row, column: upper left corner; side: pixels; scale: attenuations that
    become grey 0 and 1 (None: a little more than the truth's own range).
    """

    rays: Projection
    row: int
    column: int
    side: int
    scale: tuple[float, float] | None = None

    @property
    def pixel_mm(self) -> float:
        """Pixel size, mm."""
        return self.rays.spacing_mm

    @cached_property
    def clean(self) -> Floats:
        """(side, side): what the detector would show with endless photons."""
        return self._grey(self._attenuation(replace(CHEST_PA, noise=False), 0))

    def exposed(self, dose: float, seed: int) -> Floats:
        """(side, side): an exposure at a share of the usual dose. ValueError unless positive."""
        return self._grey(self._attenuation(_at(dose), seed))

    def noise(self, picture: NDArray[np.floating], dose: float) -> Floats:
        """(side, side) standard deviation of the noise in an exposure, predicted from itself.

        Quanta give a variance in proportion to the signal, the electronics a constant one; the
        logarithm divides by the signal. The proportion is measured as a physicist does it, from
        the difference of two exposures.
        """
        technique = _at(dose)
        low, high = self.limits
        grey = gaussian_filter(np.asarray(picture, np.float64), SMOOTHED_PIXELS)
        signal = self._open(technique) * np.exp(-(low + grey * (high - low)))
        variance = self._quantum_kev * signal + technique.noise_kev**2
        return np.asarray(np.sqrt(variance) / signal / (high - low), np.float32)

    def mask(self, finding: str) -> NDArray[np.bool_]:
        """(side, side): where a finding lies. ValueError if the patient does not have it."""
        if finding not in self.rays.masks:
            raise ValueError(f"This patient has no {finding}; known: {', '.join(self.rays.masks)}.")
        return self.rays.masks[finding][self._window]

    @property
    def _window(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.side), slice(self.column, self.column + self.side)

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Attenuations that are shown as 0 and as 1."""
        if self.scale is not None:
            return self.scale
        exact = self._attenuation(replace(CHEST_PA, noise=False), 0)
        low, high = float(exact.min()), float(exact.max())
        margin = 0.1 * (high - low)  # room for the noise
        return low - margin, high + margin

    @cached_property
    def _quantum_kev(self) -> float:
        """Variance per signal (keV) that quanta alone bring, from two exposures."""
        first, second = (self._signal(CHEST_PA, seed) for seed in (1, 2))
        both = (first + second) / 2
        spread = (first - second) ** 2 / 2 - CHEST_PA.noise_kev**2
        return float(spread.mean() / both.mean())

    def _signal(self, technique: Technique, seed: int) -> Floats:
        signal, _ = detector_signal(self.rays, technique, np.random.default_rng(seed))
        return signal[self._window]

    def _open(self, technique: Technique) -> float:
        return detector_signal(self.rays, technique, np.random.default_rng(0))[1]

    def _attenuation(self, technique: Technique, seed: int) -> Floats:
        return log_attenuation(self._signal(technique, seed), self._open(technique))

    def _grey(self, attenuation: Floats) -> Floats:
        low, high = self.limits
        return np.asarray((attenuation - low) / (high - low), np.float32)


def film_corner(
    patient: Patient,
    centre: tuple[int, int],
    side: int = 64,
    film: int = 512,
    scale: tuple[float, float] | None = None,
) -> FilmCorner:
    """The detail of side x side pixels around (row, column) of the patient's film x film pixels.

    scale: another corner's `limits`, so that two films can be compared grey by grey. Raises
    ValueError if the detail does not lie on the film.
    """
    row, column = (int(place) - side // 2 for place in centre)
    if side < 16 or min(row, column) < 0 or max(row, column) + side > film:
        raise ValueError(
            f"A detail of {side} pixels around {centre} does not lie on a film of {film} pixels."
        )
    return FilmCorner(path_lengths(patient, "PA", film), row, column, side, scale)


def _at(dose: float) -> Technique:
    if not dose > 0:
        raise ValueError(f"The dose is a positive share of the usual one, not {dose}.")
    return replace(CHEST_PA, mas=CHEST_PA.mas * dose)
