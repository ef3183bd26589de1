"""Hounsfield units: attenuation told as "how much more than water", and windows to see them in.

HU = 1000 (mu - mu_water) / (mu_water - mu_air): water 0, air -1000 by definition, whatever the
tube; everything else depends a little on the spectrum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import CHEST_CT, Protocol, SliceRays, expose
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.truth import attenuation_slice
from course_lib.patient.solids import Part
from course_lib.patient.tissues import Material

Floats = NDArray[np.float64]


class Window(NamedTuple):
    """Which HU are shown: the middle one grey, `width` of them from black to white."""

    centre: float
    width: float

    def shown(self, hounsfield: ArrayLike) -> NDArray[np.float32]:
        """Grey values 0 (black) to 1 (white) of HU of any shape."""
        values = np.asarray(hounsfield, np.float32)
        return np.clip((values - self.centre) / np.float32(self.width) + np.float32(0.5), 0, 1)


# Usual settings; every department has its own.
WINDOWS = {
    "lung": Window(-600, 1500),
    "mediastinum": Window(40, 400),
    "bone": Window(500, 2000),
    "liver": Window(60, 160),
    "brain": Window(40, 80),
}


def hounsfield(mu: ArrayLike, mu_water: float, mu_air: float = 0.0) -> Floats:
    """HU of attenuations (any shape, 1/mm). ValueError unless water attenuates more than air."""
    if not mu_water > mu_air:
        raise ValueError(f"Water must attenuate more than air, not {mu_water:g} and {mu_air:g}.")
    return 1000 * (np.asarray(mu, np.float64) - mu_water) / (mu_water - mu_air)


def from_hounsfield(values: ArrayLike, mu_water: float, mu_air: float = 0.0) -> Floats:
    """Attenuation (1/mm) of HU: the reverse of `hounsfield`."""
    return mu_water + np.asarray(values, np.float64) * (mu_water - mu_air) / 1000


def tissue_hounsfield(tissue: str | Material, energy_kev: ArrayLike) -> Floats:
    """HU of a tissue for photons of one energy (any shape, keV)."""
    mu, water, air = (linear_attenuation(name, energy_kev) for name in (tissue, "water", "air"))
    return np.asarray(1000 * (mu - water) / (water - air), np.float64)


def true_hounsfield(
    parts: tuple[Part, ...],
    z_mm: float,
    size: int,
    pixel_mm: float,
    energy_kev: float,
    oversample: int = 3,
) -> Floats:
    """(size, size) HU that a perfect scanner with photons of one energy would show."""
    mu = attenuation_slice(parts, z_mm, size, pixel_mm, energy_kev, oversample)
    return hounsfield(mu, float(linear_attenuation("water", energy_kev)))


def water_value(protocol: Protocol = CHEST_CT, thickness_mm: float = 200.0) -> float:
    """Attenuation (1/mm) that a protocol measures in water: mean over a ray of this length.

    It is what calibration with a water phantom gives. Beam hardening makes it smaller in thicker
    water; see `beam_hardening`.
    """
    ray = ParallelBeam(views=1, detectors=1, spacing_mm=protocol.beam.spacing_mm)
    calm = replace(faultless(protocol), beam=ray)
    water = {"water": np.full((1, 1), thickness_mm)}
    rays = SliceRays((water,), ray, 0.0, protocol.slice_mm)
    return float(expose(rays, calm).values[0, 0] / thickness_mm)


def faultless(protocol: Protocol) -> Protocol:
    """The protocol with neither noise nor blur nor drift, but the same ceramic."""
    detector = replace(
        protocol.detector, noise_kev=0.0, gain_drift=0.0, aperture=0.0, focal_spot=0.0
    )
    return replace(protocol, noise=False, detector=detector)
