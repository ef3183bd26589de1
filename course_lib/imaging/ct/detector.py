"""The CT detector: what its elements absorb, and what is wrong with each of them.

Elements are thick blocks of a gadolinium ceramic that integrate energy, as in the flat panel of the
lesson on radiography. Every element has its own gain; it is divided out by an air scan. What has
drifted since then is left over, and draws a ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.detector import add_noise, transmit
from course_lib.imaging.spectrum import Spectrum
from course_lib.patient.tissues import Material

Floats = NDArray[np.float64]

CERAMIC = Material(
    "gadolinium_oxysulfide", 7.34,
    MappingProxyType({"Gd": 0.8307, "O": 0.0845, "S": 0.0848}), "Gd2O2S, the pure compound",
)  # fmt: skip


@dataclass(frozen=True)
class CtDetector:
    """Properties of a row of elements.

    thickness_mm of ceramic; noise_kev: standard deviation of the electronics, in absorbed keV per
    reading; gain_drift: relative standard deviation of what the elements' gains have drifted since
    the air scan; aperture and focal_spot: width in elements over which a reading is blurred by the
    element's own width and by the focus (0: none).
    """

    thickness_mm: float = 1.4
    noise_kev: float = 1500.0
    gain_drift: float = 0.0
    aperture: float = 1.0
    focal_spot: float = 0.7

    def absorbed_share(self, energies_kev: Floats) -> Floats:
        """Share of the photons that the ceramic absorbs."""
        return 1 - np.exp(-linear_attenuation(CERAMIC, energies_kev) * self.thickness_mm)


CERAMIC_DETECTOR = CtDetector()
IDEAL_DETECTOR = CtDetector(noise_kev=0.0, aperture=0.0, focal_spot=0.0)


def expose_elements(
    lengths: dict[str, Floats], beam: Spectrum, detector: CtDetector, area_mm2: float
) -> tuple[Floats, Floats]:
    """Mean absorbed energy (keV) of every reading and its variance (keV^2), in the lengths' shape.

    lengths: tissue -> mm along each ray. area_mm2: cross-section of the beam that an element sees,
    where the beam's photons are counted. Energies add up; see `imaging.detector.expose`.
    """
    energies = beam.energies_kev
    absorbed = detector.absorbed_share(energies) * area_mm2
    weights = np.stack([absorbed * energies, absorbed * energies**2], axis=1)
    both = transmit(lengths, beam, weights)
    return both[..., 0].astype(np.float64), both[..., 1].astype(np.float64)


def blur_along_row(values: Floats, detector: CtDetector) -> Floats:
    """Readings (..., detectors) mixed with their neighbours by element width and focal spot.

    Both are boxes, of variance width^2 / 12; a kernel (a, 1 - 2a, a) has the variance 2a. Energies
    are mixed, not logarithms: a sharp edge is therefore not just smoothed, but also a little
    displaced (the exponential edge-gradient effect).
    """
    share = (detector.aperture**2 + detector.focal_spot**2) / 24
    if share == 0:
        return values
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(1, 1)], mode="edge")
    return (1 - 2 * share) * values + share * (padded[..., :-2] + padded[..., 2:])


def drifted_gains(count: int, detector: CtDetector, rng: np.random.Generator) -> Floats:
    """(count,) gains of the elements relative to those of the air scan."""
    return np.maximum(1 + detector.gain_drift * rng.standard_normal(count), 0.0)


def read_out(
    mean: Floats, variance: Floats, detector: CtDetector, rng: np.random.Generator
) -> Floats:
    """Noisy readings (keV): quanta (compound Poisson) and electronics."""
    return add_noise(mean, variance, rng, detector.noise_kev).astype(np.float64)
