"""Beam hardening and its correction.

Soft photons are lost first, so a ray's attenuation grows more slowly than the path: -ln(I / I0) of
water is a curve p(t), not a line. Uncorrected, thick middles look too dark (cupping), and dark
bands join bones. Water correction reads t off the curve and puts mu t in its place. Bone hardens
more than water; a second pass takes its share of each ray from a first picture (P. M. Joseph and
R. D. Spital, J. Comput. Assist. Tomogr. 2, 1978, 100).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import Protocol, Sinogram, SliceRays, expose
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.hounsfield import faultless

Floats = NDArray[np.float64]
REFERENCE_KEV = 70.0  # corrected line integrals are those of photons of this energy
WATER_MM = np.linspace(0, 600, 121)
BONE_MM = np.linspace(0, 160, 33)


def hardened(protocol: Protocol, lengths: dict[str, Floats]) -> Floats:
    """(n, detectors): what the protocol measures, without noise, behind tissues.

    lengths: tissue -> (n,) mm, the same for all detectors. The bow-tie filter makes the answer
    depend on the detector.
    """
    count = len(next(iter(lengths.values())))
    old = protocol.beam
    beam = ParallelBeam(count, old.detectors, old.spacing_mm, shift=old.shift)
    calm = replace(faultless(protocol), beam=beam)
    spread = {
        name: np.repeat(np.asarray(mm, float)[:, None], old.detectors, axis=1)
        for name, mm in lengths.items()
    }
    return expose(SliceRays((spread,), beam, 0.0, protocol.slice_mm), calm).values


def correct_water(sinogram: Sinogram, energy_kev: float = REFERENCE_KEV) -> Sinogram:
    """Line integrals that photons of one energy would have given, if all tissue were water."""
    curve = hardened(sinogram.protocol, {"water": WATER_MM})
    mu = float(linear_attenuation("water", energy_kev))
    values = np.empty_like(sinogram.values)
    for detector in range(values.shape[1]):
        # Noise can make readings negative: the curve goes on as a straight line to both sides.
        values[:, detector] = mu * _read_off(
            sinogram.values[:, detector], curve[:, detector], WATER_MM
        )
    return replace(sinogram, values=values)


def correct_bone(
    sinogram: Sinogram,
    bone_share: NDArray[np.floating],
    pixel_mm: float,
    energy_kev: float = REFERENCE_KEV,
) -> Sinogram:
    """Correct rays through water and bone (parallel beam only).

    sinogram: as measured, not water-corrected. bone_share (size, size): share of cortical bone in
    each pixel of a first picture, see `bone_in`. Its projection says how much bone a ray meets;
    what remains of the reading is ascribed to water; both are then added up at one energy.
    """
    beam = sinogram.beam
    if not isinstance(beam, ParallelBeam):
        raise ValueError("Rebin the fan to parallel rays first (imaging.ct.rebinning).")
    projector = ParallelProjector(
        len(bone_share), pixel_mm, beam.angles_deg, beam.detectors, beam.spacing_mm
    )
    bone = np.clip(projector.project(np.asarray(bone_share, np.float32)), 0, BONE_MM[-1])
    water = _water_beside(sinogram, np.asarray(bone, float))
    mu = {name: float(linear_attenuation(name, energy_kev)) for name in ("water", "bone_cortical")}
    return replace(sinogram, values=mu["water"] * water + mu["bone_cortical"] * bone)


def bone_in(
    hounsfield_values: NDArray[np.floating], start: float = 200.0, full: float = 1600.0
) -> NDArray[np.float32]:
    """Share of cortical bone in each pixel: nothing below `start` HU, all of it from `full` HU."""
    share = np.asarray(hounsfield_values, np.float32) / np.float32(full)
    return np.where(np.asarray(hounsfield_values) > start, np.clip(share, 0, 1), 0)


def _water_beside(sinogram: Sinogram, bone: Floats) -> Floats:
    """(views, detectors) mm of water that, behind `bone` mm of bone, gives the reading."""
    grid = np.meshgrid(WATER_MM, BONE_MM, indexing="ij")
    lengths = {"water": grid[0].ravel(), "bone_cortical": grid[1].ravel()}
    table = hardened(sinogram.protocol, lengths).reshape(*grid[0].shape, -1)
    step = BONE_MM[1] - BONE_MM[0]
    low = np.minimum((bone / step).astype(int), len(BONE_MM) - 2)
    weight = bone / step - low
    result = np.empty_like(sinogram.values)
    for detector in range(result.shape[1]):
        curves = table[:, :, detector]
        at, share = low[:, detector], weight[:, detector]
        mixed = curves[:, at] * (1 - share) + curves[:, at + 1] * share  # (water, views)
        for view, reading in enumerate(sinogram.values[:, detector]):
            result[view, detector] = _read_off(reading, mixed[:, view], WATER_MM)
    return result


def _read_off(readings, curve: Floats, millimetres: Floats):  # type: ignore[no-untyped-def]
    """Millimetres at which a rising curve has the readings; straight on beyond its ends."""
    inner = np.interp(readings, curve, millimetres)
    first = (curve[1] - curve[0]) / (millimetres[1] - millimetres[0])
    last = (curve[-1] - curve[-2]) / (millimetres[-1] - millimetres[-2])
    last = np.maximum(last, 1e-4)  # behind metres of matter nothing arrives: the curve is flat
    below = np.minimum(readings - curve[0], 0) / first
    above = np.maximum(readings - curve[-1], 0) / last
    return inner + below + above
