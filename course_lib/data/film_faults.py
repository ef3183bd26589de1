"""Chest films that should not have been accepted, with what is wrong with them.

    sheet = faulty_films(seeds=range(100))
    sheet.pictures, sheet.faults, sheet.lungs_shown

Every patient is imaged once, on a film half as wide again as usual. A good film is cut from its
middle; a fault is made of the same picture, or (the necklace) of the patient with something more.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.projection import Projection, framing, part_length, path_lengths
from course_lib.imaging.radiography import expose
from course_lib.patient.cohort import sample_cohort
from course_lib.patient.person import Patient, part_named
from course_lib.patient.solids import Part, chains

Picture = NDArray[np.float32]
Rng = np.random.Generator
MARGIN = 1.5  # the film that is imaged is so much wider than the one that is shown
SEEN_MM = 20.0  # a ray that runs so far through lung belongs to the lungs' shadow
CUT_OFF = (0.55, 0.93)  # share of the lungs that is left on a film that was cut off
MOVED_MM = (9.0, 22.0)  # how far a patient moves who breathes during the exposure


class FaultyFilms(NamedTuple):
    """pictures (N, size, size), 0 to 1; faults (N,), numbers in `FAULTS`; lungs_shown (N,): the
    share of the lungs' shadow that lies on the film, exact; seeds (N,): who it is."""

    pictures: Picture
    faults: NDArray[np.int_]
    lungs_shown: NDArray[np.float64]
    seeds: NDArray[np.int_]


def faulty_films(seeds: Iterable[int], size: int = 64) -> FaultyFilms:
    """One film of every kind in `FAULTS` for each patient; about 60 ms per patient at 64 px."""
    pictures, faults, shown, who = [], [], [], []
    for seed in seeds:
        wide = _WideFilm(seed, size)
        for number, fault in enumerate(FAULTS):
            picture, share = wide.shown(fault, np.random.default_rng([seed, number]))
            pictures.append(picture)
            faults.append(number)
            shown.append(share)
            who.append(seed)
    return FaultyFilms(np.stack(pictures), np.array(faults), np.array(shown), np.array(who))


class _WideFilm:
    """A patient on a film that is wider than usual, and the shadow of both lungs on it."""

    def __init__(self, seed: int, size: int) -> None:
        self.size, self.seed = size, seed
        patient = sample_cohort(1, seed)[0].build()
        self.rays = _wide_rays(patient, size)
        self.picture = _exposed(self.rays, seed)
        lungs = [part_named(patient, f"{side} lung").geometry for side in ("right", "left")]
        depth = sum(part_length(lung, self.rays.geometry) for lung in lungs)
        self.lungs = np.asarray(depth > SEEN_MM)

    def shown(self, fault: str, rng: Rng) -> tuple[Picture, float]:
        """The film with this fault, (size, size), and the share of the lungs that is on it."""
        row, column = self._cut(rng) if fault == "cut off" else self._centred(rng)
        window = np.s_[row : row + self.size, column : column + self.size]
        picture = self.picture
        if fault == "necklace":
            picture = _exposed(_wide_rays(_with_necklace(self.rays.patient, rng), self.size), 0)
        share = float(self.lungs[window].sum() / self.lungs.sum())
        return FAULTS[fault](picture[window], self.rays.spacing_mm, rng), share

    def _shares(self) -> NDArray[np.float64]:
        """For every place of the window's upper left corner: the share of the lungs inside."""
        size, room = self.size, len(self.picture) - self.size + 1
        total = np.pad(self.lungs.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        inside = total[size:, size:] - total[:room, size:] - total[size:, :room]
        return np.asarray((inside + total[:room, :room]) / total[-1, -1], float)

    def _centred(self, rng: Rng) -> tuple[int, int]:
        """The corner of the window nearest to the middle that shows (nearly) all of the lungs."""
        shares = self._shares()
        row, column = np.argwhere(shares >= min(0.99, shares.max())).T
        middle = (len(shares) - 1) / 2
        away = np.hypot(row - middle, column - middle) + rng.uniform(0, 3, len(row))
        best = away.argmin()
        return int(row[best]), int(column[best])

    def _cut(self, rng: Rng) -> tuple[int, int]:
        """The corner of a window that leaves out as much of the lungs as chance says."""
        gap = np.abs(self._shares() - rng.uniform(*CUT_OFF))
        row, column = np.argwhere(gap <= gap.min() + 0.02).T
        drawn = rng.integers(len(row))
        return int(row[drawn]), int(column[drawn])


def _wide_rays(patient: Patient, size: int) -> Projection:
    side, _ = framing(patient, "PA")
    return path_lengths(patient, size=round(MARGIN * size), field_mm=MARGIN * side)


def _exposed(rays: Projection, seed: int) -> Picture:
    return (expose(rays, seed=seed).pixels / 4095).astype(np.float32)


def _with_necklace(patient: Patient, rng: Rng) -> Patient:
    """The patient with a steel chain, 2 to 4 mm thick, that hangs round the neck."""
    body = patient.body
    angle = np.linspace(-np.pi, np.pi, 30)
    wide, deep = rng.uniform(52, 70), rng.uniform(50, 110)
    x = wide * np.sin(angle)
    z = body.apex + 30 - deep * (0.5 + 0.5 * np.cos(angle)) ** 0.7
    y = -(body.half_depth + body.fat + 12) * np.cos(angle / 2)  # before the chest, behind the neck
    chain = chains(np.stack([x, y, z], axis=1), rng.uniform(1.0, 2.0))
    return replace(patient, parts=(*patient.parts, Part("necklace", "steel", "air", chain)))


def _moved(picture: Picture, spacing_mm: float, rng: Rng) -> Picture:
    """The mean of the picture at places along a way up or down, as of a patient who breathes."""
    way = rng.uniform(*MOVED_MM) / spacing_mm
    height, width = picture.shape
    shifted = [
        cv2.warpAffine(
            picture,
            np.array([[1, 0, 0], [0, 1, step]], float),
            (width, height),
            borderMode=cv2.BORDER_REPLICATE,
        )
        for step in np.linspace(-way / 2, way / 2, 7)
    ]
    return np.asarray(np.mean(shifted, axis=0), np.float32)


def _unchanged(picture: Picture, spacing_mm: float, rng: Rng) -> Picture:
    return picture


def _on_its_side(picture: Picture, spacing_mm: float, rng: Rng) -> Picture:
    return np.ascontiguousarray(np.rot90(picture, 1 if rng.random() < 0.5 else 3))


# Every fault with what it does to a picture: called with picture, mm per pixel and random numbers.
FAULTS: dict[str, Callable[[Picture, float, Rng], Picture]] = {
    "none": _unchanged,
    "inverted": lambda picture, spacing_mm, rng: 1 - picture,
    "upside down": lambda picture, spacing_mm, rng: picture[::-1, ::-1].copy(),
    "on its side": _on_its_side,
    "mirrored": lambda picture, spacing_mm, rng: picture[:, ::-1].copy(),
    "cut off": _unchanged,
    "moved": _moved,
    "necklace": _unchanged,
}
