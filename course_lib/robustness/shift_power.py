"""After how many films would an alarm ring, and how often does it ring for nothing?"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from course_lib.evaluation.generative.estimate import two_tables
from course_lib.evaluation.intervals import Interval, wilson


class Ringing(NamedTuple):
    """Share of studies with `films` old and as many new films in which the alarm rang."""

    films: int
    share: float
    interval: Interval


def how_often(
    alarm: Callable[[np.ndarray, np.ndarray, int], float],
    old: ArrayLike,
    new: ArrayLike | None,
    sizes: Sequence[int],
    rounds: int = 100,
    level: float = 0.05,
    seed: int = 0,
) -> list[Ringing]:
    """Repeat the study `rounds` times at each size, with other films of both collections.

    alarm: called as alarm(old films, new films, seed), gives a p value. old (N, D), new (M, D):
    features; new=None compares old films with *other* old films: false alarms. Within a study no
    film occurs twice. Raises ValueError if there are too few films.
    """
    first = two_tables(old, old if new is None else new)
    need = max(sizes) * (2 if new is None else 1)
    if min(map(len, first)) < need or min(sizes) < 2 or rounds < 1:
        raise ValueError(
            f"Studies of 2 to {max(sizes)} films need collections of {need}; these have "
            f"{len(first[0])} and {len(first[1])}."
        )
    random = np.random.default_rng(seed)
    found = []
    for size in tqdm(sizes, desc="studies", unit="size", leave=False):
        rang = 0
        for study in range(rounds):
            a = random.permutation(len(first[0]))
            b = a[size:] if new is None else random.permutation(len(first[1]))
            rang += alarm(first[0][a[:size]], first[1][b[:size]], study) <= level
        found.append(Ringing(size, rang / rounds, wilson(rang, rounds)))
    return found
