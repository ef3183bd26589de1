"""The same rounds, all clients of a round at once: a stack of networks takes every step together.

A small network spends most of its time between the sums, not in them. Here the weights of K clients
lie on top of each other, and ``torch.func.vmap`` runs one step of all K as one larger sum. The
cases, the order and the partners are those of ``client.schedule``; clients with fewer cases have
empty places, which count 0, so that the result is that of the loop but for rounding.
(Over many rounds rounding can grow: it decides ties of max pooling, and on which side of zero a
ReLU is.)
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from course_lib.federated.client import (
    Client,
    LocalPlan,
    Pool,
    Step,
    Update,
    as_shares,
    schedule,
)
from course_lib.federated.objectives import Objective, plain
from course_lib.federated.rounds import FederatedPlan, History, federate
from course_lib.federated.weights import Weights, check_alike, weights_of

TOO_SPECIAL = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd, nn.RNNBase)


class Timetable(NamedTuple):
    """All steps of K clients, padded to the longest: S steps of at most B cases.

    batch: rows of all clients' cases put together (S, K, B); partner: rows to mix with (S, K, 1 or
    B), None without; counts: what each place counts in its batch's mean, 0 if empty (S, K, B).
    """

    batch: Tensor
    partner: Tensor | None
    counts: Tensor

    def active(self, step: int) -> Tensor:
        """1 for clients that still learn in this step, 0 for those that are ready (K,)."""
        return (self.counts[step].sum(1) > 0).to(self.counts.dtype)


def federate_vectorised(
    model: nn.Module,
    clients: Sequence[Client],
    plan: FederatedPlan,
    objective: Objective | None = None,
    **options: Any,
) -> History:
    """``rounds.federate`` with the clients of each round trained together; same options.

    Raises ValueError for networks with batch normalisation, dropout or recurrent layers: those
    keep or draw something per client, and belong into the loop.
    """
    return federate(model, clients, plan, objective, train=all_at_once, **options)


def all_at_once(
    model: nn.Module,
    weights: Weights,
    clients: Sequence[Client],
    plan: LocalPlan,
    objective: Objective | None,
    pool: Pool | None,
    seeds: Sequence[int],
) -> list[Update]:
    """What ``client.local_update`` gives for each client and seed, in one go."""
    objective = objective or plain()
    _check_model(model)
    check_alike(weights, weights_of(model))
    shares = [as_shares(client, model) for client in clients]
    inputs, targets = torch.cat([client.inputs for client in clients]), torch.cat(shares)
    losses = _losses(model, weights, inputs, targets, [client.cases for client in clients])
    steps = [
        schedule(client.cases, plan, objective, 0 if pool is None else len(pool.inputs), seed)
        for client, seed in zip(clients, seeds, strict=True)
    ]
    table = timetable(steps, [client.cases for client in clients], objective)
    partners = (inputs, targets) if objective.partner == "own" else pool
    learned = _train(model, weights, table, (inputs, targets), partners, plan, objective)
    return [
        Update(
            {name: learned[name][k].clone() for name in learned}, client.cases, loss, client.name
        )
        for k, (client, loss) in enumerate(zip(clients, losses, strict=True))
    ]


def timetable(
    steps: Sequence[Sequence[Step]], cases: Sequence[int], objective: Objective
) -> Timetable:
    """Put the clients' schedules side by side; client k's cases begin after those before it."""
    first = torch.tensor([0, *cases]).cumsum(0)[:-1].tolist()
    longest = max(len(of_client) for of_client in steps)
    widest = max(len(step.batch) for of_client in steps for step in of_client)
    batch = torch.zeros(longest, len(steps), widest, dtype=torch.long)
    counts = torch.zeros(longest, len(steps), widest)
    width = 1 if objective.partner == "averages" else widest
    partner = torch.zeros(longest, len(steps), width, dtype=torch.long)
    own = objective.partner == "own"
    for k, of_client in enumerate(steps):
        for s, step in enumerate(of_client):
            size = len(step.batch)
            batch[s, k, :size] = step.batch + first[k]
            counts[s, k, :size] = 1 / size
            partner[s, k, : len(step.partner)] = step.partner + (first[k] if own else 0)
    return Timetable(batch, None if objective.partner == "none" else partner, counts)


def _train(
    model: nn.Module,
    weights: Weights,
    table: Timetable,
    cases: tuple[Tensor, Tensor],
    partners: tuple[Tensor, Tensor] | Pool | None,
    plan: LocalPlan,
    objective: Objective,
) -> Weights:
    """All steps of all clients; returns the stack of their weights, each (K, ...)."""
    clients = table.batch.shape[1]
    fixed = {name: weights[name] for name, _ in model.named_buffers()}
    sent = {name: weights[name] for name, _ in model.named_parameters()}
    now = {name: value.expand(clients, *value.shape).clone() for name, value in sent.items()}
    p = None if table.partner is None else 0
    slopes = vmap(grad(_loss_of(model, fixed, objective)), in_dims=(0, 0, 0, p, p, 0))
    for s, batch in enumerate(table.batch):
        px, py = _picked(partners, None if table.partner is None else table.partner[s])
        gradient = slopes(now, cases[0][batch], cases[1][batch], px, py, table.counts[s])
        rate = plan.learning_rate * table.active(s)
        for name, value in now.items():
            slope = gradient[name]
            if plan.mu:
                slope = slope + plan.mu * (value - sent[name])
            now[name] = value - rate.reshape(-1, *[1] * (value.dim() - 1)) * slope
    buffers = {name: value.expand(clients, *value.shape) for name, value in fixed.items()}
    return {name: {**now, **buffers}[name] for name in weights}


def _loss_of(model: nn.Module, fixed: Weights, objective: Objective) -> Callable[..., Tensor]:
    """The batch's loss as a sum over its cases, each with its own count.

    Every objective of the course is a mean over cases, so one case at a time is enough.
    """

    def loss(
        w: Weights, x: Tensor, y: Tensor, px: Tensor | None, py: Tensor | None, counts: Tensor
    ) -> Tensor:
        def forward(inputs: Tensor) -> Tensor:
            return functional_call(model, {**w, **fixed}, (inputs,))

        def of_case(x: Tensor, y: Tensor, px: Tensor | None, py: Tensor | None) -> Tensor:
            single = [None if v is None else v[None] for v in (px, py)]
            return objective.loss(forward, x[None], y[None], *single)

        if px is not None and py is not None and len(px) == 1:
            px, py = px.expand(len(x), *px.shape[1:]), py.expand(len(x), *py.shape[1:])
        each = vmap(of_case, in_dims=(0, 0, None if px is None else 0, None if py is None else 0))
        return (each(x, y, px, py) * counts).sum()

    return loss


def _picked(
    partners: tuple[Tensor, Tensor] | Pool | None, rows: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    if rows is None or partners is None:
        return None, None
    return partners[0][rows], partners[1][rows]


@torch.no_grad()
def _losses(
    model: nn.Module, weights: Weights, inputs: Tensor, targets: Tensor, cases: Sequence[int]
) -> list[float]:
    """Mean cross-entropy of the weights that were sent, per client."""
    logits = functional_call(model, weights, (inputs,))
    each = F.cross_entropy(logits, targets, reduction="none")
    return [float(part.mean()) for part in each.split(list(cases))]


def _check_model(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, TOO_SPECIAL):
            raise ValueError(
                f"{type(module).__name__} keeps or draws something per client: "
                "train this network with federate(), one client after another."
            )
