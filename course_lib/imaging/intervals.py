"""Where rays enter and leave pieces."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.forms import evaluate, form
from course_lib.imaging.geometry import Geometry
from course_lib.patient.solids import FAR, Pieces

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
LARGE = 1_500  # pixels; a shadow at least this large is worth evaluating on its own
CHUNK = 16_000  # ray-piece pairs handled at once: their numbers stay in the processor's cache
UNCUT, CUT, GRAZED = range(3)  # what cutting planes do, see `PieceRays._cutting_planes`


class Spans(NamedTuple):
    """Entries and exits along rays (mm), for flat pixel numbers or for a rectangle of pixels.

    Where a ray misses, both are not a number (NaN), or the entry lies behind the exit.
    """

    where: Any  # Ints, or two slices: rows and columns
    enter: Floats
    leave: Floats


class PieceRays:
    """The quadratic equations of a batch of pieces for one geometry.

    With (du, dv) the film distance from the shadow of a piece's centre, the ray's point at the
    centre's depth lies m (du U + dv V) from the centre, and the ray's direction is
    d + k (du U + dv V); m is 1 and k is 0 for parallel rays. In the piece's own frame (matrix W)
    let linear = du Bu + dv Bv and square = du^2 Guu + 2 du dv Guv + dv^2 Gvv; then t solves
    A t^2 + 2 B t + C = 0, A = E + 2 k linear + k^2 square, B = m (linear + k square),
    C = m^2 square - 1. The discriminant B^2 - A C = A + m^2 (linear^2 - E square) is, like A and B,
    a polynomial of second degree in (du, dv), kept as the matrix F of the form
    (1, dv, dv^2) F (1, du, du^2). Expanding about each centre keeps single precision exact enough.
    """

    def __init__(self, pieces: Pieces, geometry: Geometry, widen: bool = False) -> None:
        self.geometry, self.pieces = geometry, pieces
        relative = pieces.centre - geometry.centre
        if geometry.source_mm is None:
            m = np.ones(len(pieces))
            toward = np.broadcast_to(geometry.beam, relative.shape)
            self.k = 0.0
        else:
            reach = pieces.centre - geometry.source
            m = reach @ geometry.beam / geometry.source_mm
            toward = reach / (m * geometry.source_mm)[:, None]
            self.k = 1.0 / geometry.source_mm
        self.u0 = (relative @ geometry.right / m).astype(np.float32)
        self.v0 = (relative @ geometry.down / m).astype(np.float32)
        self.m = m
        self.depth = (relative @ geometry.beam).astype(np.float32)
        shape = self._widened(widen)
        self.u, self.v = geometry.axes_mm()
        self._windows()
        self.forms = np.concatenate([self._conics(shape, toward), self._cutting_planes(toward)])

    def _widened(self, widen: bool) -> NDArray[np.float64]:
        """W, for `widen` of tubes at least a pixel wide; their weight keeps the cross-section."""
        least = 0.6 * self.geometry.spacing_mm * self.m * widen
        radius = self.pieces.radius
        factor = np.where(radius > 0, np.maximum(least / np.maximum(radius, 1e-6), 1.0), 1.0)
        self.wider = (factor - 1.0) * radius
        self.weight = (1 / factor**2).astype(np.float32)
        return self.pieces.shape / factor[:, None, None]

    def _conics(self, shape: NDArray[np.float64], toward: NDArray[np.float64]) -> Floats:
        """(3, 3, 3, N): A, B and the discriminant."""
        m, k = self.m, self.k
        rows = shape.reshape(-1, 3)
        wu, wv = (
            (rows @ axis).reshape(-1, 3) for axis in (self.geometry.right, self.geometry.down)
        )
        wd = np.einsum("nij,nj->ni", shape, toward)
        dot = partial(np.einsum, "ni,ni->n")
        e = np.maximum(dot(wd, wd), 1e-9)  # a cylinder may lie along the ray
        bu, bv = dot(wu, wd), dot(wv, wd)
        guu, guv, gvv = dot(wu, wu), 2 * dot(wu, wv), dot(wv, wv)
        a = (e, 2 * k * bu, 2 * k * bv, k * k * guu, k * k * guv, k * k * gvv)
        b = (0, m * bu, m * bv, m * k * guu, m * k * guv, m * k * gvv)
        rest = (0, 0, 0, bu * bu - e * guu, 2 * bu * bv - e * guv, bv * bv - e * gvv)
        discriminant = (one + m * m * other for one, other in zip(a, rest, strict=True))
        return np.stack([form(len(m), *a), form(len(m), *b), form(len(m), *discriminant)])

    def _windows(self) -> None:
        """First and one past the last row and column of every piece's shadow."""
        geometry, spacing = self.geometry, self.geometry.spacing_mm
        half = self.pieces.half + self.wider[:, None]
        depth = half @ np.abs(geometry.beam)
        # Nearer to the source the shadow is larger: take the piece's nearest point.
        near = self.m if self.k == 0 else np.maximum(self.m - depth * self.k, 0.05)
        bounds, reaches = [], []
        for centre, axis, count in (
            (self.v0, geometry.down, geometry.shape[0]),
            (self.u0, geometry.right, geometry.shape[1]),
        ):
            # A tilted ray through an off-centre piece shifts the shadow of its near side.
            reach = half @ np.abs(axis) / near + np.abs(centre) * (self.m / near - 1)
            middle = centre / spacing + (count - 1) / 2
            first = np.minimum(np.maximum(np.ceil(middle - reach / spacing), 0), count)
            last = np.minimum(np.maximum(np.floor(middle + reach / spacing), -1), count - 1)
            bounds += [first.astype(np.int64), np.maximum(last + 1, first).astype(np.int64)]
            reaches.append(reach)
        self.top, self.bottom, self.left, self.right = bounds
        self.area = (self.bottom - self.top) * (self.right - self.left)
        # No pixel that is looked at is further from the centre's shadow (small windows are padded).
        self.reach = 3 * np.maximum(*reaches) + 5 * spacing

    def _cutting_planes(self, toward: NDArray[np.float64]) -> Floats:
        """(4, 3, 3, N): rays meet the first plane at form 0 / form 1, the second at 2 / 3.

        A ray enters through a plane where the denominator is negative and leaves where it is
        positive. The planes are put in this order; pieces are CUT when all rays keep to it, and
        GRAZED when some ray runs along a plane, or the piece has one plane only.
        """
        normals, offsets = self.pieces.normals, self.pieces.offsets
        rows = normals.reshape(-1, 3)
        nu, nv = (
            (rows @ axis).reshape(-1, 2) for axis in (self.geometry.right, self.geometry.down)
        )
        rate = np.einsum("nij,nj->ni", normals, toward)
        is_cut = (offsets < FAR).any(1)
        rate[~is_cut] = -1, 1  # far away before and behind
        swap = rate[:, :1] > rate[:, 1:]
        nu, nv, rate, offsets = (
            np.where(swap, numbers[:, ::-1], numbers).T for numbers in (nu, nv, rate, offsets)
        )
        tilt = self.k * (np.abs(nu) + np.abs(nv)) * self.reach
        keeps = (rate[0] < -tilt[0]) & (rate[1] > tilt[1])
        self.kind = np.where(is_cut, np.where(keeps, CUT, GRAZED), UNCUT)
        forms = []
        for plane in range(2):
            across = nu[plane], nv[plane]
            forms.append(form(len(self.m), offsets[plane], *(-self.m * n for n in across)))
            forms.append(form(len(self.m), rate[plane], *(self.k * n for n in across)))
        return np.stack(forms)

    def spans(self, chosen: slice, first_row: int, last_row: int) -> Iterator[Spans]:
        """Where the rays of a band of rows meet the chosen pieces: large shadows one by one as
        rectangles, small ones all together as a flat list (hits only)."""
        numbers = np.arange(chosen.start, chosen.stop)
        top = np.maximum(self.top[chosen], first_row)
        bottom = np.minimum(self.bottom[chosen], last_row)
        for at in np.argsort(-self.area[chosen]):
            if self.area[numbers[at]] >= LARGE and bottom[at] > top[at]:
                box, enter, leave = self._large(numbers[at], top[at], bottom[at])
                enter += self.depth[numbers[at]]
                leave += self.depth[numbers[at]]
                yield Spans(box, enter, leave)
        firsts, hits = self._hits
        mine = slice(firsts[chosen.start], firsts[chosen.stop])
        place, enter, leave = (column[mine] for column in hits)
        columns = len(self.u)
        inside = (place >= first_row * columns) & (place < last_row * columns)
        if inside.any():
            yield Spans(place[inside], enter[inside], leave[inside])

    @cached_property
    def _hits(self) -> tuple[Ints, Spans]:
        """Where each small piece's spans begin, and the spans of all of them, piece after piece."""
        owners, found = [np.zeros(0, np.int64)], [Spans(*np.zeros((3, 0), np.float32))]
        for chunk, rows, columns in self._chunks():
            spans = self._small(chunk, rows, columns)
            hit = np.flatnonzero(spans.leave > spans.enter)
            place, enter, leave = (column.reshape(-1)[hit] for column in spans)
            owners.append(chunk[hit % len(chunk)])
            depth = self.depth[owners[-1]]
            found.append(Spans(place, enter + depth, leave + depth))
        owner = np.concatenate(owners)
        order = np.argsort(owner, kind="stable")
        firsts = np.searchsorted(owner[order], np.arange(len(self.pieces) + 1))
        place, enter, leave = (np.concatenate(column)[order] for column in zip(*found, strict=True))
        return firsts, Spans(place.astype(np.int64), enter, leave)

    def sums(self, group: Ints | None = None, groups: int = 1) -> Floats:
        """(groups, H, W) path lengths in mm, summed over the pieces of each group.

        group (N,) is every piece's number (default: all 0). Oblique rays count as central ones.
        """
        group = np.zeros(len(self.pieces), np.int64) if group is None else group
        total = np.zeros((groups, *self.geometry.shape), np.float32)
        for piece in np.flatnonzero(self.area >= LARGE):
            step = 1 + CHUNK // (self.right[piece] - self.left[piece])
            for first in range(self.top[piece], self.bottom[piece], step):
                last = min(first + step, self.bottom[piece])
                box, enter, leave = self._large(piece, first, last)
                leave -= enter
                leave *= self.weight[piece]
                total[group[piece]][box] += np.fmax(leave, 0, out=leave)
        flat = total.reshape(-1)
        for chunk, rows, columns in self._chunks():
            place, enter, leave = self._small(chunk, rows, columns)
            place += group[chunk] * (total.size // groups)
            leave -= enter
            leave *= self.weight[chunk]
            hit = np.flatnonzero(leave > 0)
            np.add.at(flat, place.reshape(-1)[hit], leave.reshape(-1)[hit])
        return total

    def _chunks(self) -> Iterator[tuple[Ints, Ints, Ints]]:
        """Small pieces with windows of like size, those of a kind together, CHUNK pairs at a time.

        Numbers of n pieces, and the rows (h, n) and columns (w, n) of their windows, which are
        padded to a common size inside the film.
        """
        small = np.flatnonzero((self.area > 0) & (self.area < LARGE))
        high = np.minimum(_padded((self.bottom - self.top)[small]), len(self.v))
        wide = np.minimum(_padded((self.right - self.left)[small]), len(self.u))
        sizes = high * 10_000 + wide
        for size in np.unique(sizes):
            same = small[sizes == size]
            same = same[np.argsort(self.kind[same], kind="stable")]
            h, w = divmod(int(size), 10_000)
            step = max(1, CHUNK // (h * w))
            for start in range(0, len(same), step):
                chunk = same[start : start + step]
                top = np.minimum(self.top[chunk], len(self.v) - h)
                left = np.minimum(self.left[chunk], len(self.u) - w)
                yield chunk, top + np.arange(h)[:, None], left + np.arange(w)[:, None]

    def _large(self, piece: int | np.integer, first: int, last: int) -> Spans:
        """One piece on the rectangle of its pixels between two rows."""
        box = slice(first, last), slice(self.left[piece], self.right[piece])
        enter, leave = self._interval(piece, self.u[box[1]], self.v[box[0]], self.kind[piece])
        return Spans(box, enter, leave)

    def _small(self, chunk: Ints, rows: Ints, columns: Ints) -> Spans:
        """Several pieces, each on the pixels of its window: flat pixel numbers (h, w, n)."""
        kind = self.kind[chunk].max()  # the later kinds are the more general
        enter, leave = self._interval(chunk, self.u[columns], self.v[rows], kind)
        return Spans(rows[:, None] * len(self.u) + columns, enter, leave)

    def _interval(
        self, which: int | np.integer | Ints, u: Floats, v: Floats, kind: int
    ) -> tuple[Floats, Floats]:
        """Entry and exit along the rays, from the centre's depth; see `Spans` for those that miss.

        which: one piece, for u (w,) and v (h,), or n pieces, for u (w, n) and v (h, n).
        """
        forms = np.take(self.forms[: 3 if kind == UNCUT else 7], which, axis=-1)
        a, b, root, *planes = evaluate(forms, u - self.u0[which], v - self.v0[which])
        with np.errstate(invalid="ignore"):  # rays that miss have no root
            np.sqrt(root, out=root)
        np.divide(-1, np.maximum(a, np.float32(1e-9), out=a), out=a)
        b *= a
        root *= a
        enter, leave = b + root, np.subtract(b, root, out=b)
        if kind == CUT:
            np.maximum(enter, np.divide(planes[0], planes[1], out=planes[0]), out=enter)
            np.minimum(leave, np.divide(planes[2], planes[3], out=planes[2]), out=leave)
        elif kind == GRAZED:
            for room, rate in (planes[:2], planes[2:]):
                _cut_either_way(enter, leave, room, rate)
        return enter, leave


def _cut_either_way(enter: Floats, leave: Floats, room: Floats, rate: Floats) -> None:
    """Shorten intervals at a plane through which some rays enter and others leave."""
    np.copyto(rate, np.float32(1e-6), where=np.abs(rate) < 1e-6)
    meet = room / rate
    far = np.copysign(np.float32(FAR), rate)
    # Where a ray leaves, the plane is no bound for its entry, and the reverse.
    np.minimum(leave, np.maximum(meet, -far), out=leave)
    np.maximum(enter, np.minimum(meet, -far), out=enter)


def _padded(size: Ints) -> Ints:
    """The next power of two, at least 4."""
    return 2 ** np.ceil(np.log2(np.maximum(size, 4))).astype(np.int64)


def stretch(geometry: Geometry) -> Floats:
    """(H, W) or (1, 1): how much longer an oblique ray is than the central one."""
    if geometry.source_mm is None:
        return np.ones((1, 1), np.float32)
    u, v = geometry.axes_mm()
    slope = (u[None, :] ** 2 + v[:, None] ** 2) / np.float32(geometry.source_mm) ** 2
    return np.sqrt(1 + slope)
