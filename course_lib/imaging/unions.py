"""How long rays stay in a compound: unions of intervals on the ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.intervals import Floats, PieceRays, Spans
from course_lib.patient.solids import Compound

if TYPE_CHECKING:
    from course_lib.imaging.projection import Geometry

BAND = 120_000  # pixels handled at once
APART = 1e5  # mm; longer than any ray, so that intervals of different pixels never meet


def compound_lengths(compound: Compound, geometry: Geometry) -> Floats:
    """(H*W,) mm: path lengths through a compound, without regard to oblique rays.

    For sets on a line, |U without M| = |U or M| - |M|: two unions of intervals.
    """
    rows, columns = geometry.shape
    total = np.zeros(rows * columns, np.float32)
    union = PieceRays(compound.union, geometry)
    within = None if compound.within is None else PieceRays(compound.within, geometry)
    minus = None if compound.minus is None else PieceRays(compound.minus, geometry)
    end = int(union.bottom.max())
    step = max(1, BAND // columns)
    for first in range(int(union.top.min()), end, step):
        band = Band(first, min(first + step, end), columns)
        limits = None if within is None else band.common(within)
        kept = band.clipped(union, limits)
        taken = [] if minus is None else band.clipped(minus, limits)
        length = band.union_lengths([*kept, *taken])
        if taken:
            length -= band.union_lengths(taken)
        total[band.pixels] = length
    return total


class Band:
    """Some rows of the film, small enough for the processor's cache."""

    def __init__(self, first: int, last: int, columns: int) -> None:
        self.first, self.last = first, last
        self.shape = (last - first, columns)
        self.pixels = slice(first * columns, last * columns)

    def clipped(self, rays: PieceRays, limits: tuple[Floats, Floats] | None) -> list[Spans]:
        """The spans of the band, numbered within it and cut to the limits."""
        result = []
        for where, enter, leave in rays.spans(self.first, self.last):
            if isinstance(where, tuple):
                where = (
                    slice(where[0].start - self.first, where[0].stop - self.first),
                    where[1],
                )
                local = where
            else:
                where = where - self.pixels.start
                local = np.unravel_index(where, self.shape)
            if limits is not None:
                enter = np.maximum(enter, limits[0][local])
                leave = np.minimum(leave, limits[1][local])
            result.append(Spans(where, enter, leave))
        return result

    def common(self, rays: PieceRays) -> tuple[Floats, Floats]:
        """Entry into and exit from what all pieces have in common."""
        enter = np.full(self.shape, -APART, np.float32)
        leave = np.full(self.shape, APART, np.float32)
        hits = np.zeros(self.shape, np.int32)
        for where, start, stop in self.clipped(rays, None):
            box = where if isinstance(where, tuple) else np.unravel_index(where, self.shape)
            np.maximum.at(enter, box, start)
            np.minimum.at(leave, box, stop)
            np.add.at(hits, box, 1)
        leave[hits < len(rays.pieces)] = -APART
        return enter, leave

    def union_lengths(self, spans: list[Spans]) -> Floats:
        """mm, for every pixel of the band, flat: the length of the union of its intervals.

        Where each large interval touches the hull of the earlier ones, the union is that hull;
        the other pixels, and those that small pieces meet, are swept one interval at a time.
        """
        low = np.full(self.shape, APART, np.float32)
        high = np.full(self.shape, -APART, np.float32)
        ragged = np.zeros(self.shape, bool)
        for box, enter, leave in spans:
            if isinstance(box, tuple):
                hit, old_low, old_high = leave > enter, low[box], high[box]
                apart = ((enter > old_high) | (leave < old_low)) & (old_high > old_low)
                ragged[box] |= apart & hit
                low[box] = np.where(hit, np.minimum(enter, old_low), old_low)
                high[box] = np.where(hit, np.maximum(leave, old_high), old_high)
            else:
                ragged.reshape(-1)[box] = True
        length = np.maximum(high - low, 0).reshape(-1)
        if ragged.any():
            self._sweep(spans, ragged, length)
        return length

    def _sweep(self, spans: list[Spans], ragged: NDArray[np.bool_], length: Floats) -> None:
        """Replace the lengths of ragged pixels by the exact ones.

        Pixels are laid end to end on one long line, so that a single sorted sweep serves them all.
        """
        flat = [self._flat(span, ragged) for span in spans]
        place, enter, leave = (np.concatenate(column) for column in zip(*flat, strict=True))
        start = place * APART + enter
        order = np.argsort(start)
        start, stop = start[order], (place * APART + leave)[order]
        covered = np.maximum.accumulate(stop)
        start[1:] = np.maximum(start[1:], covered[:-1])
        fresh = np.bincount(place[order], np.maximum(stop - start, 0), minlength=len(length))
        where = ragged.reshape(-1)
        length[where] = fresh[where]

    def _flat(self, span: Spans, ragged: NDArray[np.bool_]) -> Spans:
        """Non-empty intervals of ragged pixels as a flat list."""
        where, enter, leave = span
        if not isinstance(where, tuple):
            hit = leave > enter
            return Spans(where[hit], enter[hit], leave[hit])
        rows, columns = np.nonzero(ragged[where] & (leave > enter))
        place = (rows + where[0].start) * self.shape[1] + columns + where[1].start
        return Spans(place, enter[rows, columns], leave[rows, columns])
