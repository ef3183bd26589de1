"""The rules that the source proposes against leaking averages, each one small function.

Workshop of 2021, slide 17: shuffle and average again at the server; limit the updates by the share
of the data that changed; a lower limit on N_k, the cases of a client; and M_k, the films of an
average, cannot be large where N_k is small. What each is worth is measured in the lesson.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.federated.client import Client, Pool
from course_lib.federated.mafl import client_averages, joined


class Refused(ValueError):
    """A hospital's own rules forbid this message; nothing has been sent."""


def shuffled(pools: Sequence[Pool], seed: int) -> Pool:
    """All hospitals' averages in one pool, in an order that says nothing about who sent them."""
    together = joined(pools)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(together.inputs)))
    return Pool(together.inputs[order], together.targets[order])


def averaged_again(pools: Sequence[Pool], per_average: int, seed: int) -> Pool:
    """Averages of per_average averages, whoever sent them: (m // per_average, ...).

    Raises Refused if there are fewer averages than that.
    """
    together = joined(pools)
    if len(together.inputs) < per_average:
        raise Refused(f"{len(together.inputs)} averages are too few to average {per_average}.")
    server = Client("server", together.inputs, together.targets)
    return client_averages(server, per_average, together.targets.shape[1], seed)


def check_enough_cases(client: Client, least: int) -> None:
    """The lower limit on N_k: raises Refused for a client with fewer than ``least`` cases."""
    if client.cases < least:
        raise Refused(f"{client.name} has {client.cases} cases and sends averages from {least} on.")


def allowed_per_average(cases: int, wanted: int, least: int = 5, groups: int = 2) -> int:
    """The M_k a client may use: at most N_k / groups, so that no average is the whole hospital.

    groups: averages it must be able to make. Raises Refused if that leaves an M_k below ``least``:
    averages of so few films show them.
    """
    if min(wanted, least, groups) < 1:
        raise ValueError("M_k, its lower limit and the number of averages must be at least 1.")
    possible = min(wanted, cases // groups)
    if possible < least:
        raise Refused(
            f"With {cases} cases an average can hold {possible} films; below {least} none is sent."
        )
    return possible


def changed_share(before: Client | None, now: Client) -> float:
    """Share of the cases, of all that are or were there, that came or went; 1 at the first time."""
    old = _marks(before) if before is not None else set()
    new = _marks(now)
    return len(old ^ new) / max(1, len(old | new))


def check_changed_enough(before: Client | None, now: Client, least: float) -> None:
    """The limit on updates: raises Refused while less than ``least`` of the cases have changed.

    before: the cases behind the last message, None if there was none.
    """
    if not 0 < least <= 1:
        raise ValueError(f"A share lies above 0 and up to 1; {least} does not.")
    share = changed_share(before, now)
    if share < least:
        raise Refused(
            f"{share:.1%} of the cases of {now.name} changed; it sends again from {least:.0%} on."
        )


def guarded_averages(
    client: Client,
    wanted: int,
    classes: int,
    seed: int,
    before: Client | None = None,
    least_cases: int = 40,
    least_changed: float = 0.2,
    least_per_average: int = 5,
) -> Pool:
    """``mafl.client_averages`` behind all the rules of a hospital.

    before: the cases behind its last message. Raises Refused with the first rule that is broken.
    """
    check_enough_cases(client, least_cases)
    check_changed_enough(before, client, least_changed)
    size = allowed_per_average(client.cases, wanted, least_per_average)
    return client_averages(client, size, classes, seed)


def _marks(client: Client) -> set[bytes]:
    """A fingerprint of every case; equal cases have the same one."""
    return {hashlib.sha256(_bytes(row)).digest() for row in _rows(client.inputs)}


def _rows(values: Tensor) -> Iterable[Tensor]:
    return values.detach().cpu().contiguous().unbind(0)


def _bytes(values: Tensor) -> bytes:
    return values.contiguous().numpy().tobytes()
