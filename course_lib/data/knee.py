"""Knee examinations: three series of slices each, the answers, and which slices show them.

A knee is painted once in voxels of 1 mm; each series cuts slices of its thickness out of it, gives
every tissue its signal, the coil's uneven sensitivity, noise, and the matrix of the picture. The
number of slices varies from exam to exam, as in life.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.imaging.mr.knee import PROTOCOL, KneeSequence, knee_signals
from course_lib.imaging.mr.slices import PLANES
from course_lib.patient.knee import QUESTIONS, TEARS, Knee, sample_knee
from course_lib.patient.painting import covered, painted
from course_lib.patient.voxels import Grid

FOV_MM = 128
MARGIN_MM = 6.0  # of air or skin beyond which no slice is taken
Picture = NDArray[np.float32]
# Index of the normal's, the picture's row's and column's axis in an array (z, y, x); flip of rows.
_CUTS = {"axial": (0, 1, 2, False), "coronal": (1, 0, 2, True), "sagittal": (2, 0, 1, True)}
assert set(_CUTS) == set(PLANES)


@dataclass(frozen=True)
class KneeExam:
    """One examination.

    images: series name -> (slices, size, size) float32, magnitude; shown: series name ->
    (slices, questions) mm2 of what makes each answer "yes" in each slice; where: the same as masks
    (slices, questions, size, size); answers (questions,) of
    0 and 1, in the order of QUESTIONS; findings: name -> severity.
    """

    seed: int
    findings: Mapping[str, float]
    answers: tuple[int, ...]
    images: Mapping[str, Picture]
    shown: Mapping[str, Picture]
    where: Mapping[str, NDArray[np.bool_]]


def knee_exam(
    seed: int,
    protocol: Mapping[str, KneeSequence] = PROTOCOL,
    size: int = 64,
    findings: Mapping[str, float] | None = None,
    noise: float = 0.02,
    truth: bool = True,
) -> KneeExam:
    """The examination of the knee of this seed: the same seed gives the same bits.

    size: rows and columns, a divisor of 128 (mm of the field of view); noise: standard deviation in
    real and imaginary part, where 1 is the signal of water, undecayed; truth: also work out where
    the findings show (shown and where stay empty otherwise). ValueError for other sizes.
    """
    if size < 1 or FOV_MM % size:
        raise ValueError(f"The size must divide {FOV_MM} (32, 64 or 128), not {size}.")
    knee = sample_knee(seed, findings)
    grid = Grid((-63.5, -63.5, -63.5), (1.0, 1.0, 1.0), (FOV_MM, FOV_MM, FOV_MM))
    volume, tissues = painted(knee.layers, grid)
    masks = _masks(knee, grid) if truth else []
    images, shown, where = {}, {}, {}
    no_yes = np.array([0, 1], np.float32)
    for number, (name, sequence) in enumerate(protocol.items()):
        rng = np.random.default_rng([seed, number, *b"knee series"])
        starts = _slices(volume, sequence, rng)
        signal = knee_signals(sequence, tissues, seed)
        clean = _cut(volume, signal, sequence, starts, size)
        images[name] = _measured(clean, noise, rng)
        if truth:
            shares = [_cut(mask, no_yes, sequence, starts, size) for mask in masks]
            where[name] = np.stack(shares, 1) > 0.25
            area = where[name].sum((2, 3)) * (FOV_MM / size) ** 2
            shown[name] = area.astype(np.float32)
    return KneeExam(seed, knee.findings, knee.answers(), images, shown, where)


def knee_exams(
    seeds: Sequence[int],
    protocol: Mapping[str, KneeSequence] = PROTOCOL,
    size: int = 64,
    truth: bool = True,
) -> list[KneeExam]:
    """One examination per seed; about 0.1 s of computing each, less without the truth's masks."""
    return [knee_exam(seed, protocol, size, truth=truth) for seed in seeds]


def standardised(images: Picture, crop_px: int | None = None) -> Picture:
    """A series with mean 0 and standard deviation 1: the scanner's arbitrary gain is taken out.

    crop_px: keep that many rows and columns in the middle, where the joint is.
    """
    if crop_px is not None:
        edge = (images.shape[-1] - crop_px) // 2
        images = images[:, edge : edge + crop_px, edge : edge + crop_px]
    return ((images - images.mean()) / max(float(images.std()), 1e-6)).astype(np.float32)


