"""Drawings of numbers on grids: windows that slide, and who is connected with whom."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib.models.arithmetic.sizes import convolution_size
from course_lib.teaching.figures import COLOURS


def numbers(
    ax: Axes, values: np.ndarray, title: str = "", marked: np.ndarray | None = None
) -> Axes:
    """A table of numbers (rows, columns) as cells; marked ones coloured, NaN left empty."""
    rows, columns = values.shape
    for y in range(rows):
        for x in range(columns):
            chosen = marked is not None and bool(marked[y, x])
            face = COLOURS[4] if chosen else "white"
            box = Rectangle(
                (x - 0.5, y - 0.5), 1, 1, fc=face, ec="#888888", alpha=0.8 if chosen else 1
            )
            ax.add_patch(box)
            known = not np.isnan(values[y, x])
            ax.text(x, y, f"{values[y, x]:.3g}" if known else "", ha="center", va="center")
    ax.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal", title=title)
    ax.set_axis_off()
    return ax


def sliding_window(i: int, k: int, p: int, s: int, d: int, position: int) -> Figure:
    """Where a kernel of k x k weights lies on an i x i image, and what it has written so far.

    p padding, s stride, d dilation; `position` counts row by row. Dots are weights, grey cells
    padding. Says so on the picture if the kernel does not fit.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4))
    _cells(left, i + 2 * p, i + 2 * p, padding=p)
    try:
        o = convolution_size(i, k, p, s, d)
    except ValueError:
        left.set_title("the kernel does not fit")
        right.set_axis_off()
        return fig
    row, column = divmod(min(position, o * o - 1), o)
    taps = d * np.arange(k)
    for a in taps + row * s:
        for b in taps + column * s:
            left.add_patch(Rectangle((b - 0.5, a - 0.5), 1, 1, fc=COLOURS[4], alpha=0.7))
            left.plot(b, a, "o", color="black", ms=4)
    left.set_title(f"input {i} x {i}, padding {p}")
    _cells(right, o, i + 2 * p, done=row * o + column)
    right.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fc=COLOURS[4]))
    right.set_title(f"output {o} x {o} = floor(({i} + {2 * p} - {d * (k - 1) + 1}) / {s}) + 1")
    return fig


def _cells(ax: Axes, n: int, room: int, padding: int = 0, done: int = 0) -> None:
    """n x n empty cells in a space for `room`; grey where padding, blue where already written."""
    for y in range(n):
        for x in range(n):
            inside = padding <= min(y, x) and max(y, x) < n - padding
            face = "white" if inside else "#dddddd"
            face = "#cfe3f1" if y * n + x < done else face
            ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fc=face, ec="#888888"))
    margin = (room - n) / 2
    ax.set(xlim=(-0.6 - margin, n - 0.4 + margin), ylim=(n - 0.4 + margin, -0.6 - margin))
    ax.set_aspect("equal")
    ax.set_axis_off()


def connections(n: int = 9, k: int = 3) -> Figure:
    """n inputs below, outputs above: all connected, only neighbours, neighbours sharing weights.

    The same colour means the same weight.
    """
    fig, axes = plt.subplots(1, 3, figsize=(10, 2.6))
    full = [(i, o, "#bbbbbb") for i in range(n) for o in range(n)]
    local = [(o + t, o, "#bbbbbb") for o in range(n - k + 1) for t in range(k)]
    shared = [(i, o, COLOURS[i - o]) for i, o, _ in local]
    parts = {
        f"fully connected: {n * n} weights": (full, n),
        f"locally connected: {k * (n - k + 1)} weights": (local, n - k + 1),
        f"shared weights: {k} weights": (shared, n - k + 1),
    }
    for ax, (title, (lines, outputs)) in zip(axes, parts.items(), strict=True):
        shift = (n - outputs) / 2
        for i, o, colour in lines:
            ax.plot([i, o + shift], [0, 1], color=colour, lw=1.6, zorder=1)
        ax.scatter(range(n), [0] * n, s=70, color="black", zorder=2)
        ax.scatter(np.arange(outputs) + shift, [1] * outputs, s=70, color="black", zorder=2)
        ax.set(title=title, ylim=(-0.2, 1.2))
        ax.set_axis_off()
    return fig
