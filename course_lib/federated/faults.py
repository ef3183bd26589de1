"""Clients that die, come late, send nonsense or lie: what arrives in place of their answer.

A fault is called with the round and the honest update and returns what reaches the server; None
means that nothing came in time.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from course_lib.federated.client import Update
from course_lib.federated.weights import Weights, difference, plus

Fault = Callable[[int, Update], Update | None]
Spoil = Callable[[Update], Update | None]


def gone(update: Update) -> None:
    """The process died, or the answer came after the round had ended."""
    return None


def not_a_number(update: Update) -> Update:
    """Every weight is NaN, as after a division by zero."""
    spoiled = {name: torch.full_like(v, torch.nan) for name, v in update.weights.items()}
    return update._replace(weights=spoiled)


def wrong_shape(update: Update) -> Update:
    """The weights of another network: the first one is twice as long."""
    first, *_ = update.weights
    longer = torch.cat([update.weights[first]] * 2)
    return update._replace(weights={**update.weights, first: longer})


SPOILS: dict[str, Spoil] = {"gone": gone, "NaN": not_a_number, "wrong shape": wrong_shape}


def random_faults(share: float, seed: int, kinds: Sequence[str] = tuple(SPOILS)) -> Fault:
    """Each answer is spoiled with this probability, in one of the ways named in SPOILS.

    Who fails in which round depends on seed, round and name only.
    """
    if not 0 <= share <= 1 or not set(kinds) <= set(SPOILS):
        raise ValueError(f"A share of 0 to 1 and kinds out of {', '.join(SPOILS)}, please.")

    def fault(number: int, update: Update) -> Update | None:
        random = np.random.default_rng([seed, number, *update.name.encode()])
        if random.random() >= share:
            return update
        return SPOILS[kinds[int(random.integers(len(kinds)))]](update)

    return fault


def liars(names: Sequence[str], sent: Weights | Callable[[], Weights], factor: float) -> Fault:
    """These clients send w_t + factor (w_k - w_t) instead of w_k.

    factor -1 turns their step round; 10 makes it ten times as long. sent: the weights w_t that the
    round began with, or a function that gives them.
    """

    def fault(number: int, update: Update) -> Update:
        if update.name not in names:
            return update
        start = sent() if callable(sent) else sent
        step = difference(update.weights, start)
        return update._replace(weights=plus(start, step, factor))

    return fault
