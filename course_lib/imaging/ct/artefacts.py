"""Artefacts on demand, and their cures: motion, wrong axis, rings, few views.

Beam hardening is in `beam_hardening`, metal in `metal`. Everything here is for parallel beams;
fans are rebinned first (`rebinning`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from course_lib.imaging.ct.acquisition import (
    CHEST_CT,
    Protocol,
    Sinogram,
    SliceRays,
    expose,
    slice_rays,
)
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.patient.solids import Part

Floats = NDArray[np.float64]


def moving_rays(
    parts_at: Callable[[float], tuple[Part, ...]],
    z_mm: float,
    protocol: Protocol = CHEST_CT,
    steps: int = 12,
) -> SliceRays:
    """The rays of a patient who moves while the tube turns; expose them like others.

    parts_at(t): the patient at time t, from 0 (start of the scan) to 1 (its end). The views are
    split into `steps` groups, each of which sees the patient of its middle time. Raises ValueError
    unless the steps divide the views.
    """
    beam = _parallel(protocol)
    if steps < 1 or beam.views % steps:
        raise ValueError(f"{steps} steps do not divide {beam.views} views evenly.")
    arc, groups = beam.arc_deg / steps, []
    for step in range(steps):
        part = replace(
            beam, views=beam.views // steps, arc_deg=arc, first_deg=beam.first_deg + step * arc
        )
        groups.append(
            slice_rays(parts_at((step + 0.5) / steps), z_mm, replace(protocol, beam=part))
        )
    heights = zip(*(group.lengths for group in groups), strict=True)
    return SliceRays(tuple(_stacked(g) for g in heights), beam, z_mm, protocol.slice_mm)


def _stacked(groups: tuple[dict[str, Floats], ...]) -> dict[str, Floats]:
    """Path lengths of all groups of views, one below the other."""
    tissues = sorted({name for group in groups for name in group})
    shapes = [next(iter(group.values())).shape for group in groups]
    return {
        name: np.concatenate(
            [g.get(name, np.zeros(s)) for g, s in zip(groups, shapes, strict=True)]
        )
        for name in tissues
    }


def _parallel(protocol: Protocol) -> ParallelBeam:
    if not isinstance(protocol.beam, ParallelBeam):
        raise ValueError("This needs a parallel beam: rebin the fan first.")
    return protocol.beam


def every_nth(sinogram: Sinogram, step: int) -> Sinogram:
    """The sinogram with every n-th view only. ValueError unless `step` divides the views."""
    beam = _parallel(sinogram.protocol)
    if step < 1 or beam.views % step:
        raise ValueError(f"{beam.views} views cannot be thinned out by {step}.")
    fewer = replace(beam, views=beam.views // step)
    return _with_beam(sinogram, sinogram.values[::step], fewer)


def _with_beam(sinogram: Sinogram, values: Floats, beam: ParallelBeam) -> Sinogram:
    protocol = replace(sinogram.protocol, beam=beam)
    return replace(sinogram, values=values, beam=beam, protocol=protocol)


def axis_offset(sinogram: Sinogram, at_most: float = 8.0) -> float:
    """By how many elements the detector is off the axis, found from opposite views.

    Half a turn later every ray is measured again, from behind: p(theta + 180, s) = p(theta, -s).
    The offset is the one for which that fits best. It has the sign of `ParallelBeam.shift`. Raises
    ValueError unless the views cover a full turn evenly.
    """
    beam = _parallel(sinogram.protocol)
    if beam.arc_deg != 360 or beam.views % 2:
        raise ValueError("Opposite views are needed: a full turn and an even number of views.")
    half = beam.views // 2
    front, back = sinogram.values[:half], sinogram.values[half:, ::-1]

    def misfit(offset: float) -> float:
        # Mirrored about the axis, the back views lie 2 * offset elements off.
        gap = front - shifted(back, 2 * offset)
        edge = int(2 * at_most) + 1
        return float(np.mean(gap[:, edge:-edge] ** 2))

    coarse = np.linspace(-at_most, at_most, int(8 * at_most) + 1)
    best = coarse[int(np.argmin([misfit(offset) for offset in coarse]))]
    return float(minimize_scalar(misfit, bounds=(best - 0.25, best + 0.25), method="bounded").x)


def shifted(rows: NDArray[np.floating], elements: float) -> Floats:
    """Rows (views, detectors) whose value at j is the old one at j + elements; linear between."""
    place = np.arange(rows.shape[1], dtype=np.float64)
    return np.stack([np.interp(place + elements, place, row) for row in np.asarray(rows, float)])


def recentred(sinogram: Sinogram, offset: float) -> Sinogram:
    """The sinogram as a detector without offset would have measured it."""
    beam = replace(_parallel(sinogram.protocol), shift=0.0)
    return _with_beam(sinogram, shifted(sinogram.values, -offset), beam)


def air_scan(protocol: Protocol, seed: int, mas: float = 20_000.0) -> Floats:
    """(detectors,): line integrals of nothing, that is -ln of what gains have drifted to.

    The seed says which detector it is: the same seed has the same gains in `acquisition.expose`.
    """
    beam = replace(_parallel(protocol), views=1)
    nothing = SliceRays(({},), beam, 0.0, protocol.slice_mm)
    return expose(nothing, replace(protocol, beam=beam, mas=mas), seed).values[0]


def recalibrated(sinogram: Sinogram, air: Floats) -> Sinogram:
    """The sinogram with gains divided out by a new air scan, see `air_scan`."""
    return replace(sinogram, values=sinogram.values - air)


def remove_rings(sinogram: Sinogram, least: float = 0.01) -> Sinogram:
    """Correct single elements that differ from their neighbours by the same amount in all views.

    A wrong gain adds the same to every line integral of its element, while borders of organs move
    from view to view. The worst element is corrected first, as long as it exceeds `least`. Where
    all gains have drifted a little, no element stands out from its neighbours in all views and
    most of the error remains: that takes a new air scan (`recalibrated`).
    """
    values = sinogram.values.copy()
    for _ in range(values.shape[1]):
        excess = _steady_excess(values)
        worst = int(np.argmax(np.abs(excess)))
        if abs(excess[worst]) <= least:
            break
        values[:, worst] -= excess[worst]
    return replace(sinogram, values=values)


def _steady_excess(values: Floats) -> Floats:
    """(detectors,) by how much elements exceed the mean of their two neighbours, if they do so in
    nine tenths of the views (means of a few, as single views are noisy); otherwise 0."""
    few = np.stack([group.mean(0) for group in np.array_split(values, 24)])
    excess = few[:, 1:-1] - 0.5 * (few[:, :-2] + few[:, 2:])
    low, middle, high = np.percentile(excess, [5, 50, 95], axis=0)
    return np.pad(np.where(low * high > 0, middle, 0.0), 1)
