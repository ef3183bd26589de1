"""A CT scan of one slice: from tube settings to noisy line integrals.

sinogram = scan(on_the_table(patient).solids, z_mm=-40, seed=1)      # all in one
rays = slice_rays(parts, -40, protocol)                              # or: geometry once ...
low_dose = expose(rays, replace(protocol, mas=20), seed=1)           # ... then many exposures

Left out: scatter (a post-patient collimator removes most of it), the cone angle within a slice, and
that the tube moves during a reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.detector import (
    CERAMIC_DETECTOR,
    CtDetector,
    blur_along_row,
    drifted_gains,
    expose_elements,
    read_out,
)
from course_lib.imaging.ct.geometry import Beam, ParallelBeam
from course_lib.imaging.ct.sinogram import tissue_sinogram
from course_lib.imaging.spectrum import Spectrum, air_kerma, tube_spectrum
from course_lib.patient.solids import Part

Floats = NDArray[np.float64]
_BOWTIE_KEV = 70.0  # energy at which plastic and water are compared


@dataclass(frozen=True)
class Protocol:
    """The settings of a scan.

    kvp, mas (per rotation), filtration_mm_al, tin_mm (a further filter, for dual energy): the tube.
    bowtie_mm: radius of the body for which the bow-tie filter is made (0: no filter). slice_mm:
    thickness of the slice, sampled at `subslices` heights. beam: parallel or fan. distance_mm:
    focal spot to isocentre, which decides how many photons arrive.
    """

    kvp: float = 120.0
    mas: float = 150.0
    filtration_mm_al: float = 6.0
    tin_mm: float = 0.0
    bowtie_mm: float = 160.0
    slice_mm: float = 5.0
    subslices: int = 1
    beam: Beam = field(default_factory=ParallelBeam)
    detector: CtDetector = CERAMIC_DETECTOR
    distance_mm: float = 570.0
    noise: bool = True

    def __post_init__(self) -> None:
        if self.slice_mm <= 0 or self.subslices < 1:
            raise ValueError(
                f"A slice needs a thickness and at least one height, got {self.slice_mm:g} mm "
                f"and {self.subslices}."
            )

    @property
    def heights_mm(self) -> Floats:
        """(subslices,) mm above the middle of the slice at which rays are traced."""
        steps = (np.arange(self.subslices) + 0.5) / self.subslices - 0.5
        return np.asarray(steps * self.slice_mm, np.float64)


CHEST_CT = Protocol()


@dataclass(frozen=True)
class SliceRays:
    """What the rays of one slice met, before any exposure: per sub-slice, tissue -> (views,
    detectors) mm."""

    lengths: tuple[dict[str, Floats], ...]
    beam: Beam
    z_mm: float
    slice_mm: float


@dataclass(frozen=True)
class Sinogram:
    """A measured slice.

    values (views, detectors): line integrals -ln(I / I0), no unit. beam tells angles, positions and
    spacing; z_mm is the middle of the slice.
    """

    values: Floats
    beam: Beam
    z_mm: float
    protocol: Protocol

    @property
    def angles_deg(self) -> Floats:
        """(views,) degrees."""
        return self.beam.angles_deg

    @property
    def spacing_mm(self) -> float:
        """Distance of neighbouring rays at the isocentre, mm."""
        return self.beam.spacing_mm

    @property
    def positions_mm(self) -> Floats:
        """(detectors,) distance of the rays from the isocentre, mm."""
        return self.beam.positions_mm


def scan(
    parts: tuple[Part, ...], z_mm: float, protocol: Protocol = CHEST_CT, seed: int = 0
) -> Sinogram:
    """Scan one slice of `parts` at height z_mm; `seed` draws gains and noise.

    Raises ValueError for impossible settings.
    """
    return expose(slice_rays(parts, z_mm, protocol), protocol, seed)


def slice_rays(parts: tuple[Part, ...], z_mm: float, protocol: Protocol = CHEST_CT) -> SliceRays:
    """Trace the rays of a slice; only beam, slice_mm and subslices of the protocol matter."""
    lengths = tuple(
        tissue_sinogram(parts, z_mm + height, protocol.beam) for height in protocol.heights_mm
    )
    return SliceRays(lengths, protocol.beam, z_mm, protocol.slice_mm)


def expose(rays: SliceRays, protocol: Protocol = CHEST_CT, seed: int = 0) -> Sinogram:
    """Expose traced rays: intensities of the sub-slices add up, then noise, calibration, logarithm.

    The protocol's beam and slice are those with which the rays were traced.
    """
    rng = np.random.default_rng(seed)
    detector, plastic = protocol.detector, bowtie_thickness(rays.beam.positions_mm, protocol)
    spectrum = view_spectrum(protocol, rays.beam.views)
    area = rays.beam.spacing_mm * rays.slice_mm
    measured = [
        expose_elements(_with_plastic(lengths, plastic), spectrum, detector, area)
        for lengths in rays.lengths
    ]
    mean = blur_along_row(np.mean([m for m, _ in measured], axis=0), detector)
    variance = blur_along_row(np.mean([v for _, v in measured], axis=0), detector)
    gains = drifted_gains(rays.beam.detectors, detector, rng)
    readings = read_out(mean, variance, detector, rng) if protocol.noise else mean
    air, _ = expose_elements({"pmma": plastic[None]}, spectrum, detector, area)
    return Sinogram(line_integrals(gains * readings, air), rays.beam, rays.z_mm, protocol)


def line_integrals(readings: Floats, air: Floats) -> Floats:
    """-ln(reading / air), element by element.

    A reading that noise made zero or negative tells nothing but "very little"; it is set to a
    millionth of air.
    """
    return -np.log(np.maximum(readings / air, 1e-6))


def bowtie_thickness(positions_mm: Floats, protocol: Protocol = CHEST_CT) -> Floats:
    """(detectors,) mm of plastic in front of the patient, for rays at these distances (mm).

    Made for a water cylinder of radius bowtie_mm: outer rays cross less water, and half of what
    they lack is put in their way. So the skin gets less dose, and readings differ less.
    """
    radius = protocol.bowtie_mm
    inner = np.sqrt(np.maximum(radius**2 - positions_mm**2, 0.0))
    water, plastic = (linear_attenuation(name, _BOWTIE_KEV) for name in ("water", "pmma"))
    return np.asarray((radius - inner) * water / plastic, np.float64)


def _with_plastic(lengths: dict[str, Floats], plastic: Floats) -> dict[str, Floats]:
    """The path lengths and those through the bow-tie filter."""
    shape = next(iter(lengths.values())).shape if lengths else (1, len(plastic))
    return {**lengths, "pmma": np.broadcast_to(plastic, shape) + lengths.get("pmma", 0.0)}


@lru_cache(maxsize=64)
def view_spectrum(protocol: Protocol, views: int) -> Spectrum:
    """The photons of one view at the isocentre, in front of the bow-tie filter."""
    tube = tube_spectrum(protocol.kvp, protocol.mas / views, protocol.filtration_mm_al)
    return tube.filtered("tin", protocol.tin_mm).at_distance(protocol.distance_mm)


def isocentre_kerma(protocol: Protocol = CHEST_CT) -> float:
    """Air kerma (mGy) of one rotation at the isocentre, without a patient: proportional to mAs."""
    return air_kerma(view_spectrum(protocol, 1))
