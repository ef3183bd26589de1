"""Films with the name of what lies at every pixel, and patches cut from them.

A zone of the lung, the heart, or a mass: the shadows of the patient's own solids tell, exactly.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.geometry import Geometry
from course_lib.imaging.projection import part_length, path_lengths
from course_lib.imaging.radiography import expose
from course_lib.patient.cohort import sample_cohort
from course_lib.patient.person import Patient, part_named

Picture = NDArray[np.float32]
Names = NDArray[np.int_]
REGIONS = ("upper zone", "middle zone", "lower zone", "heart", "elsewhere", "mass")
MASS = REGIONS.index("mass")
LUNG_MM, HEART_MM = 20.0, 40.0  # a ray is "in" lung or heart from so many mm on


class NamedFilm(NamedTuple):
    """picture (size, size), 0 to 1; names (size, size), numbers in `REGIONS`; spacing_mm per pixel;
    mass (size, size): where one is, all False without."""

    picture: Picture
    names: Names
    mass: NDArray[np.bool_]
    spacing_mm: float


def named_films(seeds: Iterable[int], size: int = 128, masses: float = 0.5) -> list[NamedFilm]:
    """PA films of these patients; a share `masses` of them has a mass (over 3 cm), nothing else."""
    return [_named_film(seed, size, masses) for seed in seeds]


def _named_film(seed: int, size: int, masses: float) -> NamedFilm:
    patient = sample_cohort(1, seed, {"mass": masses})[0].build()
    rays = path_lengths(patient, size=size)
    names = region_map(patient, rays.geometry)
    mass = rays.masks.get("mass", np.zeros((size, size), bool))
    picture = (expose(rays, seed=seed).pixels / 4095).astype(np.float32)
    return NamedFilm(picture, np.where(mass, MASS, names), mass, rays.spacing_mm)


def region_map(patient: Patient, geometry: Geometry) -> Names:
    """(H, W) numbers in `REGIONS` of a film with these rays, without masses.

    A lung's zones are thirds of its shadow's height; heart comes before lung where both lie.
    """
    names = np.full(geometry.shape, REGIONS.index("elsewhere"))
    for side in ("right", "left"):
        lung = part_length(part_named(patient, f"{side} lung").geometry, geometry) > LUNG_MM
        rows = np.flatnonzero(lung.any(axis=1))
        height = (np.arange(len(lung)) - rows[0]) / (rows[-1] + 1 - rows[0])
        zone = np.clip((3 * height).astype(int), 0, 2)[:, None]
        names = np.where(lung, zone, names)
    heart = part_length(part_named(patient, "heart").geometry, geometry) > HEART_MM
    return np.where(heart, REGIONS.index("heart"), names)


class Patches(NamedTuple):
    """pictures (N, 1, window, window), names (N,) of what lies in the middle, film (N,): from
    which film each was cut."""

    pictures: Picture
    names: Names
    film: Names


def cut_patches(
    films: Sequence[NamedFilm], window: int, of_each: int, rng: np.random.Generator
) -> Patches:
    """Up to `of_each` patches per film and region, so that rare regions are as frequent as others.

    The name of a patch is that of its middle pixel. Only patches that lie on the film are cut.
    """
    pictures, names, film = [], [], []
    for number, one in enumerate(films):
        half = window // 2
        inner = one.names[half : len(one.names) - half + 1, half : len(one.names) - half + 1]
        for name in range(len(REGIONS)):
            places = np.argwhere(inner == name)
            for row, column in rng.permutation(places)[:of_each]:
                pictures.append(one.picture[row : row + window, column : column + window])
                names.append(name)
                film.append(number)
    return Patches(np.stack(pictures)[:, None], np.array(names), np.array(film))
