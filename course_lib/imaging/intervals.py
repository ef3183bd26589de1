"""Where a ray enters and leaves a piece, and how long it stays in a compound of pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from course_lib.patient.solids import FAR, Compound, Pieces

if TYPE_CHECKING:
    from course_lib.imaging.projection import Geometry

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Window = tuple[slice, slice]
EMPTY = np.float32(-1e7)  # both ends of an interval that a ray does not have


class PieceRays:
    """The quadratic equations of a batch of pieces for one geometry.

    With (du, dv) the film distance from the shadow of a piece's centre, the ray's point at the
    centre's depth lies m (du U + dv V) from the centre, and the ray's direction is
    d + k (du U + dv V); m is 1 and k is 0 for parallel rays. In the piece's own frame (matrix W)
    let linear = du Bu + dv Bv and square = du^2 Guu + 2 du dv Guv + dv^2 Gvv; then t solves
    A t^2 + 2 B t + C = 0, A = E + 2 k linear + k^2 square, B = m (linear + k square),
    C = m^2 square - 1. Expanding about each centre keeps single precision exact enough.
    """

    def __init__(self, pieces: Pieces, geometry: Geometry) -> None:
        self.geometry, self.pieces = geometry, pieces
        relative = pieces.centre - geometry.centre
        if geometry.source_mm is None:
            m = np.ones(len(pieces))
            toward = np.broadcast_to(geometry.beam, relative.shape)
            self.k = np.float32(0.0)
        else:
            reach = pieces.centre - geometry.source
            m = reach @ geometry.beam / geometry.source_mm
            toward = reach / (m * geometry.source_mm)[:, None]
            self.k = np.float32(1.0 / geometry.source_mm)
        self.u0 = relative @ geometry.right / m
        self.v0 = relative @ geometry.down / m
        self.m = m.astype(np.float32)
        shape, self.weight = self._widened(m)
        self._coefficients(shape, toward)

    def _widened(self, m: NDArray[np.float64]) -> tuple[NDArray[np.float64], Floats]:
        """Tubes at least a pixel wide, and the weight that keeps their cross-section."""
        least = 0.6 * self.geometry.spacing_mm * m
        radius = self.pieces.radius
        factor = np.where(radius > 0, np.maximum(least / np.maximum(radius, 1e-6), 1.0), 1.0)
        self.wider = (factor - 1.0) * radius
        return self.pieces.shape / factor[:, None, None], (1 / factor**2).astype(np.float32)

    def _coefficients(self, shape: NDArray[np.float64], toward: NDArray[np.float64]) -> None:
        geometry = self.geometry
        wu, wv = shape @ geometry.right, shape @ geometry.down
        wd = (shape @ toward[..., None])[..., 0]
        dot = lambda a, b: (a * b).sum(-1).astype(np.float32)  # noqa: E731
        self.e, self.bu, self.bv = dot(wd, wd), dot(wu, wd), dot(wv, wd)
        self.guu, self.guv, self.gvv = dot(wu, wu), 2 * dot(wu, wv), dot(wv, wv)
        normals = self.pieces.normals
        self.nu = (normals @ geometry.right).astype(np.float32)
        self.nv = (normals @ geometry.down).astype(np.float32)
        self.nd = (normals @ toward[..., None])[..., 0].astype(np.float32)
        self.offsets = self.pieces.offsets.astype(np.float32)
        self.is_cut = (self.pieces.offsets < FAR).any(1)

    def windows(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Top row, left column, height and width in pixels of every piece's shadow."""
        geometry, spacing = self.geometry, self.geometry.spacing_mm
        half = self.pieces.half + self.wider[:, None]
        depth = half @ np.abs(geometry.beam)
        # Nearer to the source the shadow is larger: take the piece's nearest point.
        near = self.m if self.k == 0 else np.maximum(self.m - depth * self.k, 0.05)
        result = []
        for centre, axis, count in (
            (self.v0, geometry.down, geometry.shape[0]),
            (self.u0, geometry.right, geometry.shape[1]),
        ):
            # A tilted ray through an off-centre piece shifts the shadow of its near side.
            reach = half @ np.abs(axis) / near + np.abs(centre) * (self.m / near - 1)
            middle = centre / spacing + (count - 1) / 2
            first = np.clip(np.ceil(middle - reach / spacing), 0, count).astype(np.int64)
            last = np.clip(np.floor(middle + reach / spacing), -1, count - 1).astype(np.int64)
            result += [first, last - first + 1]
        return result[0], result[2], np.maximum(result[1], 0), np.maximum(result[3], 0)

    def lengths(self, chunk: Ints, area: Ints, row: Ints, column: Ints) -> Floats:
        """Path lengths in mm for flat (piece, pixel) pairs; `area` pixels for each of `chunk`."""
        spread = lambda values: np.repeat(values[chunk], area)  # noqa: E731
        spacing = np.float32(self.geometry.spacing_mm)
        rows, columns = self.geometry.shape
        du = column * spacing - spread((self.u0 + (columns - 1) / 2 * spacing).astype(np.float32))
        dv = row * spacing - spread((self.v0 + (rows - 1) / 2 * spacing).astype(np.float32))
        enter, leave = self._interval(spread, du, dv, bool(self.is_cut[chunk].any()))
        length = np.maximum(leave - enter, 0) * spread(self.weight)
        if self.k:
            u = (column - (columns - 1) / 2) * spacing
            v = (row - (rows - 1) / 2) * spacing
            length = length * self.stretch(u, v)
        return length.astype(np.float32, copy=False)

    def stretch(self, u: Floats, v: Floats) -> Floats:
        """How much longer an oblique ray is than the central one."""
        return np.sqrt(1 + (u * u + v * v) * self.k**2)

    def _interval(self, spread, du, dv, is_cut):  # type: ignore[no-untyped-def]
        """Entry and exit along the rays; entry > exit where a ray misses the piece."""
        linear = du * spread(self.bu) + dv * spread(self.bv)
        square = du * (du * spread(self.guu) + dv * spread(self.guv)) + dv * dv * spread(self.gvv)
        a, b, c = spread(self.e), linear, square - 1
        if self.k:
            m = spread(self.m)
            a = a + self.k * (2 * linear + self.k * square)
            b = m * (linear + self.k * square)
            c = m * m * square - 1
        a = np.maximum(a, np.float32(1e-9))
        disc = b * b - a * c
        root = np.sqrt(np.maximum(disc, 0))
        enter, leave = (-b - root) / a, (root - b) / a
        leave = np.where(disc > 0, leave, enter)
        for plane in range(2 if is_cut else 0):
            nu, nv, nd = self.nu[:, plane], self.nv[:, plane], self.nd[:, plane]
            slope = du * spread(nu) + dv * spread(nv)
            room = spread(self.offsets[:, plane])
            room = room - (slope * spread(self.m) if self.k else slope)
            rate = spread(nd) + self.k * slope if self.k else spread(nd)
            rate = np.where(np.abs(rate) < 1e-6, np.float32(1e-6), rate)
            meet = room / rate
            leave = np.where(rate > 0, np.minimum(leave, meet), leave)
            enter = np.where(rate < 0, np.maximum(enter, meet), enter)
        return enter, leave


