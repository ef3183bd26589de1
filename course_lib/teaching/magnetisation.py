"""Pictures of magnetisation: arrows in the rotating frame, seen from the side and from above."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from course_lib.teaching.figures import COLOURS

VIEW = np.radians([20.0, 40.0])  # height and turn of the eye


def on_paper(vectors: NDArray) -> NDArray[np.float64]:
    """(..., 2) places on the page of vectors (..., 3): parallel projection, z upwards."""
    height, turn = VIEW
    x, y, z = np.moveaxis(np.asarray(vectors, float), -1, 0)
    right = -np.sin(turn) * x + np.cos(turn) * y
    away = np.cos(turn) * x + np.sin(turn) * y
    return np.stack([right, np.cos(height) * z - np.sin(height) * away], -1)


def draw_globe(ax: Axes) -> None:
    """The sphere of full magnetisation with its equator and the axes x, y and z (the field)."""
    angle = np.linspace(0, 2 * np.pi, 121)
    ax.plot(np.cos(angle), np.sin(angle), color="0.8", lw=1)
    equator = np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    ax.plot(*on_paper(equator).T, color="0.8", lw=1)
    for name, end in zip("xyz", 1.12 * np.eye(3), strict=True):
        tip = on_paper(end)
        ax.plot([0, tip[0]], [0, tip[1]], color="0.6", lw=1)
        ax.text(tip[0], tip[1], name, color="0.35", ha="center", va="center")
    ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.25), aspect="equal")
    ax.set_axis_off()


def draw_arrows(
    ax: Axes,
    vectors: NDArray,
    title: str = "",
    colour: str = COLOURS[0],
    path: NDArray | None = None,
    follow: int | None = None,
) -> Axes:
    """Arrows for (N, 3) vectors in the globe, with their mean in orange when there are several.

    path (T, 3): where the (mean) vector has come from, drawn as a line.
    follow: the number of one vector to keep an eye on, drawn thicker and in green.
    """
    draw_globe(ax)
    vectors = np.atleast_2d(vectors)
    if path is not None:
        ax.plot(*on_paper(path).T, color=COLOURS[1], lw=1.5, alpha=0.8)
    for tip in on_paper(vectors):
        _arrow(ax, tip, colour, 1.6 if len(vectors) > 1 else 3.0)
    if follow is not None:
        _arrow(ax, on_paper(vectors[follow]), COLOURS[2], 2.6)
    if len(vectors) > 1:
        _arrow(ax, on_paper(vectors.mean(0)), COLOURS[1], 4.0)
    ax.set_title(title)
    return ax


def _arrow(ax: Axes, tip: NDArray, colour: str, width: float) -> None:
    """One arrow from the middle of the globe."""
    head = {"arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0, "shrinkB": 0}
    if np.hypot(*tip) > 0.03:
        ax.annotate("", (tip[0], tip[1]), (0, 0), arrowprops=head)
    else:
        ax.plot(*tip, "o", color=colour, ms=2 * width)
