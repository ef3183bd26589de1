"""The four generations of CT scanners: the same lines, measured in another order.

All four are run here on one lattice of lines, theta = i * step and s = R sin(j * step), with i and
j whole numbers; R is the radius of the circle on which the sources of generations 3 and 4 turn. So
nothing needs to be interpolated: sorted by (i, j), their readings are the same sinogram.

Times are of the published order of magnitude (Hounsfield, Br. J. Radiol. 46 (1973) 1016: 4.5 to 5
minutes; later ones as in W. Kalender, Computed Tomography, chapter 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lattice:
    """All lines of a slice: `views` angles over 180 degrees, and 2 * half + 1 rays per angle.

    radius_mm: R, from isocentre to source. The rays reach R sin(half * 180 / views) mm from the
    isocentre.
    """

    views: int = 180
    half: int = 22
    radius_mm: float = 570.0

    def __post_init__(self) -> None:
        if self.views < 2 or not 0 < self.half * self.step_deg < 80:
            raise ValueError("The fan must be narrower than 160 degrees: take a smaller half.")

    @property
    def step_deg(self) -> float:
        """Degrees between neighbouring angles."""
        return 180.0 / self.views

    @property
    def angles_deg(self) -> Floats:
        """(views,) theta of the lines."""
        return np.arange(self.views, dtype=np.float64) * self.step_deg

    @property
    def positions_mm(self) -> Floats:
        """(2 half + 1,) s of the lines: a little denser towards the edge."""
        numbers = np.arange(-self.half, self.half + 1, dtype=np.float64)
        return self.radius_mm * np.sin(np.radians(numbers * self.step_deg))

    def folded(self, angle: Ints, ray: Ints) -> tuple[Ints, Ints]:
        """Row and column in the sinogram of the lines (angle, ray); half a turn on, a line is the
        same with its sides exchanged."""
        turns = np.floor_divide(angle, self.views)
        return angle - turns * self.views, np.where(turns % 2 == 0, ray, -ray) + self.half


@dataclass(frozen=True)
class Scanner:
    """How one generation moves.

    beams: rays measured at once. Generations 1 and 2 sweep at speed_mm_s and need turning_s between
    two sweeps; 3 and 4 rotate once in rotation_s.
    """

    generation: int
    motion: str
    since: int
    beams: int
    speed_mm_s: float = 0.0
    turning_s: float = 0.0
    rotation_s: float = 0.0


SCANNERS = (
    Scanner(1, "sweep and turn, one pencil beam", 1971, 1, speed_mm_s=440, turning_s=0.5),
    Scanner(2, "sweep and turn, a narrow fan", 1974, 10, speed_mm_s=700, turning_s=0.5),
    Scanner(3, "tube and detector rotate", 1975, 45, rotation_s=4.0),
    Scanner(4, "tube rotates in a ring of detectors", 1976, 45, rotation_s=4.0),
)


@dataclass(frozen=True)
class Readings:
    """All readings of a scan in the order in which they are made.

    time_s (N,); angle (N,) and ray (N,): whole numbers i and j of the line, i not yet folded into
    half a turn; source (N, 2) and element (N, 2): where the ray starts and ends, mm.
    """

    lattice: Lattice
    time_s: Floats
    angle: Ints
    ray: Ints
    source: Floats
    element: Floats

    def chosen(self, which: Ints | NDArray[np.bool_]) -> Readings:
        """Some of the readings, by number or by a mask (N,)."""
        return Readings(
            self.lattice, self.time_s[which], self.angle[which], self.ray[which],
            self.source[which], self.element[which],
        )  # fmt: skip

    @property
    def angles_deg(self) -> Floats:
        """(N,) theta of the lines."""
        return np.asarray(self.angle * self.lattice.step_deg, np.float64)

    @property
    def positions_mm(self) -> Floats:
        """(N,) s of the lines."""
        return self.lattice.positions_mm[self.ray + self.lattice.half]

    def sorted_sinogram(self, values: NDArray[np.floating]) -> Floats:
        """(views, rays): the values (N,) of the readings, each where its line belongs.

        A line measured twice takes the mean; one never measured is not a number (NaN).
        """
        row, column = self.lattice.folded(self.angle, self.ray)
        place = row * (2 * self.lattice.half + 1) + column
        size = self.lattice.views * (2 * self.lattice.half + 1)
        count = np.bincount(place, minlength=size)
        with np.errstate(invalid="ignore"):
            mean = np.bincount(place, np.asarray(values, float), minlength=size) / count
        return np.asarray(mean.reshape(self.lattice.views, -1), np.float64)


def readings(generation: int, lattice: Lattice | None = None) -> Readings:
    """The readings of a scanner of this generation (1 to 4); ValueError for another number."""
    if generation not in (1, 2, 3, 4):
        raise ValueError(f"There are four generations of CT scanners, 1 to 4, not {generation}.")
    scanner, grid = SCANNERS[generation - 1], lattice or Lattice()
    return (_sweeping if generation <= 2 else _turning)(scanner, grid)


def scan_seconds(generation: int, lattice: Lattice | None = None) -> float:
    """Seconds for one slice."""
    times = readings(generation, lattice).time_s
    return float(times.max())


def _sweeping(scanner: Scanner, lattice: Lattice) -> Readings:
    """Generations 1 and 2: sweep across the patient, turn, sweep back.

    A fan of n pencil beams, one lattice step apart, measures n angles in one sweep. Each beam is
    read at the moment when it lies on a line of the lattice.
    """
    clock, parts = 0.0, []
    for first in range(0, lattice.views, scanner.beams):
        sweep = _sweep(lattice, first, min(first + scanner.beams, lattice.views))
        place = sweep.time_s if first // scanner.beams % 2 == 0 else -sweep.time_s  # there, back
        times = clock + (place - place.min()) / scanner.speed_mm_s
        clock = float(times.max()) + scanner.turning_s
        parts.append(replace(sweep, time_s=times))
    return _in_time_order(parts)


def _in_time_order(parts: list[Readings]) -> Readings:
    """Several lots of readings as one, sorted by time."""
    joined = Readings(
        parts[0].lattice,
        np.concatenate([part.time_s for part in parts]),
        np.concatenate([part.angle for part in parts]),
        np.concatenate([part.ray for part in parts]),
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.element for part in parts]),
    )
    return joined.chosen(np.argsort(joined.time_s, kind="stable"))


def _sweep(lattice: Lattice, first: int, last: int) -> Readings:
    """One sweep of a fan of beams; instead of times, where on its rail the source is, mm.

    Source and detectors slide on two straight rails outside the patient, which lie across the
    middle of the fan. A beam inclined by d against the middle meets them at (s +- w sin(d)) /
    cos(d), with w the rails' distance from the isocentre.
    """
    angle = np.tile(np.arange(first, last), 2 * lattice.half + 1)
    ray = np.repeat(np.arange(-lattice.half, lattice.half + 1), last - first)
    middle = np.radians(0.5 * (first + last - 1) * lattice.step_deg)
    lean = np.radians(angle * lattice.step_deg) - middle
    s, rail = lattice.positions_mm[ray + lattice.half], 1.2 * lattice.positions_mm[-1]
    along = np.array([np.cos(middle), np.sin(middle)])
    across = np.array([-np.sin(middle), np.cos(middle)])
    places = [(s + side * rail * np.sin(lean)) / np.cos(lean) for side in (1, -1)]
    source, element = (
        place[:, None] * along - side * rail * across
        for place, side in zip(places, (1, -1), strict=True)
    )
    return Readings(lattice, places[0], angle, ray, source, element)


def _turning(scanner: Scanner, lattice: Lattice) -> Readings:
    """Generations 3 and 4: a fan from a source that turns once; every line is measured twice.

    Source number k stands at k lattice steps; its ray j is the line (k - j, j).
    """
    views = 2 * lattice.views
    fan = np.arange(-lattice.half, lattice.half + 1)
    source = np.repeat(np.arange(views), len(fan))
    ray = np.tile(fan, views)
    time = np.asarray((source + 1) * (scanner.rotation_s / views), np.float64)
    beta, gamma = (np.radians(number * lattice.step_deg) for number in (source, ray))
    start = lattice.radius_mm * np.stack([np.sin(beta), -np.cos(beta)], -1)
    along = np.stack([-np.sin(beta - gamma), np.cos(beta - gamma)], -1)
    # Generation 3: an arc about the source. Generation 4: a ring on the source's own circle, where
    # a ray ends after 2 R cos(gamma): at the ring's element number 180 degrees + beta - 2 gamma.
    far = 1.8 if scanner.generation == 3 else 2 * np.cos(gamma)[:, None]
    return Readings(
        lattice, time, source - ray, ray, start, start + far * lattice.radius_mm * along
    )
