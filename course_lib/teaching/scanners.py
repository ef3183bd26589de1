"""Drawings of CT scanners at work: where source, rays and detectors are at a moment."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from course_lib.imaging.ct.generations import SCANNERS, Readings
from course_lib.teaching.figures import COLOURS

_BODY_MM = (360, 240)  # width and depth of the patient that is drawn


def scanner(ax: Axes, scan: Readings, generation: int, share: float) -> None:
    """Draw a scanner of this generation when `share` (0 to 1) of the scan is over.

    Blue lines are the rays that are being measured, orange is the source, green are detectors.
    """
    now = share * scan.time_s[-1]
    latest = _latest(scan, generation, now)
    _gantry(ax, scan, generation)
    segments = np.stack([latest.source, latest.element], axis=1)
    ax.add_collection(LineCollection(list(segments), colors=COLOURS[0], linewidths=0.5))
    ax.plot(*latest.source.T, "o", color=COLOURS[1], ms=7)
    ax.plot(*latest.element.T, "s", color=COLOURS[2], ms=3)
    ax.set_title(f"generation {generation}: {now:.3g} s")


def _latest(scan: Readings, generation: int, now: float) -> Readings:
    """The readings of this moment: those of the last view, or of the beams as the fan sweeps."""
    last = max(int(np.searchsorted(scan.time_s, now, side="right")) - 1, 0)
    if generation >= 3:
        return scan.chosen(scan.time_s == scan.time_s[last])
    beams = SCANNERS[generation - 1].beams
    sweep = scan.chosen(scan.angle // beams == scan.angle[last] // beams)
    # Each beam of the fan is drawn at its reading next to the source's present place.
    nearest = np.argsort(np.linalg.norm(sweep.source - scan.source[last], axis=1), kind="stable")
    _, first = np.unique(sweep.angle[nearest], return_index=True)
    fan = sweep.chosen(nearest[first])
    way = fan.element - fan.source
    return Readings(
        fan.lattice, fan.time_s, fan.angle, fan.ray,
        np.broadcast_to(scan.source[last], fan.source.shape), scan.source[last] + way,
    )  # fmt: skip


def _gantry(ax: Axes, scan: Readings, generation: int) -> None:
    """The patient, and what stands still: the ring of generation 4, the circle of 3."""
    ax.add_patch(Ellipse((0, 0), *_BODY_MM, facecolor="#dddddd", edgecolor="#777777"))
    radius = scan.lattice.radius_mm
    if generation == 4:
        turn = np.arange(0, 360, scan.lattice.step_deg)
        ring = radius * np.stack([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
        ax.plot(*ring, ".", color="#999999", ms=2)
    elif generation == 3:
        ax.add_patch(Ellipse((0, 0), 2 * radius, 2 * radius, fill=False, ls=":", color="#999999"))
    reach = 660 if generation >= 3 else 380
    ax.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
    ax.set_axis_off()


def film_strip(scans: dict[int, Readings], shares: list[float]) -> Figure:
    """One row per generation, one column per moment (share of the scan that is over)."""
    fig, axes = plt.subplots(
        len(scans), len(shares), figsize=(2.3 * len(shares), 2.45 * len(scans)), squeeze=False
    )
    for row, (generation, scan) in zip(axes, scans.items(), strict=True):
        for ax, share in zip(row, shares, strict=True):
            scanner(ax, scan, generation, share)
    return fig


def filled_so_far(scan: Readings, values: np.ndarray, share: float) -> np.ndarray:
    """The sorted sinogram of the readings (N,) made until `share` of the time; NaN elsewhere."""
    done = scan.time_s <= share * scan.time_s[-1]
    return scan.chosen(done).sorted_sinogram(values[done])
