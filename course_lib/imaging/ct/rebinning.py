"""From fan beams to parallel beams: the same lines in another order.

The ray (beta, gamma) of a fan is the line theta = beta - gamma, s = source_mm * sin(gamma). So the
value of line (theta, s) is found at gamma = asin(s / source_mm) and beta = theta + gamma; between
the measured rays it is interpolated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from course_lib.imaging.ct.geometry import FanBeam, ParallelBeam

Floats = NDArray[np.float64]
_MARGIN = 8  # views and elements added at the edges, so that the spline does not feel them


def rebin(
    values: NDArray[np.floating], fan: FanBeam, parallel: ParallelBeam, order: int = 3
) -> Floats:
    """The parallel sinogram (views, detectors) of a fan-beam sinogram (views, detectors).

    order 1: linear interpolation, 3: cubic splines. Lines outside the fan take the value of its
    outermost ray. Raises ValueError when the arc is neither a full turn nor at least 180 degrees
    plus the fan angle, which is what it takes to see every line.
    """
    values = np.asarray(values, float)
    if values.shape != (fan.views, fan.detectors):
        raise ValueError(
            f"This fan beam gives {fan.views} x {fan.detectors} values, got {values.shape}."
        )
    beta, gamma = fan_coordinates(fan, parallel)
    turn = fan.arc_deg >= 360
    if not turn:
        beta, gamma = _within_arc(beta, gamma, fan)
    view = (beta - fan.first_deg) / (fan.arc_deg / fan.views)
    if turn:
        view = view % fan.views
    step = np.degrees(fan.spacing_mm / fan.source_mm)
    element = np.clip((gamma - fan.fan_deg[0]) / step, 0, fan.detectors - 1)
    padded = np.pad(values, ((_MARGIN, _MARGIN), (0, 0)), mode="wrap" if turn else "edge")
    padded = np.pad(padded, ((0, 0), (_MARGIN, _MARGIN)), mode="edge")
    return map_coordinates(padded, [view + _MARGIN, element + _MARGIN], order=order)


def fan_coordinates(fan: FanBeam, parallel: ParallelBeam) -> tuple[Floats, Floats]:
    """beta and gamma in degrees, both (views, detectors), of every line of the parallel beam.

    Raises ValueError when lines pass outside the circle on which the source turns.
    """
    theta, s = parallel.coordinates()
    if np.abs(s).max() >= fan.source_mm:
        raise ValueError("Some parallel rays pass outside the source's circle: take fewer.")
    gamma = np.degrees(np.arcsin(s / fan.source_mm))
    return theta + gamma, gamma


def _within_arc(beta: Floats, gamma: Floats, fan: FanBeam) -> tuple[Floats, Floats]:
    """The same lines, seen from the other side where the source never stood at beta.

    The line (beta, gamma) is also (beta + 180 - 2 gamma, -gamma), and all angles repeat after 360.
    """
    last = fan.arc_deg * (1 - 1 / fan.views)
    start = (beta - fan.first_deg) % 360
    other = (beta + 180 - 2 * gamma - fan.first_deg) % 360
    direct = start <= last
    # Half a step outside the arc is rounding: the last view is as good as the next one.
    slack = 0.5 * fan.arc_deg / fan.views
    if not np.all(direct | (other <= last + slack) | (other >= 360 - slack)):
        raise ValueError(
            f"An arc of {fan.arc_deg:g} degrees misses some lines; a fan needs 180 degrees plus "
            f"its own angle ({np.ptp(fan.fan_deg):.1f})."
        )
    other = np.where(other >= 360 - slack, 0.0, np.minimum(other, last))
    return fan.first_deg + np.where(direct, start, other), np.where(direct, gamma, -gamma)


def interleave(values: NDArray[np.floating], beam: ParallelBeam) -> tuple[Floats, ParallelBeam]:
    """Opposite views of a full turn combined: half the views, twice as many rays.

    A detector shifted by a quarter of an element sees from behind the lines between those that it
    saw from the front (quarter-detector offset). Raises ValueError for another shift or arc, or an
    odd number of views.
    """
    if beam.arc_deg != 360 or abs(beam.shift) != 0.25 or beam.views % 2:
        raise ValueError(
            "Interleaving needs a full turn with an even number of views and a shift of +-0.25."
        )
    half = beam.views // 2
    front, back = np.asarray(values, float)[:half], np.asarray(values, float)[half:, ::-1]
    pair = (back, front) if beam.shift > 0 else (front, back)
    combined = np.stack(pair, axis=-1).reshape(half, -1)
    denser = ParallelBeam(half, 2 * beam.detectors, beam.spacing_mm / 2, 180.0, beam.first_deg)
    return combined, denser
