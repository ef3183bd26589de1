"""The neocognitron: S-cells that find features, C-cells that forgive shifts, three times over.

Source: Fukushima, "Neocognitron: a self-organizing neural network model for a mechanism of pattern
recognition unaffected by shift in position", Biological Cybernetics 36:193-202, 1980. Notation of
the paper: u_S, u_C outputs of S- and C-cells; v_C, v_S inhibitory cells; a, b learned excitatory
and inhibitory weights; c, d fixed weights that fall with distance; r selectivity; q speed of
learning; phi[x] = max(x, 0). Learning is in `neocognitron_learning`.

Ours, where the paper leaves it open or we could not check it: how fast c and d fall, how wide the
S-columns are, on which S-cells the thinned-out C-cells are centred, the first weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SATURATION = 0.5  # alpha of psi[x] = phi[x / (alpha + x)]
FIRST_WEIGHT = 1e-3  # size of the weights before learning


@dataclass(frozen=True)
class Stage:
    """One S-layer and its C-layer: sizes in cells, `planes` of each.

    s_size, s_window: S-plane and field of an S-cell; column: width of an S-column (the cells that
    compete); c_size, c_window, c_stride: C-plane, field of a C-cell, S-cells between two fields.
    """

    planes: int
    s_size: int
    s_window: int
    column: int
    selectivity: float
    speed: float
    c_size: int
    c_window: int
    c_stride: int


INPUT_SIZE = 16
# Planes, sizes, r and q of the paper's simulation: 16x16 -> 24 C-planes of 10x10, 6x6, 1x1.
PAPER = (
    Stage(24, 16, 5, 7, 4.0, 1.0, 10, 5, 2),
    Stage(24, 8, 5, 3, 1.5, 16.0, 6, 5, 2),
    Stage(24, 2, 5, 2, 1.5, 16.0, 1, 2, 1),
)


class Neocognitron:
    """A cascade of stages for (16, 16) patterns. `a[l]` is (planes, planes before, w, w), `b[l]`
    (planes,): all cells of a plane share them, wherever they look."""

    def __init__(self, stages: Sequence[Stage] = PAPER):
        self.stages = tuple(stages)
        before = (1, *(stage.planes for stage in self.stages[:-1]))
        self.c = [one_in_all(s.s_window, n) for s, n in zip(self.stages, before, strict=True)]
        self.d = [falling(stage.c_window, 0.7) for stage in self.stages]
        first = [first_weights(s, n) for s, n in zip(self.stages, before, strict=True)]
        self.a = [weights * c for weights, c in zip(first, self.c, strict=True)]
        self.b = [np.zeros(stage.planes) for stage in self.stages]

    def respond(self, pattern: ArrayLike) -> list[tuple[Array, Array]]:
        """(16, 16) pattern of 0 to 1 -> [(u_S, u_C) of every stage], each (planes, size, size).

        Raises ValueError for another shape.
        """
        u = np.asarray(pattern, float)[None]
        if u.shape[1:] != (INPUT_SIZE, INPUT_SIZE):
            raise ValueError(f"A pattern must be {INPUT_SIZE} x {INPUT_SIZE}, not {u.shape[1:]}.")
        answers = []
        for level in range(len(self.stages)):
            u_s = self.s_cells(level, self.fields(level, u))
            u = self.c_cells(level, u_s)
            answers.append((u_s, u))
        return answers

    def classify(self, pattern: ArrayLike) -> int | None:
        """Number of the last C-cell that answers most strongly, None when all are silent."""
        last = self.respond(pattern)[-1][1].max((1, 2))
        return int(last.argmax()) if last.max() > 0 else None

    def fields(self, level: int, u_c: Array) -> Array:
        """(planes, s, s, w, w): what each S-cell of a stage sees of the C-planes before it."""
        stage = self.stages[level]
        return windows(u_c, stage.s_size, stage.s_window, 1)

    def s_cells(self, level: int, fields: Array) -> Array:
        """u_S = r phi[(1 + sum a u) / (1 + 2r/(1+r) b v_C) - 1]: an S-cell fires when what it sees
        is like what it learned. v_C, the root of the c-weighted mean square of its field, grows
        with everything in the field and so punishes what does not belong."""
        r = self.stages[level].selectivity
        excitation = np.einsum("kpvw,pxyvw->kxy", self.a[level], fields, optimize=True)
        inhibition = self.b[level][:, None, None] * self.inhibitor(level, fields)
        ratio = (1 + excitation) / (1 + 2 * r / (1 + r) * inhibition)
        return np.asarray(r * np.maximum(ratio - 1, 0))

    def inhibitor(self, level: int, fields: Array) -> Array:
        """(s, s) v_C = sqrt(sum over planes and places of c u^2)."""
        return np.asarray(np.sqrt(np.einsum("vw,pxyvw->xy", self.c[level], fields**2)))

    def c_cells(self, level: int, u_s: Array) -> Array:
        """u_C = psi[(1 + sum d u_S) / (1 + v_S) - 1]: a C-cell fires when any S-cell in its
        field, on its own plane, does. v_S, the mean over all planes, lets the strongest win."""
        stage = self.stages[level]
        seen = windows(u_s, stage.c_size, stage.c_window, stage.c_stride)
        pooled = np.einsum("vw,kxyvw->kxy", self.d[level], seen)
        x = np.maximum((1 + pooled) / (1 + pooled.mean(0)) - 1, 0)
        return np.asarray(x / (SATURATION + x))


def windows(u: Array, size: int, width: int, stride: int) -> Array:
    """(planes, n, n) -> (planes, size, size, width, width): square fields, zeros outside."""
    missing = (size - 1) * stride + width - u.shape[1]
    pad = (missing // 2, missing - missing // 2)
    padded = np.pad(u, ((0, 0), pad, pad))
    return np.asarray(sliding_window_view(padded, (width, width), (1, 2))[:, ::stride, ::stride])


def falling(width: int, factor: float) -> Array:
    """(width, width) weights that fall by `factor` per cell of distance; the greatest is one."""
    away = np.abs(np.arange(width) - (width - 1) / 2)
    weights = factor ** np.hypot(away[:, None], away[None, :])
    return np.asarray(weights / weights.max())


def one_in_all(width: int, planes: int) -> Array:
    """(width, width) weights c that add up to one over all places and planes."""
    weights = falling(width, 0.8)
    return np.asarray(weights / (planes * weights.sum()))


def first_weights(stage: Stage, planes_before: int) -> Array:
    """(planes, planes before, w, w) tiny positive weights, a little different for every plane.

    On the input: a weak preference for lines of one direction; deeper: for planes of similar
    number. Without some difference all planes would win and learn together.
    """
    own = np.arange(stage.planes) / stage.planes
    place = np.arange(stage.s_window) - (stage.s_window - 1) / 2
    if planes_before == 1:
        angle = np.arctan2(place[:, None], place[None, :])
        lean = np.cos(2 * (angle - np.pi * own[:, None, None]))[:, None]
    else:
        other = np.arange(planes_before) / planes_before
        lean = np.cos(np.pi * (other - own[:, None]))[:, :, None, None]
    shape = (stage.planes, planes_before, stage.s_window, stage.s_window)
    return np.asarray(np.broadcast_to(FIRST_WEIGHT * (1 + 0.5 * lean), shape))


def similarity(one: Array, other: Array, c: Array) -> float:
    """Cosine of two fields (planes, w, w) under the weights c: 1 for the same pattern.

    A plane that learned one pattern well answers to another exactly when their similarity exceeds
    r / (1 + r): 0.8 for r = 4, 0.6 for r = 1.5.
    """
    inner = float((c * one * other).sum())
    return inner / float(np.sqrt((c * one**2).sum() * (c * other**2).sum()))
