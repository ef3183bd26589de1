"""Dual-energy CT: two spectra tell two materials apart.

In the energies of CT, attenuation is very nearly a sum of two known functions of energy, such as
those of water and iodine (R. E. Alvarez and A. Macovski, Phys. Med. Biol. 21, 1976, 733):

    mu(E) = a_1 mu_1(E) + a_2 mu_2(E).

Two readings of a ray, with different spectra, give the two lengths A_1 and A_2 (integrals of a_1
and a_2); two pictures follow, one of each material, and from them a picture at any one energy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import Protocol, Sinogram, bowtie_thickness, view_spectrum
from course_lib.imaging.ct.beam_hardening import hardened

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """Two materials that all others are told by."""

    first: str = "water"
    second: str = "contrast_iodine"

    @property
    def names(self) -> tuple[str, str]:
        """Both names."""
        return self.first, self.second


WATER_IODINE = Basis()
WATER_BONE = Basis("water", "bone_cortical")


@dataclass(frozen=True)
class DualScan:
    """Two readings of every ray of a slice, low and high energy, by one of three techniques."""

    low: Sinogram
    high: Sinogram
    technique: str


class Spectra:
    """What a protocol's readings are made of, for every element of the detector.

    p = -ln( sum_E w(E) exp(-A_1 mu_1(E) - A_2 mu_2(E)) ), where w is the share of the open beam's
    signal that photons of energy E bring: tube, bow-tie filter and ceramic together.
    """

    def __init__(self, protocol: Protocol, basis: Basis) -> None:
        beam = view_spectrum(protocol, protocol.beam.views)
        used = beam.fluence > 0
        energies = beam.energies_kev[used]
        plastic = bowtie_thickness(protocol.beam.positions_mm, protocol)
        signal = beam.fluence[used] * energies * protocol.detector.absorbed_share(energies)
        passed = np.exp(-np.outer(plastic, linear_attenuation("pmma", energies)))
        self.weights = signal * passed / (signal * passed).sum(1, keepdims=True)  # (detectors, E)
        self.mu = np.stack([linear_attenuation(name, energies) for name in basis.names])

    def readings(self, amounts: Floats) -> tuple[Floats, Floats]:
        """p (views, detectors) behind amounts (views, detectors, 2) in mm, and its two slopes in
        1/mm, the mean attenuation of what arrives: (views, detectors, 2)."""
        arriving = self.weights * np.exp(-amounts @ self.mu)
        total = arriving.sum(-1)
        return -np.log(total), arriving @ self.mu.T / total[..., None]


def decompose_rays(
    scan: DualScan, basis: Basis = WATER_IODINE, steps: int = 6
) -> tuple[Floats, Floats]:
    """(views, detectors) mm of each material that explain the two readings (projection domain).

    Two equations with two unknowns for every ray, solved by Newton's method; exact for the spectra
    of the two protocols, so that beam hardening is corrected on the way.
    """
    sinograms = (scan.low, scan.high)
    models = [Spectra(sinogram.protocol, basis) for sinogram in sinograms]
    first, second = (np.empty_like(scan.low.values) for _ in basis.names)
    for view, rows in enumerate(zip(*(one.values for one in sinograms), strict=True)):
        amounts = np.zeros((1, len(rows[0]), 2))
        for _ in range(steps):
            guesses, slopes = zip(*(model.readings(amounts) for model in models), strict=True)
            missing = np.stack(rows, -1) - np.stack(guesses, -1)
            amounts = amounts + np.linalg.solve(np.stack(slopes, -2), missing[..., None])[..., 0]
        first[view], second[view] = np.moveaxis(amounts[0], -1, 0)
    return first, second


def decompose_images(
    low: Floats, high: Floats, protocols: tuple[Protocol, Protocol], basis: Basis = WATER_IODINE
) -> tuple[Floats, Floats]:
    """Shares of two materials in each pixel from two pictures in 1/mm (image domain).

    Simpler than going through the rays, but beam hardening has already bent the two pictures: the
    coefficients are those behind 200 mm of water.
    """
    columns = [[_slope(protocol, name) for protocol in protocols] for name in basis.names]
    matrix = np.array(columns).T
    shares = np.linalg.solve(matrix, np.stack([low, high]).reshape(2, -1))
    return shares[0].reshape(low.shape), shares[1].reshape(low.shape)


def _slope(protocol: Protocol, name: str) -> float:
    """Attenuation (1/mm) that the central detector sees in a little of a material behind water."""
    little = 0.5
    water, more = np.full(2, 200.0), np.array([0.0, little])
    behind = {"water": water + more} if name == "water" else {"water": water, name: more}
    readings = hardened(protocol, behind)[:, protocol.beam.detectors // 2]
    return float(readings[1] - readings[0]) / little


def monoenergetic(
    first: Floats, second: Floats, energy_kev: float, basis: Basis = WATER_IODINE
) -> Floats:
    """Virtual mono-energetic picture (1/mm) or sinogram from two material pictures or sinograms."""
    mu = [float(linear_attenuation(name, energy_kev)) for name in basis.names]
    return mu[0] * first + mu[1] * second
