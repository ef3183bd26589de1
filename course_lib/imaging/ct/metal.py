"""Metal artefacts and two ways to reduce them.

Behind metal hardly a photon arrives (photon starvation) and those that do are hard. The rays that
met metal are therefore thrown away and made up from their neighbours, in two ways:

- linear interpolation (W. A. Kalender, R. Hebel, J. Ebersberger, Radiology 164, 1987, 576);
- normalised: first divided by what a rough model of the patient without metal would give, so that
  only the difference from the model is interpolated (E. Meyer et al., Med. Phys. 37, 2010, 5482).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from course_lib.imaging.ct.acquisition import Sinogram
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.hounsfield import from_hounsfield, hounsfield

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
METAL_HU = 2500.0  # above all bone
LUNG_HU, FLESH_HU, BONE_HU = (-900.0, -400.0, 200.0)  # where each kind of tissue begins


@dataclass(frozen=True)
class MetalReduced:
    """Pictures in HU, all (size, size): as measured, both reductions, and where metal was found."""

    raw: Floats
    linear: Floats
    normalised: Floats
    metal: Mask


def reduce_metal(
    sinogram: Sinogram, size: int, pixel_mm: float, mu_water: float, window: str = "hann"
) -> MetalReduced:
    """Find the metal in a first picture, replace its rays in both ways, and put it back.

    mu_water (1/mm): the value for 0 HU. Raises ValueError for a fan beam or when no pixel is above
    METAL_HU.
    """
    beam = sinogram.beam
    if not isinstance(beam, ParallelBeam):
        raise ValueError("Rebin the fan to parallel rays first (imaging.ct.rebinning).")
    projector = ParallelProjector(size, pixel_mm, beam.angles_deg, beam.detectors, beam.spacing_mm)

    def picture(values: Floats) -> Floats:
        mu = fbp(values, beam.angles_deg, beam.spacing_mm, size, pixel_mm, window, projector)
        return hounsfield(mu, mu_water)

    raw = picture(sinogram.values)
    metal = raw > METAL_HU
    if not metal.any():
        raise ValueError(f"No pixel is above {METAL_HU:g} HU: there is no metal to reduce.")
    trace = metal_trace(metal, projector)
    linear = picture(bridged(sinogram.values, trace))
    model = np.maximum(projector.project(from_hounsfield(without_streaks(linear), mu_water)), 0.02)
    normal = picture(bridged(sinogram.values / model, trace) * model)
    return MetalReduced(raw, np.where(metal, raw, linear), np.where(metal, raw, normal), metal)


def metal_trace(metal: Mask, projector: ParallelProjector, reach: int = 1) -> Mask:
    """(views, detectors): the rays that meet metal, and `reach` elements on both sides."""
    lengths = projector.project(metal.astype(np.float32))
    met = lengths > 0.35 * projector.pixel_mm
    return np.asarray(binary_dilation(met, np.ones((1, 2 * reach + 1))))


def bridged(values: Floats, trace: Mask) -> Floats:
    """Values (views, detectors) with those on the trace made up from their neighbours: straight
    lines across, view by view."""
    place, result = np.arange(values.shape[1]), np.array(values, float)
    for row, hidden in zip(result, trace, strict=True):
        if hidden.any() and not hidden.all():
            row[hidden] = np.interp(place[hidden], place[~hidden], row[~hidden])
    return result


def without_streaks(picture: Floats, blur: float = 1.0) -> Floats:
    """A rough model of the patient (HU): air, lung and flesh each of one value, bone as it is.

    Streaks within one kind of tissue vanish; borders stay, and they are what matters.
    """
    smooth = gaussian_filter(picture, blur)
    model = smooth.copy()
    model[smooth < LUNG_HU] = -1000
    for low, high in ((LUNG_HU, FLESH_HU), (FLESH_HU, BONE_HU)):
        chosen = (smooth >= low) & (smooth < high)
        if chosen.any():
            model[chosen] = np.median(picture[chosen])
    return model
