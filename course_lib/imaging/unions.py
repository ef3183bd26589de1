"""How long rays stay in a compound: unions of intervals on the ray."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.geometry import Geometry
from course_lib.imaging.intervals import Floats, PieceRays, Spans
from course_lib.patient.solids import Compound, join

BAND = 65_536  # pixels handled at once
Hull = tuple[Floats, Floats, NDArray[np.bool_]]
APART = 1e5  # mm; longer than any ray, so that intervals of different pixels never meet


class CompoundRays:
    """The rays of one geometry through some compounds, all of whose pieces are prepared at once."""

    def __init__(self, compounds: Sequence[Compound], geometry: Geometry) -> None:
        roles = [role for c in compounds for role in (c.union, c.within, c.minus)]
        ends = np.cumsum([0 if role is None else len(role) for role in roles]).tolist()
        self._slices = [slice(*ends_of) for ends_of in zip([0, *ends], ends, strict=False)]
        self.rays = PieceRays(join(*(role for role in roles if role is not None)), geometry)

    def lengths(self, number: int) -> Floats:
        """(H, W) mm: path lengths through a compound, without regard to oblique rays.

        For sets on a line, |U without M| = |U or M| - |M|: two unions of intervals. M is first cut
        to the hull of U; where U is one interval, U or M is then U itself.
        """
        rays, (union, within, minus) = self.rays, self._slices[3 * number : 3 * number + 3]
        rows, columns = rays.geometry.shape
        total = np.zeros((rows, columns), np.float32)
        end = int(rays.bottom[union].max())
        step = max(1, BAND // columns)
        for first in range(int(rays.top[union].min()), end, step):
            band = Band(rays, first, min(first + step, end))
            kept = band.clipped(union, band.common(within) if within.stop > within.start else None)
            hull = band.hull(kept)
            taken = band.clipped(minus, hull[:2])
            length = band.lengths(hull, [*kept, *taken])
            if taken:
                length -= band.lengths(band.hull(taken), taken)
            total[band.first : band.last] = length
        return total


class Band:
    """Some rows of the film, small enough for the processor's cache."""

    def __init__(self, rays: PieceRays, first: int, last: int) -> None:
        self.rays, self.first, self.last = rays, first, last
        self.shape = (last - first, rays.geometry.shape[1])

    def clipped(self, pieces: slice, limits: tuple[Floats, Floats] | None = None) -> list[Spans]:
        """The spans of the band, numbered within it and cut to the limits."""
        result = []
        for where, enter, leave in self.rays.spans(pieces, self.first, self.last):
            if isinstance(where, tuple):
                top, bottom = where[0].start - self.first, where[0].stop - self.first
                where = slice(top, bottom), where[1]
            else:
                where = where - self.first * self.shape[1]
            if limits is not None:
                low, high = (self._view(limit, where)[where] for limit in limits)
                np.maximum(enter, low, out=enter)
                np.minimum(leave, high, out=leave)
            empty = enter >= leave
            np.copyto(enter, np.nan, where=empty)
            np.copyto(leave, np.nan, where=empty)
            result.append(Spans(where, enter, leave))
        return result

    @staticmethod
    def _view(picture: NDArray, where: Any) -> NDArray:
        """The picture in the form that `where` points into: an image, or a flat list of pixels."""
        return picture if isinstance(where, tuple) else picture.reshape(-1)

    def common(self, pieces: slice) -> tuple[Floats, Floats]:
        """Entry into and exit from what all pieces have in common; NaN where there is nothing."""
        enter = np.full(self.shape, -APART, np.float32)
        leave = np.full(self.shape, APART, np.float32)
        hits = np.zeros(self.shape, np.int32)
        for where, start, stop in self.clipped(pieces):
            hit = start < stop
            for picture, change, value in (
                (enter, np.fmax, start), (leave, np.fmin, stop), (hits, np.add, hit),
            ):  # fmt: skip
                change.at(self._view(picture, where), where, value)
        leave[hits < pieces.stop - pieces.start] = np.nan
        return enter, leave

    def hull(self, spans: list[Spans]) -> Hull:
        """First entry and last exit of every pixel (NaN: no hit), and whether it is ragged.

        Where each large interval touches the hull of the earlier ones, the union is that hull; the
        other pixels, and those that small pieces meet, are ragged: they may have gaps.
        """
        low = np.full(self.shape, np.nan, np.float32)
        high = np.full(self.shape, np.nan, np.float32)
        ragged = np.zeros(self.shape, bool)
        for where, enter, leave in spans:
            if isinstance(where, tuple):
                old_low, old_high = low[where], high[where]
                ragged[where] |= (enter > old_high) | (leave < old_low)
                np.fmin(old_low, enter, out=old_low)
                np.fmax(old_high, leave, out=old_high)
            else:
                np.fmin.at(low.reshape(-1), where, enter)
                np.fmax.at(high.reshape(-1), where, leave)
                ragged.reshape(-1)[where] = True
        return low, high, ragged

    def lengths(self, hull: Hull, spans: list[Spans]) -> Floats:
        """mm, for every pixel of the band: the length of the union of the spans.

        Pixels that may have gaps are swept one interval at a time.
        """
        low, high, ragged = hull
        length = np.fmax(high - low, 0)
        if ragged.any():
            length[ragged] = self._swept(spans, ragged)
        return length

    def _swept(self, spans: list[Spans], ragged: NDArray[np.bool_]) -> Floats:
        """The exact lengths of the ragged pixels.

        Pixels are laid end to end on one long line, so that a single sorted sweep serves them all.
        """
        flat = [self._flat(span, ragged) for span in spans]
        place, enter, leave = (np.concatenate(column) for column in zip(*flat, strict=True))
        start = place * APART + enter
        order = np.argsort(start)
        start, stop = start[order], (place * APART + leave)[order]
        covered = np.maximum.accumulate(stop)
        start[1:] = np.maximum(start[1:], covered[:-1])
        length = np.bincount(place[order], np.maximum(stop - start, 0), minlength=ragged.size)
        return length[ragged.reshape(-1)].astype(np.float32)

    def _flat(self, span: Spans, ragged: NDArray[np.bool_]) -> Spans:
        """Non-empty intervals of ragged pixels as a flat list."""
        where, enter, leave = span
        if not isinstance(where, tuple):
            hit = leave > enter
            return Spans(where[hit], enter[hit], leave[hit])
        rows, columns = np.nonzero(ragged[where] & (leave > enter))
        place = (rows + where[0].start) * self.shape[1] + columns + where[1].start
        return Spans(place, enter[rows, columns], leave[rows, columns])
