"""k-space of solids, exact: the signal is an integral over the body, never over pixels.

Reconstructions are judged on such data. k-space made from a pixel image by a fast Fourier transform
would flatter them: no detail between the pixels, no Gibbs ringing, nothing beyond the edge (the
"inverse crime"). Along the readout (x) the solids' line integrals have a closed form; across it (y
and z) the signal is a fine sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from course_lib.imaging.mr.coils import CoilArray
from course_lib.imaging.mr.fourier import k_axis
from course_lib.imaging.rays import Spans, line_spans
from course_lib.patient.solids import Compound, Part

Complex = NDArray[np.complex128]
CHUNK = 20_000  # spans handled at once


class Subject(Protocol):
    """Whatever lies in the scanner: it answers with its signal at any k."""

    def signal(self, kx: NDArray, ky: NDArray) -> Complex:
        """(rows, columns) signal in mm^2 at every pair of ky (rows,) and kx (columns,), 1/mm."""


def kspace(
    subject: Subject, shape: tuple[int, int], field_of_view_mm: float | tuple[float, float]
) -> NDArray[np.complex64]:
    """(rows, columns) k-space; `to_image` of it shows the subject's values.

    field_of_view_mm: (rows, columns) or one number. Pixel i lies at (i - (n - 1) / 2) * spacing.
    """
    fov = _two(field_of_view_mm)
    ky, kx = (k_axis(count, length) for count, length in zip(shape, fov, strict=True))
    return _scaled(subject.signal(kx, ky), ky, kx, shape, fov)


def coil_kspace(
    subject: Subject, shape: tuple[int, int], coils: CoilArray
) -> NDArray[np.complex64]:
    """(coils, rows, columns) k-space as each coil hears it, exact as well.

    A coil's map is a sum of waves exp(2 pi i (p y + q x) / (2 FOV)); each wave only shifts the
    subject's k-space by half steps (Guerquin-Kern et al., IEEE TMI 31 (2012) 626), so the coil's
    k-space is a weighted sum of shifted copies.
    """
    order, fov = coils.order, coils.field_of_view_mm
    fine = [
        (np.arange(-2 * (n // 2) - order, 2 * (n - n // 2) + order)) / (2 * length)
        for n, length in zip(shape, fov, strict=True)
    ]
    signal = subject.signal(fine[1], fine[0]).astype(np.complex64)
    total = np.zeros((len(coils.waves), *shape), np.complex64)
    for p in range(2 * order + 1):
        for q in range(2 * order + 1):
            top, left = 2 * order - p, 2 * order - q
            shifted = signal[top : top + 2 * shape[0] : 2, left : left + 2 * shape[1] : 2]
            total += coils.waves[:, p, q, None, None] * shifted
    ky, kx = (k_axis(n, length) for n, length in zip(shape, fov, strict=True))
    return _scaled(total, ky, kx, shape, fov)


def _scaled(signal, ky, kx, shape, fov) -> NDArray[np.complex64]:
    """Signal in mm^2 to orthonormal k-space whose pixels sit where the course puts them."""
    half = [0.5 * length / n * (n % 2 == 0) for n, length in zip(shape, fov, strict=True)]
    phase = np.exp(2j * np.pi * (ky[:, None] * half[0] + kx[None, :] * half[1]))
    scale = np.sqrt(shape[0] * shape[1]) / (fov[0] * fov[1])
    return (signal * (phase * scale)).astype(np.complex64)


@dataclass(frozen=True)
class BodySlice:
    """A slice through solids: parts, the tissues' signal `weights`, and where it is cut.

    `lines_per_mm` and `sub_slices` set the fine sums across the readout and through the slice.
    """

    parts: Sequence[Part]
    weights: Mapping[str, complex]
    z_mm: float
    thickness_mm: float
    lines_per_mm: float = 4.0
    sub_slices: int = 6

    def signal(self, kx: NDArray, ky: NDArray) -> Complex:
        """(rows, columns) signal in mm^2, the mean through the slice's thickness."""
        # Parts that cannot reach the slice cost time and add nothing.
        parts = [
            p for p in self.parts if self._weight(p) and _reaches(p, self.z_mm, self.thickness_mm)
        ]
        if not parts:
            return np.zeros((len(ky), len(kx)), complex)
        y = self._lines(parts)
        start, stop = (f * self.thickness_mm for f in (-0.5, 0.5))
        edges = np.linspace(start, stop, self.sub_slices + 1)
        lines = sum(
            self._readout(parts, y, self.z_mm + z, kx) for z in (edges[1:] + edges[:-1]) / 2
        )
        across = np.exp(-2j * np.pi * ky[:, None] * y[None, :])
        return across @ lines / (self.lines_per_mm * self.sub_slices)

    def _weight(self, part: Part) -> complex:
        """What the part adds to the signal: its own tissue for what it displaces."""
        try:
            return part.fraction * (self.weights[part.tissue] - self.weights[part.displaces])
        except KeyError as missing:
            raise ValueError(
                f"The part {part.name} needs a signal weight for {missing}; add it to `weights`."
            ) from None

    def _lines(self, parts: Iterable[Part]) -> NDArray[np.float64]:
        """(lines,) y in mm of the readout lines that cross the body."""
        boxes = [_extent(part, axis=1) for part in parts]
        low, high = min(b[0] for b in boxes), max(b[1] for b in boxes)
        count = int(np.ceil((high - low) * self.lines_per_mm)) + 1
        return (np.floor(low * self.lines_per_mm) + 0.5 + np.arange(count)) / self.lines_per_mm

    def _readout(self, parts, y, z, kx) -> Complex:
        """(lines, columns): integral along x of the signal times exp(-2 pi i kx x), in mm."""
        origins = np.stack([np.zeros_like(y), y, np.full_like(y, z)], 1)
        along = np.broadcast_to([1.0, 0.0, 0.0], origins.shape)
        total = np.zeros((len(y), len(kx)), complex)
        for part in parts:
            spans = line_spans(part.geometry, origins, along)
            total += self._weight(part) * span_transform(spans, len(y), kx)
        return total