def compound_lengths(compound: Compound, geometry: Geometry) -> tuple[Floats, Window]:
    """(h, w) path lengths in mm through a compound, and the film window that they fill.

    For sets on a line, |U without M| = |U or M| - |M|: two unions of intervals.
    """
    union = PieceRays(compound.union, geometry)
    inner = None if compound.within is None else PieceRays(compound.within, geometry)
    window = _window(union, inner)
    first, last = _bounds(inner, window, geometry)
    taken = IntervalSet(window)
    if compound.minus is not None:
        for box, low, high in _intervals(PieceRays(compound.minus, geometry), window):
            taken.add(box, np.maximum(low, first[box]), np.minimum(high, last[box]))
    before = taken.length()
    for box, low, high in _intervals(union, window):
        taken.add(box, np.maximum(low, first[box]), np.minimum(high, last[box]))
    length = taken.length() - before
    if geometry.source_mm is not None:
        u, v = geometry.axes_mm()
        length *= union.stretch(u[window[1]][None], v[window[0]][:, None])
    return length, window


class IntervalSet:
    """For every pixel of a window, a union of intervals kept as disjoint intervals.

    They lie in slots, arrays as large as the window; a pixel that needs one more interval than
    there are slots makes a new slot.
    """

    def __init__(self, window: Window) -> None:
        self.shape = tuple(side.stop - side.start for side in window)
        self.low: list[Floats] = []
        self.high: list[Floats] = []

    def add(self, box: Window, low: Floats, high: Floats) -> None:
        """Unite with the intervals [low, high] in the rectangle `box`; empty where low >= high."""
        pending = high > low
        for slot_low, slot_high in zip(self.low, self.high, strict=True):
            old_low, old_high = slot_low[box], slot_high[box]
            touch = pending & (low <= old_high) & (high >= old_low)
            low = np.where(touch, np.minimum(low, old_low), low)
            high = np.where(touch, np.maximum(high, old_high), high)
            old_low[touch], old_high[touch] = EMPTY, EMPTY
        for slot_low, slot_high in zip(self.low, self.high, strict=True):
            place = pending & (slot_low[box] == EMPTY)
            np.copyto(slot_low[box], low, where=place)
            np.copyto(slot_high[box], high, where=place)
            pending &= ~place
            if not pending.any():
                return
        if pending.any():
            self.low.append(np.full(self.shape, EMPTY, np.float32))
            self.high.append(np.full(self.shape, EMPTY, np.float32))
            np.copyto(self.low[-1][box], low, where=pending)
            np.copyto(self.high[-1][box], high, where=pending)

    def length(self) -> Floats:
        """(h, w) total length of the intervals."""
        total = np.zeros(self.shape, np.float32)
        for low, high in zip(self.low, self.high, strict=True):
            total += high - low
        return total


