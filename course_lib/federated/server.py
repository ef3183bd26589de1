"""What a server makes of its clients' answers: pure functions of weights and updates.

An aggregation is called as aggregate(weights, updates, state) and returns the next weights and the
next state; state is a dictionary of plain values, empty at the start, that only AFL needs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.federated.client import Update
from course_lib.federated.weights import Weights, average, difference, plus, squared_distance

State = Mapping[str, Any]
Aggregate = Callable[[Weights, Sequence[Update], State], tuple[Weights, State]]


class TooFewAnswers(ValueError):
    """An aggregation cannot work with so few updates; the round leaves the weights as they are."""


def choose_clients(clients: int, fraction: float, seed: int, number: int) -> list[int]:
    """The clients of round ``number``: a share of them, at least one, drawn without repetition."""
    if clients < 1 or not 0 < fraction <= 1:
        raise ValueError(f"A share of {fraction} of {clients} clients cannot be chosen.")
    random = np.random.default_rng([seed, number])
    chosen = random.choice(clients, max(1, round(fraction * clients)), replace=False)
    return sorted(chosen.tolist())


def data_shares(updates: Sequence[Update]) -> list[float]:
    """p_k = N_k / N, over those who answered; they sum to 1."""
    total = sum(update.cases for update in updates)
    return [update.cases / total for update in updates]


def fedavg(weights: Weights, updates: Sequence[Update], state: State) -> tuple[Weights, State]:
    """The mean of the clients' weights, each counting as its cases (McMahan 2017, algorithm 1)."""
    return average([update.weights for update in updates], data_shares(updates)), state


def unweighted(weights: Weights, updates: Sequence[Update], state: State) -> tuple[Weights, State]:
    """The mean of the clients' weights, each hospital counting the same."""
    return average([u.weights for u in updates], [1 / len(updates)] * len(updates)), state


def gradient_step(
    weights: Weights, gradients: Sequence[Weights], cases: Sequence[int], learning_rate: float
) -> Weights:
    """FedSGD: one step along the clients' gradients, each counting as its cases."""
    total = sum(cases)
    together = average(gradients, [n / total for n in cases])
    moved = plus({name: weights[name] for name in together}, together, -learning_rate)
    return {**weights, **moved}


def q_ffl(q: float, learning_rate: float) -> Aggregate:
    """q-FedAvg (Li 2020, arXiv:1905.10497, algorithm 2): clients with a large loss F_k count more.

    q 0 is the unweighted mean; the larger q, the more the worst hospital counts. learning_rate is
    that of the clients; its inverse stands for the Lipschitz constant L of the paper.
    """
    if q < 0 or not learning_rate > 0:
        raise ValueError("q must not be below 0, and the learning rate must be above 0.")
    lipschitz = 1 / learning_rate

    def aggregate(
        weights: Weights, updates: Sequence[Update], state: State
    ) -> tuple[Weights, State]:
        steps = [difference(weights, update.weights) for update in updates]
        power = [max(update.loss, 1e-10) ** q for update in updates]
        scale = sum(
            q * max(update.loss, 1e-10) ** (q - 1) * lipschitz**2
            * squared_distance(weights, update.weights) + lipschitz * share
            for update, share in zip(updates, power, strict=True)
        )  # fmt: skip
        total = average(steps, [share * lipschitz / scale for share in power])
        return difference(weights, total), state

    return aggregate


def afl(rate: float) -> Aggregate:
    """Agnostic federated learning (Mohri 2019, arXiv:1902.00146): the shares follow the losses.

    After every round each client's share grows by rate * loss, and all are projected back onto
    shares that sum to 1; so at the end only the worst-served hospitals count. state["shares"]
    keeps them by name.
    """
    if not rate > 0:
        raise ValueError(f"The rate must be above 0, not {rate}.")

    def aggregate(
        weights: Weights, updates: Sequence[Update], state: State
    ) -> tuple[Weights, State]:
        shares = dict(state.get("shares", {}))
        usual = float(np.mean(list(shares.values()))) if shares else 1 / len(updates)
        now = np.array([shares.get(update.name, usual) for update in updates])
        mass = now.sum()  # what those who answered hold together
        now = onto_simplex(now / mass + rate * np.array([update.loss for update in updates]))
        shares.update({u.name: float(mass * s) for u, s in zip(updates, now, strict=True)})
        return average([u.weights for u in updates], now.tolist()), {**state, "shares": shares}

    return aggregate


def onto_simplex(values: ArrayLike) -> NDArray[np.float64]:
    """The nearest shares (>= 0, sum 1) to values (K,) (Duchi 2008)."""
    v = np.asarray(values, dtype=float)
    falling = np.sort(v)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, len(v) + 1)
    last = np.flatnonzero(falling > excess)[-1]
    return np.maximum(v - excess[last], 0)
