"""The films that the generative lessons learn from: 64 pixels, five diseases, exact truth.

The five are those of the thesis (Kim M., 2021, table 2), with masses in place of nodules, which are
smaller than a pixel here. Pneumothorax is rare in what the generator learns from, as it was there.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.item import Label
from course_lib.data.preprocess import pad_to_square, resize, to_uint8
from course_lib.data.source import AnySource, records_of
from course_lib.data.virtual import VirtualChest

SIZE = 64
DISEASES = ("mass", "consolidation", "interstitial_opacity", "pleural_effusion", "pneumothorax")
SEVERITY = (2.5, 1.5)  # mostly plain to see: faint lesions do not survive 64 pixels

# name -> (number of films, seed, prevalence). No patient is in two of them.
COHORTS: dict[str, tuple[int, int, dict[str, float]]] = {
    "all": (8000, 511, {**dict.fromkeys(DISEASES, 0.16), "pneumothorax": 0.02}),
    "normal": (5000, 512, dict.fromkeys(DISEASES, 0.0)),
    "study": (5000, 513, dict.fromkeys(DISEASES, 0.14)),
}


def gan_cohort(name: str, n: int | None = None, size: int = SIZE, **options) -> VirtualChest:
    """A cohort of virtual patients for the generative lessons.

    "all": what the generator of all patients learns from; half of them are healthy. "normal":
    healthy ones only. "study": for classifiers, pneumothorax as frequent as the others. n: fewer
    films; film i does not depend on n. options: of data.virtual.VirtualChest.
    """
    if name not in COHORTS:
        raise ValueError(f"There is no cohort {name!r}; choose from {', '.join(COHORTS)}.")
    number, seed, prevalence = COHORTS[name]
    usual = {"findings": DISEASES, "prevalence": prevalence, "severity": SEVERITY}
    return VirtualChest(n or number, seed, size, **{**usual, **options})


def film_stack(source: AnySource, size: int = SIZE) -> Tensor:
    """All films of a source as one tensor uint8 (N, 1, size, size), square, bone white."""
    images = (pad_to_square(source[i].image) for i in range(len(source)))
    ready = [
        to_uint8(image if image.shape == (size, size) else resize(image, size)) for image in images
    ]
    return torch.from_numpy(np.stack(ready))[:, None]


def truth_of(source: AnySource, findings: Sequence[str] = DISEASES) -> NDArray[np.bool_]:
    """What each film shows: bool (N, K + 1), one column per finding and a last one for "normal"."""
    shown = [
        [record.labels.get(name) == Label.PRESENT for name in findings]
        for record in records_of(source)
    ]
    present = np.array(shown, dtype=bool).reshape(-1, len(findings))
    return np.column_stack([present, ~present.any(axis=1)])


def to_unit(films: Tensor) -> Tensor:
    """Films uint8 0..255 as float32 in -1..1, which is what a generator makes."""
    return films.float() / 127.5 - 1


def to_grey(made: Tensor) -> Tensor:
    """What a generator made, -1..1, as films in 0..1; overshoots are cut off."""
    return ((made + 1) / 2).clamp(0, 1)
