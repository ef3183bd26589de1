"""Films that a hospital sends and that the film classifier never learned: twenty-two sets of them.

    films = unknown_films("lateral view", 60)        # (60, 1, 64, 64) in 0..1
    UNKNOWN["lateral view"].family                   # "view"

Film i of a set does not depend on how many there are. The patients (seeds 6300 and above) are in no
other set of the course.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.gan_films import DISEASES, SEVERITY, SIZE, film_stack, truth_of
from course_lib.data.modalities import pictures_of
from course_lib.data.virtual import VirtualChest
from course_lib.learning.film_classifier import one_finding_only
from course_lib.robustness.unknown import damage
from course_lib.robustness.unknown.elsewhere import child_films, skull_films

KNOWN_SEEDS = {"threshold": 6300, "test": 6301, "to be damaged": 6302}
FAMILIES = ("disease", "machine", "view", "body part", "file", "nothing")
Maker = Callable[[int, dict], Tensor]


@dataclass(frozen=True)
class UnknownSet:
    """One kind of unknown film: where it belongs, and whether it is near or far from a chest film.

    make(n, options): (n, 1, 64, 64) in 0..1; options of data.virtual.VirtualChest.
    """

    family: str
    near: bool
    make: Maker


def unknown_films(name: str, n: int = 60, **options) -> Tensor:
    """n films (n, 1, 64, 64) in 0..1 of the set called `name`; ValueError lists the sets.

    options: folder and workers of data.virtual.VirtualChest.
    """
    if name not in UNKNOWN:
        raise ValueError(f"There is no set {name!r}; choose from {', '.join(UNKNOWN)}.")
    if n < 1:
        raise ValueError(f"A set needs at least one film, not {n}.")
    films = UNKNOWN[name].make(n, options)
    return (films.clamp(0, 1) * 255).round() / 255  # 8 bits, as all films of the course


def known_films(part: str = "test", n: int = 400, **options) -> tuple[Tensor, NDArray[np.intp]]:
    """Films like those learned from, and their classes; patients with two findings are left out.

    part: "threshold", to set thresholds with, or "test": other patients. (M, 1, 64, 64) in 0..1
    and (M,), M being about 0.85 n; each disease in 14 % of the patients.
    """
    if part not in KNOWN_SEEDS:
        raise ValueError(f"There is no part {part!r}; choose from {', '.join(KNOWN_SEEDS)}.")
    chests = _chests(n, KNOWN_SEEDS[part], dict.fromkeys(DISEASES, 0.14), options)
    kept, classes = one_finding_only(truth_of(chests))
    return film_stack(chests)[torch.from_numpy(kept)].float() / 255, classes


def _chests(n: int, seed: int, prevalence: dict[str, float], options: dict) -> VirtualChest:
    usual = {"findings": tuple(prevalence), "prevalence": prevalence, "severity": SEVERITY}
    return VirtualChest(n, seed, SIZE, **{**usual, **options})


def _with(finding: str, seed: int) -> Maker:
    """Patients who all have a finding that is none of the five, and nothing else."""
    return lambda n, options: _grey(_chests(n, seed, {finding: 1.0}, options))


def _imaged(seed: int, **how: str) -> Maker:
    """Patients of the usual mixture, imaged in another way. how: scanner or view."""
    mixture = dict.fromkeys(DISEASES, 0.14)
    return lambda n, options: _grey(_chests(n, seed, mixture, {**options, **how}))


def _grey(chests: VirtualChest) -> Tensor:
    return film_stack(chests).float() / 255


def _damaged(change: damage.Change) -> Maker:
    """Good films of one common group of patients, changed; each film has its own numbers."""

    def make(n: int, options: dict) -> Tensor:
        good = _imaged(KNOWN_SEEDS["to be damaged"])(n, options)[:, 0].numpy()
        rngs = [np.random.default_rng([6302, i]) for i in range(n)]
        changed = [change(film, rng) for film, rng in zip(good, rngs, strict=True)]
        return torch.from_numpy(np.stack(changed).astype(np.float32))[:, None]

    return make


def _other(kind: str, seed: int) -> Maker:
    """Pictures of another modality (data.modalities)."""
    return lambda n, _: torch.from_numpy(
        pictures_of([kind], range(seed, seed + n), SIZE)[0][:, None]
    )


UNKNOWN: dict[str, UnknownSet] = {
    "cardiomegaly": UnknownSet("disease", True, _with("cardiomegaly", 6310)),
    "wide mediastinum": UnknownSet("disease", True, _with("mediastinal_widening", 6311)),
    "rib fracture": UnknownSet("disease", True, _with("rib_fracture", 6312)),
    "hernia": UnknownSet("disease", True, _with("hernia", 6313)),
    "free air": UnknownSet("disease", True, _with("pneumoperitoneum", 6314)),
    "atelectasis": UnknownSet("disease", True, _with("atelectasis", 6315)),
    "scanner B": UnknownSet("machine", True, _imaged(6320, scanner="B")),
    "scanner C": UnknownSet("machine", True, _imaged(6321, scanner="C")),
    "bedside": UnknownSet("machine", True, _imaged(6322, scanner="portable")),
    "lateral view": UnknownSet("view", False, _imaged(6330, view="LAT")),
    "mirrored": UnknownSet("view", True, _damaged(damage.mirrored)),
    "on its side": UnknownSet("view", False, _damaged(damage.on_its_side)),
    "inverted": UnknownSet("view", False, _damaged(damage.inverted)),
    "child": UnknownSet("body part", True, partial(child_films, 63_400)),
    "skull film": UnknownSet("body part", False, partial(skull_films, 63_500)),
    "chest CT": UnknownSet("body part", False, _other("chest CT", 63_600)),
    "head CT": UnknownSet("body part", False, _other("head CT", 63_700)),
    "rows missing": UnknownSet("file", False, _damaged(damage.rows_missing)),
    "rows skewed": UnknownSet("file", False, _damaged(damage.rows_skewed)),
    "byte order": UnknownSet("file", False, _damaged(damage.byte_order)),
    "noise": UnknownSet("nothing", False, _damaged(damage.noise)),
    "one grey": UnknownSet("nothing", False, _damaged(damage.one_grey)),
}
