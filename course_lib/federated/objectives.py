"""What a client minimises: the loss of its own films, or a mix with what it may know of others.

Every loss is called as loss(forward, x, y, partner_x, partner_y): forward maps inputs to logits, x
(B, ...) are the client's own inputs, y (B, K) their labels as shares of each class, and the partner
is another case per case, or one for the whole batch (first axis 1). It returns the batch's mean.

Sources: mixup, Zhang 2018 (arXiv:1710.09412); MAFL, NaiveMix and FedMix, Yoon 2021
(arXiv:2107.00233), as shown in the workshop of 2021 (slides 14-22).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Forward = Callable[[Tensor], Tensor]
Loss = Callable[[Forward, Tensor, Tensor, Tensor | None, Tensor | None], Tensor]
Partner = Literal["none", "own", "averages", "everyone"]


class Objective(NamedTuple):
    """A loss, and where the partners come from that it mixes with.

    partner: "none"; "own": other cases of the same client; "averages": the exchanged averages, one
    per batch; "everyone": single cases of all clients, which no hospital may see.
    """

    name: str
    loss: Loss
    partner: Partner = "none"
    lam: float = 0.0


def soft_cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Mean of -sum_k y_k log softmax(z)_k over the batch; logits z and labels y (B, K)."""
    return -(y * logits.log_softmax(-1)).sum(-1).mean()


def plain() -> Objective:
    """Cross-entropy of the client's own cases: FedSGD, FedAvg, FedProx."""
    return Objective("plain", lambda forward, x, y, *_: soft_cross_entropy(forward(x), y))


def local_mix(lam: float) -> Objective:
    """Mixup with other cases of the same client."""
    return Objective("LocalMix", _mixed_inputs(lam), "own", _checked(lam))


def global_mix(lam: float) -> Objective:
    """Mixup with cases of all clients: the ideal that privacy forbids."""
    return Objective("GlobalMix", _mixed_inputs(lam), "everyone", _checked(lam))


def naive_mix(lam: float) -> Objective:
    """Mixup with an average of M_k cases of some client."""
    return Objective("NaiveMix", _mixed_inputs(lam), "averages", _checked(lam))


def fedmix(lam: float, taylor: bool = True) -> Objective:
    """The first-order approximation of GlobalMix from averages alone.

    taylor: False leaves out the third term, and with it everything but a smaller input and softer
    labels.
    """
    name = "FedMix" if taylor else "FedMix without Taylor"
    return Objective(name, _fedmix_loss(_checked(lam), taylor), "averages", lam)


def _mixed_inputs(lam: float) -> Loss:
    def loss(
        forward: Forward, x: Tensor, y: Tensor, px: Tensor | None, py: Tensor | None
    ) -> Tensor:
        px, py = _needed(px), _needed(py)
        logits = forward((1 - lam) * x + lam * px)
        return soft_cross_entropy(logits, (1 - lam) * y + lam * py)

    return loss


def _fedmix_loss(lam: float, taylor: bool) -> Loss:
    def loss(
        forward: Forward, x: Tensor, y: Tensor, px: Tensor | None, py: Tensor | None
    ) -> Tensor:
        px, py = _needed(px), _needed(py)
        small = (1 - lam) * x
        if not taylor or lam == 0:
            return _soft_labels(forward(small), y, py, lam)
        # How the logits move when the input moves towards the average: forward mode, one pass.
        logits, moves = torch.func.jvp(forward, (small,), (px.expand_as(x),))  # type: ignore[misc]
        slope = ((logits.softmax(-1) - y) * moves).sum(-1).mean()
        return _soft_labels(logits, y, py, lam) + lam * (1 - lam) * slope

    return loss


def _soft_labels(logits: Tensor, y: Tensor, py: Tensor, lam: float) -> Tensor:
    own = soft_cross_entropy(logits, y)
    return (1 - lam) * own + lam * soft_cross_entropy(logits, py.expand_as(y))


def _needed(value: Tensor | None) -> Tensor:
    if value is None:
        raise ValueError("This objective mixes with partners: give federate() a pool of them.")
    return value


def _checked(lam: float) -> float:
    if not 0 <= lam <= 1:
        raise ValueError(f"lambda is a share between 0 and 1, not {lam}.")
    return lam
