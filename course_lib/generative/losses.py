"""What the two players of a generative adversarial network minimise.

Every loss is a function of the critic's outputs (logits) for real and for generated examples.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus


class GanLoss(NamedTuple):
    """critic(real, fake) and generator(fake): scores (B,) to what each player minimises."""

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), with D the sigmoid of the score."""
    return softplus(-real).mean() + softplus(fake).mean()


def _least_squares(real: Tensor, fake: Tensor) -> Tensor:
    return ((real - 1).square().mean() + fake.square().mean()) / 2


# minimax and non-saturating: Goodfellow et al., arXiv:1406.2661, eq. 1 and section 3. The critic is
# the same; where it is sure of a fake, log(1 - D) is flat and -log D is steep.
# least squares: Mao et al., arXiv:1611.04076. wasserstein: Arjovsky et al., arXiv:1701.07875.
LOSSES: dict[str, GanLoss] = {
    "minimax": GanLoss(_cross_entropy, lambda fake: -softplus(fake).mean()),
    "non-saturating": GanLoss(_cross_entropy, lambda fake: softplus(-fake).mean()),
    "least squares": GanLoss(_least_squares, lambda fake: (fake - 1).square().mean() / 2),
    "wasserstein": GanLoss(lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean()),
}

Score = Callable[[Tensor], Tensor]


def gradient_penalty(
    critic: Score, real: Tensor, fake: Tensor, mix: Tensor, target: float = 1.0
) -> Tensor:
    """How far the critic's slope is from `target` between real and generated examples.

    mean of (|gradient| - target)^2 / target^2 at the points real + mix (fake - real), with the norm
    over all numbers of an example. Gulrajani et al., arXiv:1704.00028, eq. 3; the division by
    target^2 is that of arXiv:1710.10196, appendix A.

    mix: (B,) numbers drawn from 0..1. Raises ValueError if the three differ in length.
    """
    if not len(real) == len(fake) == len(mix):
        raise ValueError(
            f"{len(real)} real, {len(fake)} generated examples and {len(mix)} mixing numbers: "
            "the penalty needs as many of each."
        )
    mix = mix.view(-1, *[1] * (real.dim() - 1)).to(real)
    between = torch.lerp(real.detach(), fake.detach().to(real), mix).requires_grad_()
    norm = _slopes(critic, between).flatten(1).norm(dim=1)
    return ((norm - target) / target).square().mean()


def r1_penalty(critic: Score, real: Tensor) -> Tensor:
    """Mean squared gradient of the critic at real examples, halved.

    Mescheder et al., arXiv:1801.04406, eq. 9 (without gamma).
    """
    slopes = _slopes(critic, real.detach().clone().requires_grad_())
    return slopes.flatten(1).square().sum(1).mean() / 2


def drift(real: Tensor) -> Tensor:
    """Mean squared score of real examples: keeps a Wasserstein critic from drifting away from 0.

    arXiv:1710.10196, appendix A (there times 0.001).
    """
    return real.square().mean()


def _slopes(critic: Score, points: Tensor) -> Tensor:
    """Gradients of the scores at the points; they can themselves be differentiated."""
    (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return slopes.float()
