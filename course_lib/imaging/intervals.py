"""Where rays enter and leave pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.patient.solids import FAR, Pieces

if TYPE_CHECKING:
    from course_lib.imaging.projection import Geometry

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
AnyInts = NDArray[np.integer]
Window = tuple[slice, slice]
LARGE = 1_500  # pixels; a shadow at least this large is worth evaluating on its own
CHUNK = 16_000  # ray-piece pairs handled at once: their numbers stay in the processor's cache


class Spans(NamedTuple):
    """Entries and exits along rays (mm), for flat pixel numbers or for a rectangle of pixels."""

    where: Any  # Ints, or a Window
    enter: Floats
    leave: Floats


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
        dot = lambda a, b: (a * b).sum(-1)  # noqa: E731
        self.table = np.stack([
            self.u0, self.v0, dot(wd, wd), dot(wu, wd), dot(wv, wd),
            dot(wu, wu), 2 * dot(wu, wv), dot(wv, wv),
        ]).astype(np.float32)  # fmt: skip
        self.planes = np.stack([
            (normals @ geometry.right).T, (normals @ geometry.down).T,
            (normals @ toward[..., None])[..., 0].T, self.pieces.offsets.T,
        ]).astype(np.float32)  # fmt: skip
        self.is_cut: NDArray[np.bool_] = np.any(self.pieces.offsets < FAR, axis=1)

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

    def spans(self, first_row: int = 0, last_row: int | None = None) -> Iterator[Spans]:
        """Where the rays of a band of rows meet pieces: large shadows one by one as rectangles,
        small ones many at a time as flat lists (hits only)."""
        last_row = self.geometry.shape[0] if last_row is None else last_row
        top = np.clip(self.top, first_row, last_row)
        height = np.clip(self.bottom, first_row, last_row) - top
        area = height * (self.right - self.left)
        large = np.flatnonzero(area >= LARGE)
        for piece in large[np.argsort(-area[large])]:
            yield self._large(int(piece), int(top[piece]), int(height[piece]))
        for chunk, cut in self._chunks(area):
            where, enter, leave, owner = self._small(chunk, top[chunk], height[chunk], cut)
            depth = self.depth[owner]
            yield Spans(where, enter + depth, leave + depth)

    def sums(self, group: Ints | None = None, groups: int = 1) -> Floats:
        """(groups, H, W) path lengths in mm, summed over the pieces of each group.

        group (N,) is every piece's number (default: all 0). Oblique rays count as central ones.
        """
        rows, columns = self.geometry.shape
        group = np.zeros(len(self.pieces), np.int64) if group is None else group
        total = np.zeros((groups, rows, columns), np.float32)
        height = self.bottom - self.top
        area = height * (self.right - self.left)
        for piece in np.flatnonzero(area >= LARGE):
            box, enter, leave = self._large(int(piece), int(self.top[piece]), int(height[piece]))
            total[group[piece]][box] += np.maximum(leave - enter, 0) * self.weight[piece]
        flat = total.reshape(-1)
        for chunk, cut in self._chunks(area):
            where, enter, leave, owner = self._small(chunk, self.top[chunk], height[chunk], cut)
            place = where + group[owner] * (rows * columns)
            np.add.at(flat, place, (leave - enter) * self.weight[owner])
        return total

    def _chunks(self, area: Ints) -> Iterator[tuple[Ints, bool]]:
        """Small pieces, those with and those without cutting planes, in batches of CHUNK pairs."""
        for cut in (False, True):
            seen = np.flatnonzero((area > 0) & (area < LARGE) & (self.is_cut == cut))
            if len(seen):
                full = np.cumsum(area[seen]) // CHUNK
                for chunk in np.split(seen, np.flatnonzero(np.diff(full)) + 1):
                    yield chunk, cut

    def _large(self, piece: int, top: int, height: int) -> Spans:
        """One piece on its rectangle of pixels, whose rows and columns share their sums."""
        rows, columns = (
            slice(top, top + height),
            slice(self.left[piece], self.right[piece]),
        )
        u, v = self._film(
            np.arange(rows.start, rows.stop)[:, None],
            np.arange(columns.start, columns.stop),
        )
        take = lambda values: values[..., piece]  # noqa: E731
        enter, leave = self._interval(take, u, v, bool(self.is_cut[piece]))
        depth = self.depth[piece]
        return Spans((rows, columns), enter + depth, leave + depth)

    def _small(
        self, chunk: Ints, top: Ints, height: Ints, cut: bool
    ) -> tuple[Ints, Floats, Floats, Ints]:
        """Hits among all (piece, pixel of its window) pairs: pixel, entry, exit, piece."""
        width = self.right[chunk] - self.left[chunk]
        area = height * width
        spread = lambda values: np.repeat(values[..., chunk], area, axis=-1)  # noqa: E731
        within = np.arange(area.sum(), dtype=np.int32)
        within -= np.repeat((np.cumsum(area) - area).astype(np.int32), area)
        columns = np.repeat(width.astype(np.int32), area)
        row = within // columns
        column = within - row * columns + spread(self.left.astype(np.int32))
        row += np.repeat(top.astype(np.int32), area)
        enter, leave = self._interval(spread, *self._film(row, column), cut)
        hit = np.flatnonzero(np.greater(leave, enter))
        pixel = row[hit] * self.geometry.shape[1] + column[hit]
        return pixel, enter[hit], leave[hit], np.repeat(chunk, area)[hit]

    def _film(self, row: AnyInts, column: AnyInts) -> tuple[Floats, Floats]:
        """Film coordinates of pixels, mm."""
        rows, columns = self.geometry.shape
        spacing = np.float32(self.geometry.spacing_mm)
        u = (column.astype(np.float32) - np.float32((columns - 1) / 2)) * spacing
        v = (row.astype(np.float32) - np.float32((rows - 1) / 2)) * spacing
        return u, v

    def _interval(
        self, spread: Callable[[Any], Any], u: Floats, v: Floats, cut: bool
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


def stretch(geometry: Geometry) -> Floats:
    """(H, W) or (1, 1): how much longer an oblique ray is than the central one."""
    if geometry.source_mm is None:
        return np.ones((1, 1), np.float32)
    u, v = geometry.axes_mm()
    slope = (u[None, :] ** 2 + v[:, None] ** 2) / np.float32(geometry.source_mm) ** 2
    return np.sqrt(1 + slope)
