"""MAFL: every hospital sends averages of M_k of its cases, once, and gets those of all others.

Sources: mean augmented federated learning, Yoon 2021 (arXiv:2107.00233), algorithm 1, as shown in
the workshop of 2021 (slides 14-17). What such an average gives away is measured in
``federated.privacy``.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.federated.client import Client, Pool


class Sent(NamedTuple):
    """What one hospital has sent: its averages, and a mark of the cases they were made from."""

    pool: Pool
    mark: str


def client_averages(client: Client, per_average: int | None, classes: int, seed: int) -> Pool:
    """A client's averages: inputs (m, ...) and the classes' shares (m, K).

    Its cases are shuffled and cut into groups of per_average (M_k); None: one group of all. What is
    left over joins the last group, because a rest of one case would be that patient's film. A
    client with fewer than M_k cases sends nothing (m is 0): that is the lower limit on N_k of the
    source. Raises ValueError for M_k below 1, or cases that are not finite numbers.
    """
    targets = _shares(client, classes)
    size = client.cases if per_average is None else per_average
    if size < 1:
        raise ValueError(f"An average needs at least one case, not {size}.")
    groups = client.cases // size
    order = torch.from_numpy(np.random.default_rng(seed).permutation(client.cases))
    ends = [*range(size, size * groups, size), client.cases][:groups]
    parts = [order[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)] if groups else []
    return Pool(_means(client.inputs, parts), _means(targets, parts))


def pool_of(
    clients: Sequence[Client], per_average: int | None, classes: int, seed: int = 0
) -> Pool:
    """The averages of all clients in one pool, as the server hands it out.

    Raises ValueError if no client has enough cases.
    """
    sent, _ = exchange({}, clients, per_average, classes, seed)
    return joined([one.pool for one in sent.values()])


def exchange(
    known: Mapping[str, Sent],
    clients: Sequence[Client],
    per_average: int | None,
    classes: int,
    seed: int = 0,
) -> tuple[dict[str, Sent], list[str]]:
    """What the server holds after this round's messages, and the names of those who sent.

    Only clients whose cases changed since send again ("only required when local data change").
    known is not changed.
    """
    now, senders = dict(known), []
    for number, client in enumerate(clients):
        mark = _mark(client, per_average, classes, seed)
        if client.name not in known or known[client.name].mark != mark:
            # Another mixture of the same cases is another average, and gives more away.
            made = client_averages(client, per_average, classes, _seed(seed, number, mark))
            now[client.name] = Sent(made, mark)
            senders.append(client.name)
    return now, senders


def joined(pools: Iterable[Pool]) -> Pool:
    """Several pools as one; ValueError if there is nothing in them."""
    some = [pool for pool in pools if len(pool.inputs)]
    if not some:
        raise ValueError("Nobody has enough cases for an average: take a smaller M_k.")
    return Pool(torch.cat([pool.inputs for pool in some]), torch.cat([p.targets for p in some]))


def every_case(clients: Sequence[Client], classes: int) -> Pool:
    """All single cases of all clients: what GlobalMix needs and no hospital may send."""
    return joined(Pool(client.inputs, _shares(client, classes)) for client in clients)


def bytes_of_pool(pool: Pool) -> int:
    """Bytes of the averages and their labels, without envelopes: 4 for each float32."""
    return sum(part.numel() * part.element_size() for part in pool)


def _shares(client: Client, classes: int) -> Tensor:
    if client.cases == 0 or len(client.targets) != client.cases:
        raise ValueError(f"Client {client.name!r} needs as many inputs as targets, at least one.")
    if not client.inputs.is_floating_point() or not bool(client.inputs.isfinite().all()):
        raise ValueError(f"Client {client.name!r} has inputs that are not finite numbers.")
    if client.targets.dim() == 2:
        if client.targets.shape[1] != classes:
            raise ValueError(
                f"Targets {tuple(client.targets.shape)} do not name {classes} classes."
            )
        return client.targets
    if not 0 <= int(client.targets.min()) <= int(client.targets.max()) < classes:
        raise ValueError(f"Class numbers must lie between 0 and {classes - 1}.")
    return F.one_hot(client.targets.long(), classes).to(client.inputs.dtype)


def _means(values: Tensor, parts: Sequence[Tensor]) -> Tensor:
    if not parts:
        return values[:0]
    return torch.stack([values[part].mean(0) for part in parts])


def _mark(client: Client, *settings: object) -> str:
    digest = hashlib.sha256(repr(settings).encode())
    for part in (client.inputs, client.targets):
        digest.update(part.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _seed(seed: int, number: int, mark: str) -> int:
    return int(np.random.SeedSequence([seed, number, int(mark[:8], 16)]).generate_state(1)[0])
