"""Radiographs that are no chests of adults: children's chests, and skulls.

Nobody is drawn anew here: a child is an adult's anatomy made smaller, and shorter than wide, as
chests of small children are, with a heart that fills more of it; growing bones and the thymus are
left out. A skull is the head of the CT and MR lessons under the tube of the chest room.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from course_lib.data.gan_films import SIZE
from course_lib.imaging.geometry import film_geometry
from course_lib.imaging.projection import Projection, framing, part_lengths
from course_lib.imaging.radiography import CHEST_AP, CHEST_PA, Technique, expose
from course_lib.imaging.texture import add_parenchyma
from course_lib.patient.head import head_parts, scaled
from course_lib.patient.person import in_pose, sample_patient
from course_lib.patient.solids import Part

HEART = ("heart", "aorta", "veins")
INFANT = Technique(**{**CHEST_AP.__dict__, "kvp": 66.0, "mas": 1.0})


def child_films(seed: int, n: int, options: dict | None = None) -> Tensor:
    """n chests of small children from the front, lying, (n, 1, 64, 64) in 0..1."""
    return _stack(_child(seed + number) for number in range(n))


def skull_films(seed: int, n: int, options: dict | None = None) -> Tensor:
    """n skulls, one half from behind, one half from the side, (n, 1, 64, 64) in 0..1."""
    return _stack(_skull(seed + number) for number in range(n))


def _child(seed: int) -> Projection:
    """A chest of 40 to 60 % of an adult's width, and shorter still."""
    rng = np.random.default_rng([seed, *b"child"])
    adult = in_pose(sample_patient(seed, age=20.0, bmi=20.0), "AP")
    width = rng.uniform(0.40, 0.60)
    factors = width * np.array([1.0, 1.05, rng.uniform(0.76, 0.86)])
    parts = tuple(_smaller(part, factors) for part in adult.parts)
    side, centre = framing(adult, "AP")
    lengths = _lengths(parts, "AP", centre * factors, side * width * 1.05, CHEST_AP)
    textured = add_parenchyma(lengths[0], seed, "AP", side * width)
    return Projection(adult, textured, {}, lengths[1], "AP")


def _smaller(part: Part, factors: np.ndarray) -> Part:
    """The part of a smaller body; hearts grow less small than chests."""
    wide = np.array([1.22, 1.1, 1.0]) if part.name in HEART else np.ones(3)
    return replace(part, geometry=scaled(part.geometry, factors * wide))


def _skull(seed: int) -> Projection:
    rng = np.random.default_rng([seed, *b"skull"])
    view = "PA" if rng.random() < 0.5 else "LAT"
    centre = np.array([0.0, 0.0, -30.0]) + rng.normal(0, 6, 3)
    lengths, geometry = _lengths(head_parts(seed), view, centre, rng.uniform(250, 300), CHEST_PA)
    return Projection(sample_patient(seed), lengths, {}, geometry, view)


def _lengths(  # type: ignore[no-untyped-def]
    parts: tuple[Part, ...], view: str, centre: np.ndarray, field_mm: float, technique: Technique
):
    """Path lengths by tissue, and the geometry they belong to."""
    geometry = film_geometry(view, centre, SIZE, field_mm, technique.source_distance_mm)
    return part_lengths(parts, geometry), geometry


def _stack(rays: Iterable[Projection]) -> Tensor:
    films = [_film(projection) for projection in rays]
    return torch.from_numpy(np.stack(films))[:, None]


def _film(rays: Projection) -> np.ndarray:
    technique = INFANT if rays.view == "AP" else CHEST_PA
    return (expose(rays, technique, rays.patient.seed).pixels / 4095).astype(np.float32)
