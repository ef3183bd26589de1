"""Dealing cases out to hospitals: evenly, by class, or by chance. Each case goes to one of them."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from course_lib.federated.client import Client

Shares = list[NDArray[np.intp]]


def iid(targets: ArrayLike | Tensor, clients: int, seed: int) -> Shares:
    """Shuffled and dealt out: every hospital sees the same mixture, up to chance."""
    count = len(_classes(targets))
    _check(count, clients)
    return [
        np.sort(part) for part in _deal(np.random.default_rng(seed).permutation(count), clients)
    ]


def by_classes(
    targets: ArrayLike | Tensor, clients: int, classes_per_client: int, seed: int
) -> Shares:
    """Every hospital sees only so many classes (McMahan 2017, section 3: two digits each).

    Each class is cut into as many equal pieces as it is needed, and each hospital gets pieces of
    different classes. With all classes per client this is ``iid`` within each class.
    """
    classes = _classes(targets)
    names = np.unique(classes)
    _check(len(classes), clients)
    if not 1 <= classes_per_client <= len(names):
        raise ValueError(f"There are {len(names)} classes; each client gets 1 to {len(names)}.")
    random = np.random.default_rng(seed)
    wanted = _whose(len(names), clients, classes_per_client, random)
    shares: list[list[NDArray[np.intp]]] = [[] for _ in range(clients)]
    for number, name in enumerate(names):
        takers = [k for k in range(clients) if number in wanted[k]]
        cases = random.permutation(np.flatnonzero(classes == name))
        for taker, part in zip(takers, _deal(cases, len(takers)) if takers else [], strict=True):
            shares[taker].append(part)
    return [np.sort(np.concatenate(parts)) for parts in shares]


def dirichlet(
    targets: ArrayLike | Tensor, clients: int, alpha: float, seed: int, least: int = 1
) -> Shares:
    """Class shares of each hospital drawn from Dirichlet(alpha) (Hsu 2019, arXiv:1909.06335).

    alpha 100 is nearly iid; 0.1 gives most of each class to one or two hospitals. Drawn again until
    every hospital has ``least`` cases; ValueError if that does not happen in 1000 draws.
    """
    classes = _classes(targets)
    _check(len(classes), clients)
    if not alpha > 0:
        raise ValueError(f"alpha must be above 0, not {alpha}.")
    random = np.random.default_rng(seed)
    for _ in range(1000):
        owner = np.empty(len(classes), dtype=np.intp)
        for name in np.unique(classes):
            cases = random.permutation(np.flatnonzero(classes == name))
            ends = np.cumsum(random.dirichlet([alpha] * clients))[:-1] * len(cases)
            for k, part in enumerate(np.split(cases, ends.astype(np.intp))):
                owner[part] = k
        shares = [np.flatnonzero(owner == k) for k in range(clients)]
        if min(map(len, shares)) >= least:
            return shares
    raise ValueError(f"No draw gave every client {least} cases; take fewer clients or more alpha.")


def clients_of(inputs: Tensor, targets: Tensor, shares: Shares) -> list[Client]:
    """One client per share, called hospital 1, hospital 2, ..."""
    return [
        Client(f"hospital {k}", inputs[torch.from_numpy(part)], targets[torch.from_numpy(part)])
        for k, part in enumerate(shares, start=1)
    ]


def _whose(classes: int, clients: int, each: int, random: np.random.Generator) -> list[set[int]]:
    """Which classes each client gets: all different, and each class about equally often."""
    while True:
        cards: list[int] = []
        while len(cards) < clients * each:
            cards.extend(random.permutation(classes).tolist())
        hands = [set(cards[k * each : (k + 1) * each]) for k in range(clients)]
        if all(len(hand) == each for hand in hands):
            return hands


def _deal(cases: NDArray[np.intp], clients: int) -> Sequence[NDArray[np.intp]]:
    return np.array_split(cases, clients)


def _classes(targets: ArrayLike | Tensor) -> NDArray[np.intp]:
    classes = np.asarray(targets)
    return classes.argmax(1) if classes.ndim == 2 else classes


def _check(cases: int, clients: int) -> None:
    if not 1 <= clients <= cases:
        raise ValueError(f"{cases} cases cannot be dealt out to {clients} clients.")
