"""Three ways to read every ray with two spectra.

- rapid kVp switching: one tube changes its voltage from view to view. Every second view is missing
  at each voltage and is made up from its neighbours.
- dual source: two tubes a quarter turn apart, each with its own voltage; the high one with a tin
  filter, which takes away the soft photons that both would share. Each catches some of the other's
  scatter.
- layered detector: one spectrum, two layers; the upper absorbs mostly soft photons, the lower sees
  what is left. The same ray at the same moment, but the spectra overlap most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import Protocol, Sinogram, SliceRays, expose
from course_lib.imaging.ct.detector import CERAMIC, CtDetector
from course_lib.imaging.ct.dual_energy import DualScan

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LowerLayer(CtDetector):
    """The lower layer of two: it absorbs of what `above_mm` of ceramic have let through."""

    above_mm: float = 0.35

    def absorbed_share(self, energies_kev: Floats) -> Floats:
        """Share of the photons that this layer absorbs."""
        passed = np.exp(-linear_attenuation(CERAMIC, energies_kev) * self.above_mm)
        return passed * super().absorbed_share(energies_kev)


def seeds(seed: int) -> tuple[int, int]:
    """Two independent seeds from one."""
    first, second = np.random.SeedSequence(seed).generate_state(2)
    return int(first), int(second)


def kvp_switching(rays: SliceRays, low: Protocol, high: Protocol, seed: int = 0) -> DualScan:
    """Even views at the low voltage, odd ones at the high; the gaps filled by interpolation.

    A view lasts half as long at each voltage, so it gets half of the protocol's photons per pair of
    views: mas counts for the whole rotation, as if all views had that voltage.
    """
    readings = []
    for first, (protocol, number) in enumerate(zip((low, high), seeds(seed), strict=True)):
        all_views = expose(rays, protocol, number)
        readings.append(replace(all_views, values=_gaps_filled(all_views, first)))
    return DualScan(readings[0], readings[1], "rapid kVp switching")


def _gaps_filled(sinogram: Sinogram, first: int) -> Floats:
    """(views, detectors): every second view from `first` on as measured, the others in between.

    Beyond the last view of half a turn comes the first one, seen from the other side.
    """
    values, arc = sinogram.values, sinogram.beam.arc_deg
    following = values[:, ::-1] if arc == 180 else values
    wrapped = np.concatenate([following[-2:], values, following[:2]])
    filled = wrapped.copy()
    missing = np.arange(1 - first, len(values), 2) + 2
    filled[missing] = 0.5 * (wrapped[missing - 1] + wrapped[missing + 1])
    return filled[2:-2]


def dual_source(
    low_rays: SliceRays,
    high_rays: SliceRays,
    low: Protocol,
    high: Protocol,
    seed: int = 0,
    cross_scatter: float = 0.0,
) -> DualScan:
    """Two tubes at once. low_rays and high_rays are the same for a patient at rest.

    cross_scatter: what each detector catches of the other beam, as a share of its own mean reading.
    """
    pairs = zip((low_rays, high_rays), (low, high), seeds(seed), strict=True)
    readings = [expose(rays, protocol, number) for rays, protocol, number in pairs]
    if cross_scatter:
        readings = [_with_scatter(one, cross_scatter) for one in readings]
    return DualScan(readings[0], readings[1], "dual source")


def _with_scatter(sinogram: Sinogram, share: float) -> Sinogram:
    """Line integrals of readings to which a constant share of the mean reading is added."""
    transmitted = np.exp(-sinogram.values)
    return replace(sinogram, values=-np.log(transmitted + share * transmitted.mean()))


def layers(
    protocol: Protocol, upper_mm: float = 0.35, lower_mm: float = 1.4
) -> tuple[Protocol, Protocol]:
    """The protocol as the upper and as the lower layer of its detector see it."""
    old = protocol.detector
    lower = LowerLayer(
        lower_mm, old.noise_kev, old.gain_drift, old.aperture, old.focal_spot, upper_mm
    )
    return (
        replace(protocol, detector=replace(old, thickness_mm=upper_mm)),
        replace(protocol, detector=lower),
    )


def layered_detector(rays: SliceRays, protocol: Protocol, seed: int = 0) -> DualScan:
    """Two readings of the same photons' paths by two layers of ceramic."""
    upper, lower = layers(protocol)
    first, second = seeds(seed)
    return DualScan(expose(rays, upper, first), expose(rays, lower, second), "layered detector")