def span_transform(spans: Spans, lines: int, kx: NDArray) -> Complex:
    """(lines, columns) in mm: the integral of exp(-2 pi i kx x) dx over the spans of every line.

    The integral over one span is its length times sinc(kx length) exp(-2 pi i kx middle).
    """
    total = np.zeros((lines, len(kx)), complex)
    for begin in range(0, len(spans.ray), CHUNK):
        ray, enter, leave = (values[begin : begin + CHUNK] for values in spans)
        length, middle = leave - enter, 0.5 * (leave + enter)
        wave = np.exp(-2j * np.pi * middle[:, None] * kx) * np.sinc(length[:, None] * kx)
        rows, inverse = np.unique(ray, return_inverse=True)
        places = (inverse, np.arange(len(ray)))
        total[rows] += csr_array((length, places), (len(rows), len(ray))) @ wave
    return total


def kspace_of(
    parts: Sequence[Part], weights: Mapping[str, complex], z_mm: float, thickness_mm: float,
    field_of_view_mm: float | tuple[float, float], shape: tuple[int, int],
) -> NDArray[np.complex64]:  # fmt: skip
    """(rows, columns) exact k-space of an axial slice through a patient's parts.

    weights: signal of every tissue (see imaging.mr.sequences); air must be in it, usually as 0.
    Raises ValueError when a tissue has no weight.
    """
    return kspace(BodySlice(parts, weights, z_mm, thickness_mm), shape, field_of_view_mm)


def _extent(part: Part, axis: int) -> tuple[float, float]:
    """Lowest and highest coordinate (mm) of the part's bounding box along an axis."""
    solid = part.geometry
    pieces = solid.union if isinstance(solid, Compound) else solid
    centre, half = pieces.centre[:, axis], pieces.half[:, axis]
    return float((centre - half).min()), float((centre + half).max())


def _reaches(part: Part, z_mm: float, thickness_mm: float) -> bool:
    low, high = _extent(part, axis=2)
    return low <= z_mm + thickness_mm / 2 and high >= z_mm - thickness_mm / 2


def _two(value: float | tuple[float, float]) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (value, value)
