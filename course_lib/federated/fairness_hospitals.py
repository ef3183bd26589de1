"""Twelve hospitals that share the last layer of a network; three of them have other machines.

Each film is what member 0 of the film classifier makes of it: 90 features, recorded once
(``evaluation.calibration_record``). Only a linear layer is learned together, so a federation takes
a second, and a question of fairness can be asked with many seeds.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.evaluation.calibration_record import Recorded
from course_lib.federated.client import Client
from course_lib.learning.film_classifier import CLASSES

FEATURES = 90
# scanner and number of films to learn from; three hospitals image with machines of their own
HOSPITALS = (
    *(("A", films) for films in (40, 40, 60, 60, 80, 80, 120, 160, 200)),
    *((scanner, 60) for scanner in ("B", "C", "portable")),
)
TESTED = 150  # films of scanner A that each hospital is tested on


class Cases(NamedTuple):
    """Features (N, 90) and class numbers (N,) of one machine's films."""

    inputs: Tensor
    targets: Tensor


def cases_by_scanner(record: Mapping[str, Recorded]) -> dict[str, Cases]:
    """All recorded films, each patient on one machine only.

    The record shows the same patients on B, C and the portable machine, and on A as the first of
    "test": those are left out of A, and dealt out to the other three. Features are scaled by the
    mean and spread of the validation films, which whoever ships the network knows.
    """
    validation, test = record["validation"], record["test"]
    mean, spread = validation.features.mean(0), validation.features.std(0) + 1e-6
    elsewhere = len(record["B"].classes)
    parts = {
        "A": (
            np.concatenate([validation.features, test.features[elsewhere:]]),
            np.concatenate([validation.classes, test.classes[elsewhere:]]),
        )
    }
    for number, name in enumerate(("B", "C", "portable")):
        parts[name] = record[name].features[number::3], record[name].classes[number::3]
    return {
        name: Cases(
            torch.tensor((features - mean) / spread, dtype=torch.float32).clamp(-5, 5),
            torch.tensor(classes),
        )
        for name, (features, classes) in parts.items()
    }


def feature_hospitals(
    cases: Mapping[str, Cases],
    seed: int,
    hospitals: Sequence[tuple[str, int]] = HOSPITALS,
    tested: int = TESTED,
) -> tuple[list[Client], list[Client]]:
    """Deal the films out: (clients to learn with, test sets), no film in two of them.

    Hospitals of scanner A test on ``tested`` films, the others on all that are left of theirs.
    Raises ValueError where a scanner is unknown or has too few films.
    """
    random = np.random.default_rng(seed)
    left = {name: random.permutation(len(part.targets)) for name, part in cases.items()}
    learn: list[Client] = []
    test: list[Client] = []
    for number, (scanner, films) in enumerate(hospitals, start=1):
        if scanner not in cases:
            raise ValueError(f"There is no scanner {scanner!r}; there are {', '.join(cases)}.")
        order, end = left[scanner], films + tested if scanner == "A" else len(left[scanner])
        if len(order) < end or end <= films:
            raise ValueError(f"Scanner {scanner} has only {len(order)} films left.")
        left[scanner] = order[end:]
        name = f"{number} ({scanner}, {films} films)"
        for rows, into in ((order[:films], learn), (order[films:end], test)):
            part = cases[scanner]
            into.append(Client(name, part.inputs[rows], part.targets[rows]))
    return learn, test


def shared_layer() -> nn.Linear:
    """The layer that is learned together, all weights 0 at the start: (B, 90) -> (B, 6)."""
    layer = nn.Linear(FEATURES, len(CLASSES))
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
