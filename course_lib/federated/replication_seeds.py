"""The same federation with many seeds at once: all networks of all seeds lie on one stack.

A comparison needs several seeds, and a small network is mostly waiting. Here every hospital has
equally many cases, so that all networks take each step together and no place stays empty. Choice of
clients, order of cases and partners are those of ``rounds.federate``; the results are the same but
for rounding, which a test holds it to.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, vmap

from course_lib.federated.client import Client, LocalPlan, Pool, as_shares, schedule
from course_lib.federated.objectives import Objective
from course_lib.federated.rounds import FederatedPlan, client_seed
from course_lib.federated.server import choose_clients
from course_lib.federated.weights import Weights

Row = tuple[int, NDArray[np.float64]]  # round, accuracy (seeds, classes)


class World(NamedTuple):
    """One seed's federation: who has which cases, the first weights, and what they mix with."""

    clients: Sequence[Client]
    weights: Weights
    pool: Pool | None
    seed: int


class Stack(NamedTuple):
    """Everything of S worlds with K clients of n cases each, side by side.

    inputs (S, K, n, ...); targets (S, K, n, C); pool as inputs (S, m, ...) and targets (S, m, C).
    """

    inputs: Tensor
    targets: Tensor
    pool: Pool | None


def federate_seeds(
    model: nn.Module,
    worlds: Sequence[World],
    plan: FederatedPlan,
    objective: Objective,
    test: Client,
    on_round: Callable[[Row], None] | None = None,
) -> tuple[list[Weights], NDArray[np.float64]]:
    """Run all worlds; returns their last weights and accuracies (rounds, seeds, classes).

    plan.seed is not used: every world has its own. The accuracy is that of each class of the test
    cases. Raises ValueError if not all clients have equally many cases, in whole batches.
    """
    stack = _stacked(model, worlds, plan.local)
    now = {name: torch.stack([w.weights[name] for w in worlds]) for name in worlds[0].weights}
    rows = []
    for number in range(1, plan.rounds + 1):
        chosen = [
            choose_clients(len(world.clients), plan.fraction, world.seed, number)
            for world in worlds
        ]
        now = _round(model, now, stack, worlds, chosen, number, plan.local, objective)
        rows.append(_accuracy(model, now, test))
        if on_round:
            on_round((number, rows[-1]))
    last = [{name: value[s].clone() for name, value in now.items()} for s in range(len(worlds))]
    return last, np.stack(rows)


def _round(
    model: nn.Module,
    weights: Weights,
    stack: Stack,
    worlds: Sequence[World],
    chosen: Sequence[Sequence[int]],
    number: int,
    plan: LocalPlan,
    objective: Objective,
) -> Weights:
    """One round of all worlds: (S, ...) weights to (S, ...) weights."""
    asked = len(chosen[0])
    world = torch.arange(len(worlds)).repeat_interleave(asked)  # of each network (N,)
    client = torch.tensor([k for of_world in chosen for k in of_world])
    m = 0 if stack.pool is None else stack.pool.inputs.shape[1]
    plans = [
        schedule(stack.inputs.shape[2], plan, objective, m, client_seed(one.seed, number, k))
        for one, of_world in zip(worlds, chosen, strict=True)
        for k in of_world
    ]
    sent = {name: value.repeat_interleave(asked, 0) for name, value in weights.items()}
    now = {name: value.clone().requires_grad_(True) for name, value in sent.items()}

    def forward(x: Tensor) -> Tensor:
        return vmap(lambda w, inputs: functional_call(model, w, (inputs,)))(now, x)

    for steps in zip(*plans, strict=True):
        batch = torch.stack([step.batch for step in steps])  # (N, B)
        who = (world[:, None], client[:, None])
        x, y = stack.inputs[(*who, batch)], stack.targets[(*who, batch)]
        partner = _partner(stack, objective, torch.stack([s.partner for s in steps]), *who)
        loss = objective.loss(forward, x, y, *partner) * len(steps)  # a sum over the networks
        _step(now, sent, torch.autograd.grad(loss, list(now.values())), plan)
    groups = {n: value.detach().unflatten(0, (len(worlds), asked)) for n, value in now.items()}
    # All clients have equally many cases: the plain mean is FedAvg's.
    return {n: value.double().mean(1).to(value.dtype) for n, value in groups.items()}


@torch.no_grad()
def _step(now: Weights, sent: Weights, gradient: Sequence[Tensor], plan: LocalPlan) -> None:
    for (name, value), slope in zip(now.items(), gradient, strict=True):
        if plan.mu:
            slope = slope + plan.mu * (value - sent[name])
        value -= plan.learning_rate * slope


def _partner(
    stack: Stack, objective: Objective, rows: Tensor, world: Tensor, client: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    if objective.partner == "none":
        return None, None
    if objective.partner == "own":
        return stack.inputs[world, client, rows], stack.targets[world, client, rows]
    if stack.pool is None:
        raise ValueError(f"{objective.name} mixes with {objective.partner}: give it a pool.")
    return stack.pool.inputs[world, rows], stack.pool.targets[world, rows]


def _stacked(model: nn.Module, worlds: Sequence[World], plan: LocalPlan) -> Stack:
    sizes = {client.cases for world in worlds for client in world.clients}
    size = min(sizes)
    if len(sizes) > 1 or len({len(w.clients) for w in worlds}) > 1:
        raise ValueError("On one stack all clients need equally many cases; use rounds.federate.")
    if size % (plan.batch_size or size):
        raise ValueError(f"{size} cases cannot be cut into whole batches of {plan.batch_size}.")
    inputs = torch.stack([torch.stack([c.inputs for c in w.clients]) for w in worlds])
    targets = torch.stack([torch.stack([as_shares(c, model) for c in w.clients]) for w in worlds])
    pools = [world.pool for world in worlds if world.pool is not None]
    if not pools:
        return Stack(inputs, targets, None)
    pool = Pool(torch.stack([p.inputs for p in pools]), torch.stack([p.targets for p in pools]))
    return Stack(inputs, targets, pool)


@torch.no_grad()
def _accuracy(model: nn.Module, weights: Weights, test: Client) -> NDArray[np.float64]:
    """Share right of each class's test cases (S, C)."""
    logits = vmap(lambda w: functional_call(model, w, (test.inputs,)))(weights)  # (S, T, C)
    right = (logits.argmax(2) == test.targets).double()
    classes = [right[:, test.targets == c].mean(1) for c in range(logits.shape[2])]
    return torch.stack(classes, 1).numpy()
