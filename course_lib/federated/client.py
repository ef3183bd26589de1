"""What a hospital does with the weights it was sent. Nothing here changes what it was given."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.federated.objectives import Objective, plain
from course_lib.federated.weights import Weights, weights_of


class Client(NamedTuple):
    """A hospital's own cases, which never leave it.

    inputs: (n, ...) as the network takes them. targets: class numbers (n,), or shares of the
    classes (n, K).
    """

    name: str
    inputs: Tensor
    targets: Tensor

    @property
    def cases(self) -> int:
        """How many cases it has."""
        return len(self.inputs)


class Pool(NamedTuple):
    """Cases to mix with: inputs (m, ...) and their labels as shares of the classes (m, K)."""

    inputs: Tensor
    targets: Tensor


@dataclass(frozen=True)
class LocalPlan:
    """How a client learns between two messages.

    epochs: passes over its own cases (E in the papers); batch_size: cases per step, None for all;
    mu: strength of FedProx's pull back to the weights it was sent (0: none, which is FedAvg).
    """

    epochs: int = 1
    batch_size: int | None = 10
    learning_rate: float = 0.05
    mu: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1 or (self.batch_size is not None and self.batch_size < 1):
            raise ValueError("A client needs at least one epoch and one case per batch.")
        if not self.learning_rate > 0 or self.mu < 0:
            raise ValueError("The learning rate must be above 0 and mu not below 0.")


class Update(NamedTuple):
    """A client's answer.

    weights: after its training. cases: how many it learned from (N_k). loss: mean loss of the
    weights it was sent, on its own cases.
    """

    weights: Weights
    cases: int
    loss: float
    name: str = ""


class Step(NamedTuple):
    """One step: which of the client's cases, and which partners to mix with."""

    batch: Tensor
    partner: Tensor


def fedsgd_plan(learning_rate: float, mu: float = 0.0) -> LocalPlan:
    """One step with all cases: its average over the clients is FedSGD."""
    return LocalPlan(epochs=1, batch_size=None, learning_rate=learning_rate, mu=mu)


def schedule(
    cases: int, plan: LocalPlan, objective: Objective, pool_size: int, seed: int
) -> list[Step]:
    """Everything that chance decides in a client's training, drawn beforehand.

    Each epoch shows every case once in a new order. Partners are drawn as the objective says: one
    average per batch (algorithm 2 of FedMix), else one case per case.
    """
    random = np.random.default_rng(seed)
    size = plan.batch_size or cases
    steps = []
    for _ in range(plan.epochs):
        order = random.permutation(cases)
        for start in range(0, cases, size):
            batch = order[start : start + size]
            partner = _partners(objective, len(batch), cases, pool_size, random)
            steps.append(Step(torch.from_numpy(batch), torch.from_numpy(partner)))
    return steps


def local_update(
    model: nn.Module,
    weights: Weights,
    client: Client,
    plan: LocalPlan,
    objective: Objective | None = None,
    pool: Pool | None = None,
    seed: int = 0,
) -> Update:
    """Train a copy of the model on the client's cases, beginning with ``weights``.

    model gives the architecture only. mu > 0 adds mu/2 |w - w_t|^2 (FedProx, Li 2020,
    arXiv:1812.06127). Same seed, same bits. Raises ValueError for weights of another network, a
    client without cases, or an objective that needs a pool when there is none.
    """
    objective = objective or plain()
    net = _with_weights(model, weights)
    sent = [parameter.detach().clone() for parameter in net.parameters()]
    targets = as_shares(client, net)
    before = mean_loss(net, client.inputs, targets)
    optimiser = torch.optim.SGD(net.parameters(), lr=plan.learning_rate)
    net.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # for dropout, where a network has it
        for step in schedule(client.cases, plan, objective, _size(pool), seed):
            partner = partners_of(step, objective, client.inputs, targets, pool)
            x, y = client.inputs[step.batch], targets[step.batch]
            loss = objective.loss(net, x, y, *partner)
            if plan.mu:
                loss = loss + plan.mu / 2 * _pull(net, sent)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return Update(weights_of(net), client.cases, before, client.name)


def local_gradient(
    model: nn.Module, weights: Weights, client: Client, objective: Objective | None = None
) -> Weights:
    """The gradient of the mean loss over all cases of a client: what FedSGD sends."""
    objective = objective or plain()
    net = _with_weights(model, weights).train()
    targets = as_shares(client, net)
    objective.loss(net, client.inputs, targets, None, None).backward()
    return {
        name: p.grad.detach().clone() for name, p in net.named_parameters() if p.grad is not None
    }


@torch.no_grad()
def mean_loss(net: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Mean cross-entropy at rest; targets (n, K) are shares of the classes."""
    net.eval()
    return float(F.cross_entropy(net(inputs), targets))


@torch.no_grad()
def accuracy(model: nn.Module, weights: Weights, client: Client) -> float:
    """Share of cases whose largest output is the right class."""
    net = _with_weights(model, weights).eval()
    truth = client.targets if client.targets.dim() == 1 else client.targets.argmax(1)
    return float((net(client.inputs).argmax(1) == truth).double().mean())


def as_shares(client: Client, net: nn.Module) -> Tensor:
    """A client's targets as float (n, K); K is the number of the network's outputs."""
    if client.cases == 0 or len(client.targets) != client.cases:
        raise ValueError(
            f"Client {client.name!r} has {client.cases} inputs and {len(client.targets)} targets; "
            "it needs as many of both, and at least one."
        )
    if client.targets.dim() == 2:
        return client.targets
    learning = net.training
    with torch.no_grad():  # at rest: no dropout is drawn, no running mean is moved
        outputs = net.eval()(client.inputs[:1])
    net.train(learning)
    return F.one_hot(client.targets.long(), outputs.shape[1]).to(outputs.dtype)


def partners_of(
    step: Step, objective: Objective, inputs: Tensor, targets: Tensor, pool: Pool | None
) -> tuple[Tensor | None, Tensor | None]:
    """The cases to mix with in one step, or two Nones."""
    if objective.partner == "none":
        return None, None
    if objective.partner == "own":
        return inputs[step.partner], targets[step.partner]
    if pool is None:
        raise ValueError(f"{objective.name} mixes with {objective.partner}: give it a pool.")
    return pool.inputs[step.partner], pool.targets[step.partner]


def _partners(
    objective: Objective, batch: int, cases: int, pool_size: int, random: np.random.Generator
) -> np.ndarray:
    if objective.partner == "none":
        return np.empty(0, dtype=np.int64)
    if objective.partner == "own":
        return random.integers(0, cases, batch)
    if pool_size < 1:
        raise ValueError(f"{objective.name} mixes with {objective.partner}: give it a pool.")
    return random.integers(0, pool_size, 1 if objective.partner == "averages" else batch)


def _size(pool: Pool | None) -> int:
    return 0 if pool is None else len(pool.inputs)


def _pull(net: nn.Module, sent: Sequence[Tensor]) -> Tensor:
    """|w - w_t|^2."""
    gaps = [(now - then).square().sum() for now, then in zip(net.parameters(), sent, strict=True)]
    return torch.stack(gaps).sum()


def _with_weights(model: nn.Module, weights: Weights) -> nn.Module:
    net = copy.deepcopy(model)
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"These weights belong to another network: {error}") from None
    return net.requires_grad_(True)
