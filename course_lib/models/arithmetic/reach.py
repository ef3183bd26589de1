"""Receptive fields by arithmetic: which pixels of the picture can a position of a map see?

One axis at a time. In most layers every position sees equally many pixels, shifted by the stride.
After up-sampling neighbours differ, but the pattern repeats; so a `Reach` keeps one interval for
each position of one period. Without up-sampling the period is 1, and the rules below are the
well-known ones: size' = size + (k - 1) d stride, stride' = stride s, start' = start - p stride.
Source: Araujo, Norris, Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019, doi:10.23915/distill.00021; the periods are ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd, inf, lcm


def receptive_field(layers: Iterable[tuple[int, int]]) -> int:
    """Pixels seen through layers [(kernel, stride), ...]: 1 + sum of (k - 1) * strides before."""
    size, stride = 1, 1
    for k, s in layers:
        size, stride = size + (k - 1) * stride, stride * s
    return size


@dataclass(frozen=True)
class Reach:
    """Position j of an axis sees pixels low..high (both included) of the picture.

    `low` and `high` hold one period of positions; one period further, both have grown by `advance`.
    Pixels below 0 or beyond the picture lie in the padding. An `advance` of 0 means that all
    positions see the same, for example after global pooling.
    """

    low: tuple[float, ...] = (0,)
    high: tuple[float, ...] = (0,)
    advance: float = 1

    @property
    def size(self) -> float:
        """Receptive field in pixels: the longest interval. Infinite: the whole picture."""
        return max(h - b + 1 for b, h in zip(self.low, self.high, strict=True))

    @property
    def stride(self) -> float:
        """Effective stride: pixels of the picture from one position to the next, on average."""
        return self.advance / len(self.low)

    @property
    def start(self) -> float:
        """Effective offset: the first pixel that position 0 sees; negative: in the padding."""
        return self.low[0]

    def at(self, j: int) -> tuple[float, float]:
        """First and last pixel that position j sees."""
        turns, phase = divmod(j, len(self.low))
        return self.low[phase] + turns * self.advance, self.high[phase] + turns * self.advance

    def window(self, k: int, s: int = 1, p: int = 0, d: int = 1) -> "Reach":
        """After a convolution or pooling: position j reads j s - p + t d, t = 0..k-1."""
        period = len(self.low) // gcd(len(self.low), s)
        reads = [[j * s - p + t * d for t in range(k)] for j in range(period)]
        return self._reading(reads, self.advance * (period * s // len(self.low)))

    def transposed(self, k: int, s: int = 1, p: int = 0, d: int = 1) -> "Reach":
        """After a transposed convolution: input i has written to i s - p + t d."""
        written = [[j + p - t * d for t in range(k)] for j in range(len(self.low) * s)]
        reads = [[place // s for place in places if place % s == 0] for places in written]
        return self._reading(reads, self.advance)

    def enlarged(self, factor: int, linear: bool = False) -> "Reach":
        """After up-sampling by a whole factor: nearest neighbour, or linear between two."""
        reads = []
        for j in range(len(self.low) * factor):
            below, between = divmod(2 * j + 1 - factor, 2 * factor)
            reads.append(([below, below + 1] if between else [below]) if linear else [j // factor])
        return self._reading(reads, self.advance)

    def whole(self, n: int) -> "Reach":
        """After mixing all n positions (global pooling, flattening): everyone sees all."""
        return self._reading([range(n)], 0)

    def joined(self, other: "Reach") -> "Reach":
        """After adding or stacking two maps: the longest way counts on either side.

        A map that all positions share (a gate made by global pooling) shows every position the
        whole picture: infinite.
        """
        if self.stride != other.stride:
            return Reach((-inf,), (inf,), 0)
        period = lcm(len(self.low), len(other.low))
        pairs = [(self.at(j), other.at(j)) for j in range(period)]
        low = tuple(min(a[0], b[0]) for a, b in pairs)
        high = tuple(max(a[1], b[1]) for a, b in pairs)
        return Reach(low, high, self.stride * period)._shortest()

    def _reading(self, reads: Sequence[Iterable[int]], advance: float) -> "Reach":
        """One period of new positions, each of which reads some positions of this axis."""
        seen = [[self.at(i) for i in positions] for positions in reads]
        low = tuple(min((a for a, _ in pixels), default=inf) for pixels in seen)
        high = tuple(max((b for _, b in pixels), default=-inf) for pixels in seen)
        return Reach(low, high, advance)._shortest()

    def _shortest(self) -> "Reach":
        """The same with period 1 where all positions are alike (a plain layer after all)."""
        step = self.stride
        alike = all(
            self.low[j] == self.low[0] + j * step and self.high[j] == self.high[0] + j * step
            for j in range(len(self.low))
        )
        return Reach(self.low[:1], self.high[:1], step) if alike else self
