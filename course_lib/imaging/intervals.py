"""Where rays enter and leave pieces, and how long they stay in a compound of pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.patient.solids import FAR, Compound, Pieces

if TYPE_CHECKING:
    from course_lib.imaging.projection import Geometry

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
LARGE = 3_000  # pixels; a shadow at least this large is worth evaluating on its own
CHUNK = 60_000  # ray-piece pairs handled at once: small enough to stay in the processor's cache
APART = 1e5  # mm; longer than any ray, so that intervals of different pixels never meet


class Crossings(NamedTuple):
    """Flat list of hits: pixel number, entry and exit along the ray (mm), and weight."""

    pixel: Ints
    enter: Floats
    leave: Floats
    weight: Floats


class PieceRays:
    """The quadratic equations of a batch of pieces for one geometry.

    With (du, dv) the film distance from the shadow of a piece's centre, the ray's point at the
    centre's depth lies m (du U + dv V) from the centre, and the ray's direction is
    d + k (du U + dv V); m is 1 and k is 0 for parallel rays. In the piece's own frame (matrix W)
    let linear = du Bu + dv Bv and square = du^2 Guu + 2 du dv Guv + dv^2 Gvv; then t solves
    A t^2 + 2 B t + C = 0, A = E + 2 k linear + k^2 square, B = m (linear + k square),
    C = m^2 square - 1. Expanding about each centre keeps single precision exact enough.
    """

    def __init__(self, pieces: Pieces, geometry: Geometry, widen: bool = False) -> None:
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
        self.depth = (relative @ geometry.beam).astype(np.float32)
        shape = self._widened(m, widen)
        self._coefficients(shape, toward)
        self._windows()

    def _widened(self, m: NDArray[np.float64], widen: bool) -> NDArray[np.float64]:
        """W, for `widen` of tubes at least a pixel wide; their weight keeps the cross-section."""
        least = 0.6 * self.geometry.spacing_mm * m * widen
        radius = self.pieces.radius
        factor = np.where(radius > 0, np.maximum(least / np.maximum(radius, 1e-6), 1.0), 1.0)
        self.wider = (factor - 1.0) * radius
        self.weight = (1 / factor**2).astype(np.float32)
        return self.pieces.shape / factor[:, None, None]

    def _coefficients(self, shape: NDArray[np.float64], toward: NDArray[np.float64]) -> None:
        geometry, normals = self.geometry, self.pieces.normals
        wu, wv = shape @ geometry.right, shape @ geometry.down
        wd = (shape @ toward[..., None])[..., 0]
        dot = lambda a, b: (a * b).sum(-1)
        self.table = np.stack([
            self.u0, self.v0, dot(wd, wd), dot(wu, wd), dot(wv, wd),
            dot(wu, wu), 2 * dot(wu, wv), dot(wv, wv),
        ]).astype(np.float32)  # fmt: skip
        self.planes = np.stack([
            (normals @ geometry.right).T, (normals @ geometry.down).T,
            (normals @ toward[..., None])[..., 0].T, self.pieces.offsets.T,
        ]).astype(np.float32)  # fmt: skip
        self.is_cut = (self.pieces.offsets < FAR).any(1)

    def _windows(self) -> None:
        """First and one past the last row and column of every piece's shadow."""
        geometry, spacing = self.geometry, self.geometry.spacing_mm
        half = self.pieces.half + self.wider[:, None]
        depth = half @ np.abs(geometry.beam)
        # Nearer to the source the shadow is larger: take the piece's nearest point.
        near = self.m if self.k == 0 else np.maximum(self.m - depth * self.k, 0.05)
        bounds = []
        for centre, axis, count in (
            (self.v0, geometry.down, geometry.shape[0]),
            (self.u0, geometry.right, geometry.shape[1]),
        ):
            # A tilted ray through an off-centre piece shifts the shadow of its near side.
            reach = half @ np.abs(axis) / near + np.abs(centre) * (self.m / near - 1)
            middle = centre / spacing + (count - 1) / 2
            bounds.append(np.clip(np.ceil(middle - reach / spacing), 0, count).astype(np.int64))
            last = np.clip(np.floor(middle + reach / spacing), -1, count - 1).astype(np.int64)
            bounds.append(np.maximum(last + 1, bounds[-1]))
        self.top, self.bottom, self.left, self.right = bounds

    def crossings(self, first_row: int = 0, last_row: int | None = None) -> Iterator[Crossings]:
        """All hits in a band of rows, a manageable number at a time."""
        last_row = self.geometry.shape[0] if last_row is None else last_row
        top = np.clip(self.top, first_row, last_row)
        height = np.clip(self.bottom, first_row, last_row) - top
        area = height * (self.right - self.left)
        for piece in np.flatnonzero(area >= LARGE):
            yield self._large(piece, top[piece], height[piece])
        for cut in (False, True):
            seen = np.flatnonzero((area > 0) & (area < LARGE) & (self.is_cut == cut))
            if len(seen):
                full = np.cumsum(area[seen]) // CHUNK
                for chunk in np.split(seen, np.flatnonzero(np.diff(full)) + 1):
                    yield self._small(chunk, top[chunk], height[chunk], cut)

    def _large(self, piece: int, top: int, height: int) -> Crossings:
        """Hits of one piece on a rectangle of pixels, whose rows and columns share their sums."""
        left, columns = self.left[piece], self.geometry.shape[1]
        row, column = np.arange(top, top + height), np.arange(left, self.right[piece])
        u, v = self._film(row[:, None], column[None, :])
        enter, leave = self._interval(lambda values: values[..., piece], u, v, self.is_cut[piece])
        enter, leave = np.broadcast_arrays(enter, leave)
        hit = leave > enter
        depth = self.depth[piece]
        weight = np.broadcast_to(self.weight[piece] * self._stretch(u, v), hit.shape)[hit]
        pixel = (row[:, None] * columns + column[None, :])[hit]
        return Crossings(pixel, enter[hit] + depth, leave[hit] + depth, weight)

    def _small(self, chunk: Ints, top: Ints, height: Ints, cut: bool) -> Crossings:
        """Hits among all (piece, pixel of its window) pairs of many pieces."""
        width = self.right[chunk] - self.left[chunk]
        area = height * width
        spread = lambda values: np.repeat(values[..., chunk], area, axis=-1)
        within = np.arange(area.sum(), dtype=np.int32)
        within -= np.repeat((np.cumsum(area) - area).astype(np.int32), area)
        columns = np.repeat(width.astype(np.int32), area)
        row = within // columns
        column = within - row * columns + spread(self.left.astype(np.int32))
        row += np.repeat(top.astype(np.int32), area)
        u, v = self._film(row, column)
        enter, leave = self._interval(spread, u, v, cut)
        hit = np.flatnonzero(leave > enter)
        depth = spread(self.depth)[hit]
        weight = spread(self.weight)[hit] * self._stretch(u[hit], v[hit])
        pixel = row[hit] * self.geometry.shape[1] + column[hit]
        return Crossings(pixel, enter[hit] + depth, leave[hit] + depth, weight)

    def _stretch(self, u: Floats, v: Floats) -> Floats:
        """How much longer an oblique ray is than the central one."""
        return np.sqrt(1 + (u * u + v * v) * self.k**2)

    def _film(self, row: Ints, column: Ints) -> tuple[Floats, Floats]:
        """Film coordinates of pixels, mm."""
        rows, columns = self.geometry.shape
        spacing = np.float32(self.geometry.spacing_mm)
        u = (column.astype(np.float32) - np.float32((columns - 1) / 2)) * spacing
        v = (row.astype(np.float32) - np.float32((rows - 1) / 2)) * spacing
        return u, v

    def _interval(
        self, spread: Callable[[Floats], Floats], u: Floats, v: Floats, cut: bool
    ) -> tuple[Floats, Floats]:
        """Entry and exit along the rays; entry >= exit where a ray misses the piece.

        spread takes numbers kept per piece to the rays that they are for.
        """
        u0, v0, a, bu, bv, guu, guv, gvv = spread(self.table)
        du, dv = u - u0, v - v0
        linear = du * bu + dv * bv
        square = du * (du * guu + dv * guv) + dv * dv * gvv
        b, c, m = linear, square - 1, None
        if self.k:
            m = spread(self.m)
            a = a + self.k * (2 * linear + self.k * square)
            b = m * (linear + self.k * square)
            c = m * m * square - 1
        a = 1 / np.maximum(a, np.float32(1e-9))
        b = b * a
        root = np.sqrt(np.maximum(b * b - a * c, 0))
        enter, leave = -b - root, root - b
        for plane in range(2 if cut else 0):
            nu, nv, nd, room = spread(self.planes[:, plane])
            slope = du * nu + dv * nv
            rate = nd if m is None else nd + self.k * slope
            rate = np.where(np.abs(rate) < 1e-6, np.float32(1e-6), rate)
            meet = (room - (slope if m is None else slope * m)) / rate
            leave = np.where(rate > 0, np.minimum(leave, meet), leave)
            enter = np.where(rate < 0, np.maximum(enter, meet), enter)
        return enter, leave


