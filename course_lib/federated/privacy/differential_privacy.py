"""Clip, then add noise: whatever one patient, or one hospital, contributed drowns in it.

Two promises. ``private_training``: what a hospital sends looks nearly the same with and without any
one of its patients (DP-SGD, Abadi 2016, arXiv:1607.00133). ``dp_fedavg``: the next weights look
nearly the same with and without any one hospital (McMahan 2018, arXiv:1710.06963), if the server is
trusted. How nearly: ``accountant.epsilon``.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from course_lib.federated.client import Client, LocalPlan, Pool, Update, as_shares
from course_lib.federated.objectives import Objective, soft_cross_entropy
from course_lib.federated.rounds import Train
from course_lib.federated.server import Aggregate, State
from course_lib.federated.weights import (
    Weights,
    as_vector,
    average,
    difference,
    from_vector,
    plus,
)  # fmt: skip


def per_case_gradients(model: nn.Module, weights: Weights, x: Tensor, y: Tensor) -> Weights:
    """The gradient of each case's own loss: name -> (B, ...); x (B, ...), y (B, K).

    All at once: vmap runs the gradient of one case over the batch. Not for batch normalisation,
    where a case has no loss of its own.
    """
    learned = {name: weights[name] for name, _ in model.named_parameters()}
    fixed = {name: value for name, value in weights.items() if name not in learned}

    def loss(learned: Weights, one: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(model, {**fixed, **learned}, (one[None],))
        return soft_cross_entropy(logits, label[None])

    return vmap(grad(loss), in_dims=(None, 0, 0))(learned, x, y)


def clipped_sum(gradients: Weights, clip: float) -> Weights:
    """The sum over the cases after each gradient longer than ``clip`` was shortened to it."""
    if not clip > 0:
        raise ValueError(f"The clipping norm must be above 0, not {clip}.")
    squares = [value.flatten(1).square().sum(1) for value in gradients.values()]
    lengths = torch.stack(squares).sum(0).sqrt()
    factors = (clip / lengths.clamp(min=1e-12)).clamp(max=1)
    return {name: torch.tensordot(factors, value, 1) for name, value in gradients.items()}


def noisy(weights: Weights, deviation: float, random: torch.Generator) -> Weights:
    """Each number plus a normal one of this standard deviation."""
    vector = as_vector(weights)
    return from_vector(vector + deviation * torch.randn(len(vector), generator=random), weights)


def private_step(
    model: nn.Module,
    weights: Weights,
    x: Tensor,
    y: Tensor,
    clip: float,
    noise: float,
    batch_size: float,
    learning_rate: float,
    random: torch.Generator,
) -> Weights:
    """One step of DP-SGD. x may be empty: sampling by chance sometimes draws nobody.

    noise: in units of clip; batch_size: the expected one, because the true one would tell
    something.
    """
    total = clipped_sum(per_case_gradients(model, weights, x, y), clip) if len(x) else _zeros(
        model, weights
    )  # fmt: skip
    told = noisy(total, noise * clip, random)
    return {**weights, **plus({k: weights[k] for k in told}, told, -learning_rate / batch_size)}


def private_training(clip: float, noise: float) -> Train:
    """Local training with DP-SGD, for ``federate(train=...)``.

    A step draws every case with the chance B / N_k. After R rounds of E epochs a hospital has made
    ``private_steps`` steps at this rate; that is what the accountant needs. The loss that a client
    reports would need noise of its own, so 0 is sent instead.
    """

    def train(
        model: nn.Module,
        weights: Weights,
        clients: Sequence[Client],
        plan: LocalPlan,
        objective: Objective,
        pool: Pool | None,
        seeds: Sequence[int],
    ) -> Iterable[Update]:
        if objective.partner != "none" or plan.mu:
            raise ValueError("Private training is for the plain objective, without mu.")
        for client, seed in zip(clients, seeds, strict=True):
            yield _private_update(model, weights, client, plan, clip, noise, seed)

    return train


def private_steps(cases: int, plan: LocalPlan, rounds: int) -> tuple[float, int]:
    """Rate and number of a client's steps in all rounds: (B / N_k, R * E * round(N_k / B))."""
    size = min(plan.batch_size or cases, cases)
    return size / cases, rounds * plan.epochs * max(1, round(cases / size))


def dp_fedavg(clip: float, noise: float, seed: int) -> Aggregate:
    """FedAvg that hides whole hospitals: clip each one's step, average, add noise.

    Every hospital counts the same, and the noise of the mean over K of them has the standard
    deviation noise * clip / K. One round is one step of the accountant at the rate 1 (or the
    fraction of hospitals asked). state["noised"] counts the rounds, so that no noise comes twice.
    """
    if not clip > 0 or noise < 0:
        raise ValueError("The clipping norm must be above 0 and the noise not below 0.")

    def aggregate(
        weights: Weights, updates: Sequence[Update], state: State
    ) -> tuple[Weights, State]:
        done = int(state.get("noised", 0))
        count = len(updates)
        steps = [clipped(difference(update.weights, weights), clip) for update in updates]
        mean = average(steps, [1 / count] * count)
        random = torch.Generator().manual_seed(1_000_003 * seed + done)
        told = noisy(mean, noise * clip / count, random)
        return plus(weights, told), {**state, "noised": done + 1}

    return aggregate


def clipped(step: Weights, clip: float) -> Weights:
    """A step, shortened to the length ``clip`` if it is longer."""
    length = float(as_vector(step).double().norm())
    factor = min(1.0, clip / length) if length > 0 else 1.0
    return {name: (factor * value).to(value.dtype) for name, value in step.items()}


def _private_update(
    model: nn.Module,
    weights: Weights,
    client: Client,
    plan: LocalPlan,
    clip: float,
    noise: float,
    seed: int,
) -> Update:
    random = torch.Generator().manual_seed(seed)
    targets = as_shares(client, model)
    rate, steps = private_steps(client.cases, plan, 1)
    for _ in range(steps):
        drawn = torch.rand(client.cases, generator=random) < rate
        x, y = client.inputs[drawn], targets[drawn]
        weights = private_step(
            model, weights, x, y, clip, noise, rate * client.cases, plan.learning_rate, random
        )
    return Update(weights, client.cases, 0.0, client.name)


def _zeros(model: nn.Module, weights: Weights) -> Weights:
    return {name: torch.zeros_like(weights[name]) for name, _ in model.named_parameters()}