def _bounds(inner: PieceRays | None, window: Window, geometry: Geometry) -> tuple[Floats, Floats]:
    """(h, w) start and end of what all pieces of `inner` have in common (None: everything)."""
    shape = tuple(side.stop - side.start for side in window)
    first, last = np.full(shape, EMPTY, np.float32), np.full(shape, -EMPTY, np.float32)
    if inner is None:
        return first, last
    for box, low, high in _intervals(inner, window):
        outside = np.ones(shape, bool)
        outside[box] = False
        np.maximum(first[box], low, out=first[box])
        np.minimum(last[box], high, out=last[box])
        last[outside] = EMPTY
    return first, last


def _window(rays: PieceRays, within: PieceRays | None) -> Window:
    """The film rectangle that holds the shadow of a union of pieces (and of what bounds it)."""
    top, left, height, width = rays.windows()
    seen = (height > 0) & (width > 0)
    if not seen.any():
        return slice(0, 0), slice(0, 0)
    box = [
        top[seen].min(),
        (top + height)[seen].max(),
        left[seen].min(),
        (left + width)[seen].max(),
    ]
    if within is not None:
        top, left, height, width = within.windows()
        box = [max(box[0], top.max()), min(box[1], (top + height).min()),
               max(box[2], left.max()), min(box[3], (left + width).min())]  # fmt: skip
    return slice(box[0], max(box[0], box[1])), slice(box[2], max(box[2], box[3]))


def _intervals(rays: PieceRays, window: Window) -> Iterator[tuple[Window, Floats, Floats]]:
    """For every piece, the rectangle of its shadow in the window, and entries and exits there.

    They are measured from the plane through the geometry's centre, alike for all pieces.
    """
    u, v = rays.geometry.axes_mm()
    u, v = u[window[1]], v[window[0]]
    depth = ((rays.pieces.centre - rays.geometry.centre) @ rays.geometry.beam).astype(np.float32)
    top, left, height, width = rays.windows()
    for index in range(len(rays.pieces)):
        rows = _overlap(top[index], height[index], window[0])
        columns = _overlap(left[index], width[index], window[1])
        if rows.start == rows.stop or columns.start == columns.stop:
            nothing = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
            yield (rows, columns), nothing, nothing
            continue
        du = (u[columns] - np.float32(rays.u0[index]))[None, :]
        dv = (v[rows] - np.float32(rays.v0[index]))[:, None]
        spread = lambda values, i=index: values[i]  # noqa: E731
        enter, leave = rays._interval(spread, du, dv, bool(rays.is_cut[index]))
        yield (rows, columns), enter + depth[index], leave + depth[index]


def _overlap(start: int, count: int, window: slice) -> slice:
    """Part of a run of pixels inside a window, in the window's own numbering."""
    first = min(max(start - window.start, 0), window.stop - window.start)
    return slice(first, max(first, min(start + count, window.stop) - window.start))
