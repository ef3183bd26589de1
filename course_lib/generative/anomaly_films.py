"""The films of the anomaly study: twelve findings of which a supervised network knows five.

As in the thesis (Kim 2021, table 6). Two of its twelve, pneumomediastinum and subcutaneous
emphysema, do not exist in the virtual hospital; cardiomegaly and hernia take their places. Masses
stand for nodules, pleural calcification for calcification. Nobody here was seen by a generator, an
encoder or the film judge: seeds 5400 and above belong to this study alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.gan_films import DISEASES, SEVERITY, SIZE, film_stack
from course_lib.data.virtual import VirtualChest

KNOWN = DISEASES
UNKNOWN = (
    "atelectasis",
    "pleural_calcification",
    "mediastinal_widening",
    "rib_fracture",
    "pneumoperitoneum",
    "cardiomegaly",
    "hernia",
)
FINDINGS = (*KNOWN, *UNKNOWN)
SEEDS = {"test": 5400, "test normals": 5420, "threshold": 5421, "usual": 5422, "validation": 5430}


@dataclass(frozen=True)
class StudyFilms:
    """Films float32 (N, 1, 64, 64) in 0..1, beside part (N,), finding (N,) and masks (N, 64, 64).

    part: "usual" (200 healthy: what differs anyway), "threshold" (300 healthy: where to draw the
    line), "validation" (20 of each known disease: which summary to take), "test" (60 of each of
    the twelve findings and 300 healthy). finding: "normal" for the healthy, whose masks are empty.
    """

    films: Tensor
    part: NDArray[np.str_]
    finding: NDArray[np.str_]
    masks: NDArray[np.bool_]

    def where(self, part: str, finding: str | None = None) -> NDArray[np.intp]:
        """Numbers of the films of a part, or of one finding of it."""
        chosen = self.part == part
        return np.flatnonzero(chosen if finding is None else chosen & (self.finding == finding))

    def some(self, each: int, normals: int) -> NDArray[np.intp]:
        """The first `each` test films of every finding and the first `normals` healthy ones."""
        wanted = {**dict.fromkeys(FINDINGS, each), "normal": normals}
        return np.concatenate([self.where("test", name)[:n] for name, n in wanted.items()])


def healthy_chests(n: int, seed: int, **options) -> VirtualChest:
    """n healthy virtual patients. options: of VirtualChest."""
    none = dict.fromkeys(DISEASES, 0.0)
    return VirtualChest(n, seed, SIZE, findings=DISEASES, prevalence=none, **options)


def chests_with(finding: str, n: int, seed: int, **options) -> VirtualChest:
    """n virtual patients who all have this finding and no other. options: of VirtualChest."""
    return VirtualChest(
        n, seed, SIZE, findings=[finding], prevalence={finding: 1.0}, severity=SEVERITY, **options
    )


def study_films(
    each: int = 60, normals: int = 300, usual: int = 200, validation: int = 20, **options
) -> StudyFilms:
    """Image all patients of the study; fewer for a try. options: of VirtualChest."""
    stacks, parts, names, masks = [], [], [], []
    for part, name, chests in _cohorts(each, normals, usual, validation, options):
        stacks.append(film_stack(chests).float() / 255)
        parts += [part] * len(chests)
        names += [name] * len(chests)
        empty = np.zeros((SIZE, SIZE), bool)
        masks += [chests[i].masks.get(name, empty) for i in range(len(chests))]
    return StudyFilms(torch.cat(stacks), np.array(parts), np.array(names), np.stack(masks))


def _cohorts(
    each: int, normals: int, usual: int, validation: int, options: dict
) -> Iterator[tuple[str, str, VirtualChest]]:
    yield "usual", "normal", healthy_chests(usual, SEEDS["usual"], **options)
    yield "threshold", "normal", healthy_chests(normals, SEEDS["threshold"], **options)
    for number, name in enumerate(KNOWN):
        seed = SEEDS["validation"] + number
        yield "validation", name, chests_with(name, validation, seed, **options)
    for number, name in enumerate(FINDINGS):
        yield "test", name, chests_with(name, each, SEEDS["test"] + number, **options)
    yield "test", "normal", healthy_chests(normals, SEEDS["test normals"], **options)
