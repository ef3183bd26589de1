"""Slices of the upper abdomen at any dose, to learn denoising from and to judge it by.

    place = AbdomenSlice(patient_seed=3)
    low, full = place.image(dose=0.1, seed=1), place.image(dose=1.0, seed=2)

Only the noise differs between two images of a place: the patient does not breathe between them.
A hospital could not scan a patient twice; it adds noise to the readings of one scan instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.ct.acquisition import Protocol, SliceRays, expose, slice_rays
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.hounsfield import WINDOWS, hounsfield, water_value
from course_lib.patient.pathology.liver import add_liver_lesions, liver_places
from course_lib.patient.person import sample_patient
from course_lib.patient.solids import Part
from course_lib.patient.upper_abdomen import liver_level, upper_abdomen

Image = NDArray[np.float32]
SIZE, PIXEL_MM = 256, 1.5
ABDOMEN_CT = Protocol(mas=250, beam=ParallelBeam(views=320, detectors=272, spacing_mm=PIXEL_MM))
SHOWN = WINDOWS["mediastinum"]  # networks see HU -160 to 240 as -1 to 1


class AbdomenSlice:
    """A slice through the liver of a virtual patient, traced once and exposed as often as wanted.

    patient_seed: who. offset_mm: height above `liver_level`, up to 25 mm either way. lesions: how
    many round lesions of radius_mm are put into the liver, where there is room; water_share: their
    contrast (0.5 is about 26 HU darker than the liver). kernel: window of the filtered back
    projection. places_mm (n, 3): where the lesions are, or would be with with_lesions=False.
    """

    def __init__(
        self,
        patient_seed: int,
        offset_mm: float = 0.0,
        lesions: int = 0,
        radius_mm: float = 5.0,
        water_share: float = 0.5,
        with_lesions: bool = True,
        kernel: str = "shepp-logan",
    ) -> None:
        patient = sample_patient(patient_seed)
        self.parts: tuple[Part, ...] = upper_abdomen(patient)
        self.z_mm = liver_level(patient) + offset_mm
        self.kernel = kernel
        self.places_mm = liver_places(self.parts, self.z_mm, radius_mm + 6, lesions, patient_seed)
        if with_lesions and len(self.places_mm):
            self.parts = add_liver_lesions(self.parts, self.places_mm, radius_mm, water_share)
        self.rays: SliceRays = slice_rays(self.parts, self.z_mm, ABDOMEN_CT)

    def image(self, dose: float = 1.0, seed: int = 0) -> Image:
        """(256, 256) HU, 1.5 mm per pixel; dose 1 is 250 mAs, and `seed` draws the noise."""
        if not dose > 0:
            raise ValueError(f"A dose is above 0, not {dose:g}.")
        return self._reconstructed(replace(ABDOMEN_CT, mas=ABDOMEN_CT.mas * dose), seed)

    def noiseless(self) -> Image:
        """(256, 256) HU of a scan without noise: what an endless dose would show."""
        return self._reconstructed(replace(ABDOMEN_CT, noise=False), 0)

    def _reconstructed(self, protocol: Protocol, seed: int) -> Image:
        rows = expose(self.rays, protocol, seed)
        picture = fbp(
            rows.values, rows.angles_deg, rows.spacing_mm, SIZE, PIXEL_MM, self.kernel, _projector()
        )
        return hounsfield(picture, _water()).astype(np.float32)


@lru_cache(maxsize=1)
def _projector() -> ParallelProjector:
    beam = ABDOMEN_CT.beam
    return ParallelProjector(SIZE, PIXEL_MM, beam.angles_deg, beam.detectors, PIXEL_MM)


@lru_cache(maxsize=1)
def _water() -> float:
    return water_value(ABDOMEN_CT)


@dataclass(frozen=True)
class DosePatches:
    """Patches (n, size, size) in HU, cut from the same places: at low dose, at full dose, and
    without noise; patient (n,): the seed of whom each shows."""

    low: Image
    full: Image
    noiseless: Image
    patient: NDArray[np.int_]


def dose_patches(
    patients: Sequence[int], dose: float, per_patient: int = 16, size: int = 64, lesions: int = 3
) -> DosePatches:
    """Patches of one slice of each patient; patients with odd numbers have liver lesions.

    Every patch lies in the body; a quarter of a slice's patches share an exposure. The same
    patients give the same patches, whoever else is asked for.
    """
    cut: list[tuple[Image, Image, Image]] = []
    for patient in patients:
        rng = np.random.default_rng([patient, 1])
        place = AbdomenSlice(patient, rng.uniform(-20, 20), lesions * (patient % 2))
        cut.extend(_patches(place, dose, per_patient, size, rng))
    low, full, noiseless = (np.stack(images) for images in zip(*cut, strict=True))
    return DosePatches(low, full, noiseless, np.repeat(patients, per_patient))


def _patches(
    place: AbdomenSlice, dose: float, count: int, size: int, rng: np.random.Generator
) -> list[tuple[Image, Image, Image]]:
    """So many patches of one slice, from four exposures at each dose."""
    clean = place.noiseless()
    corners = _corners(clean, count, size, rng)
    patches = []
    for corner in np.array_split(corners, 4):
        pair = [place.image(share, int(rng.integers(2**31))) for share in (dose, 1.0)]
        for y, x in corner:
            window = np.s_[y : y + size, x : x + size]
            patches.append((pair[0][window], pair[1][window], clean[window]))
    return patches


def _corners(clean: Image, count: int, size: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """(count, 2) row and column of patches that are at least 90 % patient."""
    inside = np.pad((clean > -200).astype(float).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    share = inside[size:, size:] - inside[:-size, size:] - inside[size:, :-size]
    share = (share + inside[:-size, :-size]) / size**2
    corners = np.argwhere(share > 0.9)
    if not len(corners):
        raise ValueError(f"No patch of {size} pixels fits into the body; take smaller ones.")
    return corners[rng.integers(len(corners), size=count)]


def to_grey(hounsfield_units: NDArray) -> Image:
    """What networks see: the window SHOWN as -1 to 1, what is beyond cut off."""
    return (2 * SHOWN.shown(hounsfield_units) - 1).astype(np.float32)


def to_hounsfield(grey: NDArray) -> Image:
    """HU of grey values: the reverse of `to_grey` within the window."""
    return np.asarray(SHOWN.centre + SHOWN.width / 2 * np.asarray(grey), np.float32)
