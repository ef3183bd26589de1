"""How large is the heart? The exact answer, from the patient's solids.

The cardiothoracic ratio is the heart's greatest width divided by the greatest inner width of the
chest (Danzer, Am J Med Sci 1919;157:513). Radiologists measure both on a PA film and call the heart
enlarged above one half. Here both are lengths in the patient, so no film's magnification matters.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.radiography import radiograph
from course_lib.imaging.rays import line_spans
from course_lib.patient.body import SIDES, Body
from course_lib.patient.cohort import sample_cohort
from course_lib.patient.person import Patient, part_named
from course_lib.patient.solids import Compound, Pieces

HEIGHTS, DEPTHS = 20, 19  # how finely the chest is searched for its greatest width


class HeartSize(NamedTuple):
    """Widths of heart and chest in mm, right to left."""

    heart_mm: float
    chest_mm: float

    @property
    def ratio(self) -> float:
        """The cardiothoracic ratio."""
        return self.heart_mm / self.chest_mm


def heart_size(patient: Patient) -> HeartSize:
    """Greatest widths of a patient's heart (exact) and chest (to about 0.1 %), on parallel rays."""
    heart = part_named(patient, "heart").geometry
    assert isinstance(heart, Pieces)
    left, right = heart.centre + heart.half, heart.centre - heart.half
    return HeartSize(float(left[:, 0].max() - right[:, 0].min()), _chest_width(patient))


def _chest_width(patient: Patient) -> float:
    """Greatest distance in mm from the right lung's outer edge to the left one's, at one height."""
    y, z = _search_grid(patient.body)
    reach = np.zeros((len(SIDES), HEIGHTS))
    for number, (side, sign) in enumerate(SIDES.items()):
        lung = part_named(patient, f"{side} lung").geometry
        assert isinstance(lung, Compound)
        origins = np.stack([np.zeros(y.size), y.ravel(), z.ravel()], axis=1)
        spans = line_spans(lung, origins, np.tile([sign, 0.0, 0.0], (y.size, 1)))
        outermost = np.zeros(y.size)
        np.maximum.at(outermost, spans.ray, spans.leave)
        reach[number] = outermost.reshape(y.shape).max(axis=1)
    return float(reach.sum(axis=0).max())


def _search_grid(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Depths y and heights z in mm, each (HEIGHTS, DEPTHS), round the widest part of the chest."""
    heights = np.linspace(body.base - 40, body.base + 70, HEIGHTS)
    depths = np.linspace(-0.6, 0.6, DEPTHS) * body.half_depth
    z, y = np.meshgrid(heights, depths, indexing="ij")
    return y, z


class MeasuredFilms(NamedTuple):
    """pictures (views, N, size, size), 0 to 1; age (N,) in years; ratio (N,), the true
    cardiothoracic ratio."""

    pictures: NDArray[np.float32]
    age: NDArray[np.float64]
    ratio: NDArray[np.float64]


def measured_films(
    seeds: Iterable[int], size: int = 64, views: Sequence[str] = ("PA",)
) -> MeasuredFilms:
    """Films of adults whose age and heart size are known; every third has a large heart.

    The views ("PA", "AP", "LAT") show the same patients. About 35 ms per patient, and 17 ms for
    each further view.
    """
    films, age, ratio = [], [], []
    for seed in seeds:
        patient = sample_cohort(1, seed, {"cardiomegaly": 0.33, "pleural_effusion": 0.1})[0].build()
        shown = [radiograph(patient, size=size, view=view, seed=seed).pixels for view in views]
        films.append(np.stack(shown) / np.float32(4095))
        age.append(patient.age)
        ratio.append(heart_size(patient).ratio)
    return MeasuredFilms(np.stack(films, axis=1), np.array(age), np.array(ratio))
