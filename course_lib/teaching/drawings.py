"""Schematic drawings of machines, to scale where it matters and exaggerated where said."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.teaching.figures import COLOURS

_BORN = 0.16  # depth at which the drawing lets photons arise; a real one is a few micrometres


def tube(anode_angle_deg: float = 20.0) -> Figure:
    """An X-ray tube from the side: cathode left, slanted target right, useful beam down.

    Photons arise at one (exaggerated) depth; their way through the metal is drawn thick. Towards
    the anode it is longer: the heel effect. Raises ValueError for an angle outside 10-30 degrees.
    """
    if not 10 <= anode_angle_deg <= 30:
        raise ValueError(f"Draw the tube with 10-30 degrees, not {anode_angle_deg:g}.")
    angle = np.radians(anode_angle_deg)
    fig, ax = plt.subplots(figsize=(7, 3.6))
    _electrodes(ax, angle)
    for degrees, colour in ((-16, COLOURS[2]), (0, COLOURS[0]), (10, COLOURS[1])):
        _ray(ax, angle, np.radians(degrees), colour)
    ax.plot([-1.0, 1.0], [-1.75, -1.75], color="#777777", lw=4)
    ax.text(1.1, -1.75, "filter (aluminium)", va="center")
    ax.text(-0.75, -2.4, "cathode side:\nmore, softer", ha="right", va="center")
    ax.text(0.85, -2.4, "anode side:\nless, harder", va="center")
    ax.set(xlim=(-4.2, 3.6), ylim=(-2.7, 1.1), aspect="equal")
    ax.set_axis_off()
    return fig


def _electrodes(ax: Axes, angle: float) -> None:
    """Hot wire, electrons, and the target whose face leans by `angle` from the vertical."""
    down = np.array([np.sin(angle), -np.cos(angle)])
    top, bottom = -0.9 * down, 1.1 * down
    ax.fill([top[0], bottom[0], 2.4, 2.4], [top[1], bottom[1], bottom[1], top[1]], color="#cccccc")
    ax.text(1.55, 0.35, "anode (+)\ntungsten", ha="center", va="center")
    turns = np.linspace(0, 6 * np.pi, 120)
    ax.plot(-3.1 + 0.12 * np.sin(turns), np.linspace(-0.3, 0.3, 120), color=COLOURS[4])
    ax.text(-3.1, 0.62, "cathode (-), hot wire", ha="center")
    ax.annotate("", (-0.12, 0), (-2.8, 0), arrowprops={"arrowstyle": "->", "lw": 2})
    ax.text(-1.55, 0.15, "electrons, kVp", ha="center")


def _ray(ax: Axes, angle: float, direction: float, colour: str) -> None:
    """One photon: thick inside the metal, thin outside, with an arrow's head."""
    normal = np.array([-np.cos(angle), -np.sin(angle)])  # out of the target's face
    way = np.array([np.sin(direction), -np.cos(direction)])
    born = np.array([_BORN, 0.0])
    exit_point = born + way * (born @ -normal) / (way @ normal)
    end = born + way * (2.4 / np.cos(direction))
    ax.plot(*np.transpose([born, exit_point]), color=colour, lw=4, solid_capstyle="butt")
    ax.annotate("", end, exit_point, arrowprops={"arrowstyle": "->", "color": colour})