def summed_lengths(rays: PieceRays) -> Floats:
    """(H*W,) mm: path lengths summed over all pieces of a batch."""
    total = np.zeros(rays.geometry.shape[0] * rays.geometry.shape[1], np.float32)
    for pixel, enter, leave, weight in rays.crossings():
        np.add.at(total, pixel, (leave - enter) * weight)
    return total


def compound_lengths(compound: Compound, geometry: Geometry) -> Floats:
    """(H*W,) mm: path lengths through a compound.

    For sets on a line, |U without M| = |U or M| - |M|: two unions of intervals.
    """
    rows, columns = geometry.shape
    total = np.zeros(rows * columns, np.float32)
    union = PieceRays(compound.union, geometry)
    within = None if compound.within is None else PieceRays(compound.within, geometry)
    minus = None if compound.minus is None else PieceRays(compound.minus, geometry)
    end = int(union.bottom.max())
    step = max(1, CHUNK // columns)
    for first in range(int(union.top.min()), end, step):
        last = min(first + step, end)
        pixels = slice(first * columns, last * columns)
        limits = None if within is None else _common(within, first, last)
        kept = _clipped(union, first, last, limits)
        if minus is not None:
            taken = _clipped(minus, first, last, limits)
            both = Crossings(*map(np.concatenate, zip(kept, taken, strict=True)))
            total[pixels] = union_lengths(both, pixels) - union_lengths(taken, pixels)
        else:
            total[pixels] = union_lengths(kept, pixels)
    return total


def _common(rays: PieceRays, first_row: int, last_row: int) -> tuple[Floats, Floats]:
    """Entry into and exit from what all pieces have in common, for every pixel of a band."""
    offset = first_row * rays.geometry.shape[1]
    count = last_row * rays.geometry.shape[1] - offset
    enter, leave = np.full(count, -APART, np.float32), np.full(count, APART, np.float32)
    hits = np.zeros(count, np.int64)
    for pixel, start, stop, _ in rays.crossings(first_row, last_row):
        np.maximum.at(enter, pixel - offset, start)
        np.minimum.at(leave, pixel - offset, stop)
        np.add.at(hits, pixel - offset, 1)
    leave[hits < len(rays.pieces)] = -APART
    return enter, leave


def _clipped(
    rays: PieceRays, first_row: int, last_row: int, limits: tuple[Floats, Floats] | None
) -> Crossings:
    """The hits of a band, cut to the limits."""
    chunks = list(rays.crossings(first_row, last_row))
    if not chunks:
        none = np.zeros(0, np.float32)
        return Crossings(np.zeros(0, np.int64), none, none, none)
    pixel, enter, leave, weight = map(np.concatenate, zip(*chunks, strict=True))
    if limits is not None:
        place = pixel - first_row * rays.geometry.shape[1]
        enter = np.maximum(enter, limits[0][place])
        leave = np.maximum(np.minimum(leave, limits[1][place]), enter)
    return Crossings(pixel, enter, leave, weight)


def union_lengths(hits: Crossings, pixels: slice) -> Floats:
    """mm: for every pixel of a range, the length of the union of its intervals.

    Pixels are laid end to end on one long line, so that a single sorted sweep serves them all.
    """
    place = hits.pixel - pixels.start
    start = place * APART + hits.enter
    order = np.argsort(start)
    start = start[order]
    stop = (place * APART + hits.leave)[order]
    covered = np.maximum.accumulate(stop)
    start[1:] = np.maximum(start[1:], covered[:-1])
    fresh = np.maximum(stop - start, 0) * hits.weight[order]
    total = np.bincount(place[order], fresh, minlength=pixels.stop - pixels.start)
    return total.astype(np.float32)
