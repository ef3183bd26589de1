"""Where arbitrary rays meet solids, in closed form.

`projection` serves films: all rays on one grid. Here every ray has its own origin and direction, as
CT (a tube that turns) and MR (lines through a slice) need them. A ray o + t d crosses a piece where
|W (o + t d - c)|^2 <= 1, a quadratic inequality in t, cut by planes; a compound is a sweep along
the ray that counts which pieces are open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.patient.solids import FAR, Compound, Part, Pieces

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BLOCK = 16  # neighbouring rays that are accepted or refused together
APART = 1e5  # mm; longer than any ray through a body, so that rays laid end to end never meet


class Spans(NamedTuple):
    """Where rays run inside a solid: numbers of the rays (M,), and enter and leave (M,) in mm along
    each. A ray may have no span or several."""

    ray: Ints
    enter: Floats
    leave: Floats


def line_spans(solid: Pieces | Compound, origins: ArrayLike, directions: ArrayLike) -> Spans:
    """Where rays meet a solid; origins (N, 3) mm, directions (N, 3) unit vectors.

    Spans of a compound are disjoint (it is a set of points). Pieces each give their own span, since
    overlapping pieces count twice, as in `Part`. Rays are whole lines: t runs from minus to plus
    infinity. Raises ValueError for arrays of other shapes or directions that are no unit vectors.
    """
    rays = Rays(origins, directions)
    return _compound_spans(solid, rays) if isinstance(solid, Compound) else _together(solid, rays)


def line_lengths(
    parts: tuple[Part, ...], origins: ArrayLike, directions: ArrayLike
) -> dict[str, Floats]:
    """Tissue -> (N,) mm along each ray, summed over parts with what they displace, without air.

    origins (N, 3) mm, directions (N, 3) unit vectors; ValueError as in `line_spans`.
    """
    rays = Rays(origins, directions)
    tissues = sorted({p.tissue for p in parts} | {p.displaces for p in parts})
    total = {tissue: np.zeros(len(rays)) for tissue in tissues}
    known: dict[int, Floats] = {}  # several parts may share one geometry
    for part in parts:
        solid = part.geometry
        if id(solid) not in known:
            known[id(solid)] = _lengths(solid, rays)
        total[part.tissue] += part.fraction * known[id(solid)]
        total[part.displaces] -= part.fraction * known[id(solid)]
    total.pop("air", None)
    return total


class Rays:
    """N lines in space, arranged in blocks of neighbours so that far pieces are passed over fast.

    Made of origins (N, 3) mm and directions (N, 3) unit vectors; kept as columns, (3, N), because
    long rows of numbers are computed fastest.
    """

    def __init__(self, origins: ArrayLike, directions: ArrayLike) -> None:
        start = np.atleast_2d(np.asarray(origins, float))
        along = np.atleast_2d(np.asarray(directions, float))
        if start.shape != along.shape or start.shape[1:] != (3,):
            raise ValueError(
                f"Rays need origins and directions of one shape (N, 3), got {start.shape} and "
                f"{along.shape}."
            )
        self.origins, self.directions = np.ascontiguousarray(start.T), np.ascontiguousarray(along.T)
        if not np.all(np.abs(_dot(self.directions, self.directions) - 1) < 1e-6):
            raise ValueError("Directions must be unit vectors: divide them by their lengths.")

    def __len__(self) -> int:
        return self.origins.shape[1]

    def chosen(self, which: Ints) -> Rays:
        """Some of the rays, by their numbers."""
        return Rays(self.origins[:, which].T, self.directions[:, which].T)

    def near(self, pieces: Pieces) -> Iterator[tuple[int, Ints]]:
        """For every piece that may be met, its number and those of the rays near it.

        A block is passed over when its middle ray runs further from the piece's bounding sphere
        than any ray of the block strays from the middle one. How far they stray is seen at the two
        ends of the stretch within the sphere around all pieces: distance is convex along a line.
        """
        low, high = (pieces.centre - pieces.half).min(0), (pieces.centre + pieces.half).max(0)
        centre, reach = 0.5 * (low + high), 0.5 * float(np.linalg.norm(high - low))
        shift = _dot(centre[:, None] - self.origins, self.directions)
        nearest = self.origins + shift * self.directions - centre[:, None]
        first = np.arange(0, len(self), BLOCK)
        middle = np.minimum(first + BLOCK // 2, len(self) - 1)
        stray = np.zeros(len(first))
        for end in (-reach, reach):
            point = nearest + end * self.directions
            away = point - np.repeat(point[:, middle], BLOCK, axis=1)[:, : len(self)]
            stray = np.maximum(stray, np.sqrt(np.maximum.reduceat(_dot(away, away), first)))
        origin, along = nearest[:, middle], self.directions[:, middle]
        sphere = np.linalg.norm(pieces.half, axis=1)
        for number, place in enumerate(pieces.centre - centre):
            toward = place[:, None] - origin
            across = _dot(toward, toward) - _dot(toward, along) ** 2
            hit = first[across <= (sphere[number] + stray) ** 2]
            if len(hit):
                rays = (hit[:, None] + np.arange(BLOCK)).reshape(-1)
                yield number, rays[: np.searchsorted(rays, len(self))]

    def piece_spans(self, pieces: Pieces) -> Iterator[tuple[int, Spans]]:
        """For every piece that is met, its number and its spans (one at most for each ray)."""
        if not len(pieces) or not len(self):
            return
        for number, near in self.near(pieces):
            offset = self.origins[:, near] - pieces.centre[number, :, None]
            direction = self.directions[:, near]
            enter, leave = _quadric(pieces.shape[number], offset, direction)
            for plane in np.flatnonzero(pieces.offsets[number] < FAR):
                normal = pieces.normals[number, plane][None]
                room = pieces.offsets[number, plane] - _turned(normal, offset)[0]
                _cut(enter, leave, room, _turned(normal, direction)[0])
            hit = np.flatnonzero(enter < leave)
            if len(hit):
                yield number, Spans(near[hit], enter[hit], leave[hit])


def _dot(a: Floats, b: Floats) -> Floats:
    """(N,) scalar products of the columns of (3, N)."""
    return np.einsum("in,in->n", a, b)


def _turned(matrix: Floats, columns: Floats) -> Floats:
    """matrix (M, 3) times columns (3, N); einsum, as matrix multiplication would wake threads."""
    return np.einsum("ij,jn->in", matrix, columns)


def _quadric(shape: Floats, offset: Floats, direction: Floats) -> tuple[Floats, Floats]:
    """Entry and exit (N,) mm of |W (offset + t direction)|^2 <= 1; not a number for a miss."""
    start, slope = _turned(shape, offset), _turned(shape, direction)
    a = np.maximum(_dot(slope, slope), 1e-12)  # a cylinder may lie along the ray
    b, c = _dot(start, slope), _dot(start, start) - 1
    with np.errstate(invalid="ignore"):  # rays that miss have no root
        root = np.sqrt(b * b - a * c)
    return (-b - root) / a, (-b + root) / a


def _cut(enter: Floats, leave: Floats, room: Floats, rate: Floats) -> None:
    """Shorten spans, in place, to t * rate <= room: one side of a plane."""
    with np.errstate(divide="ignore", invalid="ignore"):
        meet = room / (rate + 0.0)  # + 0.0: a ray along the plane meets it at +-infinity
    outward = rate >= 0
    np.minimum(leave, np.where(outward, meet, np.inf), out=leave)
    np.maximum(enter, np.where(outward, -np.inf, meet), out=enter)


def _together(pieces: Pieces, rays: Rays) -> Spans:
    """The spans of all pieces in one list, each piece for itself."""
    spans = [found for _, found in rays.piece_spans(pieces)]
    if not spans:
        return Spans(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    ray, enter, leave = zip(*spans, strict=True)
    return Spans(np.concatenate(ray), np.concatenate(enter), np.concatenate(leave))


def _compound_spans(solid: Compound, rays: Rays) -> Spans:
    """Disjoint spans of a compound: sweep along each ray and count the open pieces.

    A point is inside where at least one piece of the union is open, all of `within` are, and none
    of `minus` is.
    """
    union = _together(solid.union, rays)
    wanted = 1 if solid.within is None else 1 + len(solid.within)
    if not len(union.ray):
        return union
    met = np.flatnonzero(np.bincount(union.ray))  # other rays need not be looked at again
    rest = rays.chosen(met)
    lists = [(1, _merged(union))]
    for batch, weight in ((solid.within, 1), (solid.minus, -wanted)):
        if batch is not None:
            ray, enter, leave = _together(batch, rest)
            lists.append((weight, Spans(met[ray], enter, leave)))
    return _sweep(lists, wanted)


def _merged(spans: Spans) -> Spans:
    """Overlapping spans of a ray made one."""
    return _sweep([(1, spans)], 1)


def _sweep(lists: list[tuple[int, Spans]], wanted: int) -> Spans:
    """Where the weights of the open spans add up to at least `wanted`, as disjoint spans."""
    ray = np.concatenate([column for _, s in lists for column in (s.ray, s.ray)])
    place = np.concatenate([column for _, s in lists for column in (s.enter, s.leave)])
    step = np.concatenate(
        [np.repeat([weight, -weight], len(s.ray)) for weight, s in lists], dtype=np.int64
    )
    order = np.argsort(ray * APART + place, kind="stable")  # all rays laid end to end
    ray, place, inside = ray[order], place[order], np.cumsum(step[order]) >= wanted
    change = np.diff(inside, prepend=False)
    opens, closes = np.flatnonzero(change & inside), np.flatnonzero(change & ~inside)
    real = place[opens] < place[closes]  # where boundaries coincide, empty spans may open
    opens, closes = opens[real], closes[real]
    return Spans(ray[opens], place[opens], place[closes])


def _lengths(solid: Pieces | Compound, rays: Rays) -> Floats:
    """(N,) mm through a compound, or through pieces, each counted for itself."""
    total = np.zeros(len(rays))
    if isinstance(solid, Compound):
        spans = _compound_spans(solid, rays)
        np.add.at(total, spans.ray, spans.leave - spans.enter)
        return total
    for _, spans in rays.piece_spans(solid):  # a ray meets a piece once at most
        total[spans.ray] += spans.leave - spans.enter
    return total
