"""What federations of this course learn: written digits, and chest films of virtual hospitals."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from course_lib.data.gan_films import DISEASES, SEVERITY, film_stack, truth_of
from course_lib.data.virtual import VirtualChest
from course_lib.federated.client import Client
from course_lib.learning.film_classifier import CLASSES, one_finding_only


class Task(NamedTuple):
    """Cases to learn from and to test on, with their class numbers; inputs have mean 0."""

    name: str
    inputs: Tensor
    targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor
    classes: tuple[str, ...]

    @property
    def test(self) -> Client:
        """The test cases as one client."""
        return Client("test", self.test_inputs, self.test_targets)


class Hospital(NamedTuple):
    """A virtual hospital: its X-ray room and how often its patients have what."""

    name: str
    scanner: str
    prevalence: Mapping[str, float]
    films: int


def _mostly(finding: str, share: float = 0.45, others: float = 0.04) -> dict[str, float]:
    return {**dict.fromkeys(DISEASES, others), finding: share}


HOSPITALS = (
    Hospital("university hospital", "A", dict.fromkeys(DISEASES, 0.13), 200),
    Hospital("cancer centre", "A", _mostly("mass"), 150),
    Hospital("chest hospital", "B", _mostly("consolidation"), 150),
    Hospital("lung fibrosis clinic", "B", _mostly("interstitial_opacity"), 120),
    Hospital("heart centre", "B", _mostly("pleural_effusion"), 120),
    Hospital("trauma centre", "portable", _mostly("pneumothorax"), 100),
    Hospital("district hospital", "C", dict.fromkeys(DISEASES, 0.06), 100),
    Hospital("island clinic", "C", dict.fromkeys(DISEASES, 0.10), 60),
)


def digits_task(seed: int, test_share: float = 0.25) -> Task:
    """scikit-learn's 1,797 written digits, 8 x 8 pixels, (N, 1, 8, 8), shuffled and divided."""
    data = load_digits()
    inputs = torch.tensor(data.images[:, None] / 16, dtype=torch.float32)
    return _divided("digits", inputs, data.target, tuple("0123456789"), test_share, seed)


def chest_task(
    size: int = 16, n: int = 960, seed: int = 6600, test_share: float = 0.25, **options
) -> Task:
    """Virtual chest films (N, 1, size, size), six classes with equally many films each.

    options: of data.virtual.VirtualChest, for example scanner="B".
    """
    each = n // len(CLASSES)
    films, classes = [], []
    for number, name in enumerate(CLASSES):
        films.append(_films_of(name, each, seed + number, size, **options))
        classes.append(np.full(each, number))
    inputs = torch.cat(films).float() / 255
    return _divided("chest", inputs, np.concatenate(classes), CLASSES, test_share, seed)


def hospital_clients(
    size: int = 32, seed: int = 6500, hospitals: Sequence[Hospital] = HOSPITALS, **options
) -> tuple[list[Client], list[Client]]:
    """The films of virtual hospitals, as (clients to learn with, clients to test on).

    Each hospital has a machine, a mixture of patients and a number of films of its own; a third of
    its films is kept for testing. Films with two findings are left out. Grey values are 0..1 less
    0.5, so that a hospital needs to know nothing of the others' films.
    """
    learn, test = [], []
    for number, place in enumerate(hospitals):
        source = VirtualChest(
            place.films, seed + number, size, findings=DISEASES, prevalence=place.prevalence,
            severity=SEVERITY, scanner=place.scanner, hospital=place.name, **options,
        )  # fmt: skip
        kept, classes = one_finding_only(truth_of(source))
        inputs = film_stack(source, size)[torch.from_numpy(kept)].float() / 255 - 0.5
        targets = torch.from_numpy(classes)
        third = len(kept) // 3
        learn.append(Client(place.name, inputs[third:], targets[third:]))
        test.append(Client(place.name, inputs[:third], targets[:third]))
    return learn, test


def _films_of(name: str, n: int, seed: int, size: int, **options) -> Tensor:
    """n films with exactly this finding, or with none for "normal"."""
    finding = DISEASES[0] if name == "normal" else name
    chance = {finding: 0.0 if name == "normal" else 1.0}
    source = VirtualChest(
        n, seed, size, findings=(finding,), prevalence=chance, severity=SEVERITY, **options
    )
    return film_stack(source, size)


def _divided(
    name: str,
    inputs: Tensor,
    classes: np.ndarray,
    names: tuple[str, ...],
    test_share: float,
    seed: int,
) -> Task:
    """Shuffle, divide, and take the mean of what is learned from off everything."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(inputs)))
    inputs, targets = inputs[order], torch.as_tensor(classes, dtype=torch.long)[order]
    cut = round(test_share * len(inputs))
    inputs = inputs - inputs[cut:].mean()
    return Task(name, inputs[cut:], targets[cut:], inputs[:cut], targets[:cut], names)