class KneeSeries(Dataset[dict[str, Tensor]]):
    """One series of many exams, for a network: image (slices, 1, size, size), target (questions,).

    The number of slices differs from exam to exam, so they can only be loaded one at a time
    (batch size 1). questions: names out of QUESTIONS; all three when omitted. crop_px: see
    `standardised`. shift_px: largest
    random shift in training, also mirrored left to right in half of the showings. The paper turns
    by up to 25 degrees, too. negative: bright and dark change places.
    """

    def __init__(
        self, exams: Sequence[KneeExam], series: str, questions: Sequence[str] = QUESTIONS,
        crop_px: int | None = None, shift_px: int = 0, seed: int = 0, negative: bool = False,
    ) -> None:  # fmt: skip
        kept = [standardised(exam.images[series], crop_px)[:, None] for exam in exams]
        sign = -1.0 if negative else 1.0
        self.images = [sign * torch.from_numpy(images) for images in kept]
        columns = [QUESTIONS.index(name) for name in questions]
        answers = np.array([exam.answers for exam in exams], np.float32).reshape(len(exams), -1)
        self.targets = torch.from_numpy(answers[:, columns])
        self.shift_px, self.seed, self.epoch = shift_px, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Other random shifts in every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        image = self.images[index]
        if self.shift_px:
            rng = np.random.default_rng([self.seed, self.epoch, index])
            by = rng.integers(-self.shift_px, self.shift_px + 1, 2)
            image = torch.roll(image, by.tolist(), (2, 3))
            image = image.flip(3) if rng.random() < 0.5 else image
        return {"image": image, "target": self.targets[index], "index": torch.tensor(index)}


def _masks(knee: Knee, grid: Grid) -> list[NDArray[np.uint8]]:
    """Voxels that show what each question asks for: any finding, the ACL tear, the tear."""
    every = {name: covered(solids, grid) for name, solids in knee.truth.items()}
    nothing = np.zeros(grid.shape, bool)
    any_finding = np.any(list(every.values()), axis=0) if every else nothing
    masks = [any_finding, *(every.get(TEARS[name], nothing) for name in QUESTIONS[1:])]
    return [mask.view(np.uint8) for mask in masks]


def _slices(
    volume: NDArray[np.uint8], sequence: KneeSequence, rng: np.random.Generator
) -> NDArray[np.intp]:
    """First voxel of every slice along the normal: the joint from skin to skin, less a margin.

    Along the leg, which does not end in the picture, the technologist covers about 90 mm.
    """
    normal = _CUTS[sequence.plane][0]
    if sequence.plane == "axial":
        low, high = FOV_MM / 2 - rng.uniform(38, 46), FOV_MM / 2 + rng.uniform(44, 54)
    else:
        filled = np.flatnonzero(volume.any(tuple(a for a in range(3) if a != normal)))
        low, high = filled[0] + MARGIN_MM, filled[-1] - MARGIN_MM
    start = low + rng.uniform(0, sequence.gap_mm)
    places = np.arange(start, high - sequence.thick_mm, sequence.gap_mm)
    return np.round(places).astype(np.intp)


def _cut(
    volume: NDArray, values: Picture, sequence: KneeSequence, starts: NDArray[np.intp], size: int
) -> Picture:
    """(slices, size, size): means of values[volume] over a slice's thickness and over a pixel."""
    normal, row, column, flip = _CUTS[sequence.plane]
    stack = volume.transpose(normal, row, column)
    thick, block = max(1, round(sequence.thick_mm)), FOV_MM // size
    pictures = np.zeros((len(starts), size, size), np.float32)
    for picture, start in zip(pictures, starts, strict=True):
        slab = np.ascontiguousarray(stack[start : start + thick])
        if slab.any():
            fine = values[slab].sum(0)
            for i, j in np.ndindex(block, block):
                picture += fine[i::block, j::block]
    pictures /= thick * block**2
    return pictures[:, ::-1] if flip else pictures


def _measured(clean: Picture, noise: float, rng: np.random.Generator) -> Picture:
    """Slices times a smooth coil sensitivity, plus Rician noise (Gudbjartsson & Patz 1995)."""
    size = clean.shape[-1]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    slope = rng.normal(0, 0.12, 2).astype(np.float32)
    bowl = np.float32(rng.uniform(0.05, 0.3))
    radius = axis[:, None] ** 2 + axis[None, :] ** 2
    coil = 1 + slope[0] * axis[:, None] + slope[1] * axis[None, :] + bowl * (radius - 0.5)
    parts = rng.standard_normal((2, *clean.shape), dtype=np.float32) * np.float32(noise)
    gain = np.float32(np.exp(rng.normal(0, 0.3)))
    return gain * np.hypot(clean * coil + parts[0], parts[1])
