"""How far an attack reaches: accuracy against eps with intervals, and from network to network.

    accuracy_curve(model, films, truth, (0, 0.5 / 255, 1 / 255))
    transfer_table({"member 0": ..., "residual net": ...}, films, truth, eps=1 / 255)

Transfer: Papernot et al., arXiv:1605.07277. One noise for all films: Moosavi-Dezfooli et al.,
arXiv:1610.08401, here by plain projected ascent on the mean loss.
"""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from course_lib.evaluation.intervals import wilson
from course_lib.robustness.attacks import (
    BATCH,
    Model,
    checked_films,
    checked_truth,
    cross_entropy,
    pgd,
    predicted,
)

Attack = Callable[[Model, Tensor, Tensor, float], Tensor]  # model, films, truth, eps -> films


def accuracy_curve(
    model: Model,
    films: Tensor,
    truth: ArrayLike | Tensor,
    eps: Sequence[float],
    attack: Attack = pgd,
) -> pd.DataFrame:
    """Accuracy under attack: a row per eps with accuracy, low, high (Wilson, 95 %) and films."""
    truth = checked_truth(truth, films)
    rows = []
    for size in eps:
        right = int((predicted(model, attack(model, films, truth, size)) == truth).sum())
        low, high = wilson(right, len(films))
        rows.append((size, right / len(films), low, high, len(films)))
    return pd.DataFrame(rows, columns=["eps", "accuracy", "low", "high", "films"])


def transfer_table(
    models: Mapping[str, Model],
    films: Tensor,
    truth: ArrayLike | Tensor,
    eps: float,
    attack: Attack = pgd,
) -> pd.DataFrame:
    """Accuracy of every network (columns) on films attacked for every network (rows).

    The first row, "nobody", is without attack. On the diagonal the attacker knows the network.
    """
    truth = checked_truth(truth, films)
    made = {"nobody": films}
    made |= {name: attack(model, films, truth, eps) for name, model in models.items()}
    rows = {
        source: {
            name: float((predicted(model, changed) == truth).float().mean())
            for name, model in models.items()
        }
        for source, changed in made.items()
    }
    return pd.DataFrame(rows).T.rename_axis(index="attacked for", columns="read by")


def universal_noise(
    model: Model,
    films: Tensor,
    truth: ArrayLike | Tensor,
    eps: float,
    steps: int = 10,
    seed: int = 0,
) -> Tensor:
    """One noise (1, C, H, W) within eps that raises the mean loss of all these films."""
    films, truth = checked_films(films), checked_truth(truth, films)
    random = torch.Generator().manual_seed(seed)
    noise = eps * (2 * torch.rand((1, *films.shape[1:]), generator=random) - 1)
    loss = cross_entropy(model)
    for _ in range(steps):
        gradient = torch.zeros_like(noise)
        for part, classes in zip(films.split(BATCH), truth.split(BATCH), strict=True):
            moved = noise.clone().requires_grad_()
            (each,) = torch.autograd.grad(loss((part + moved).clamp(0, 1), classes).sum(), moved)
            gradient += each
        noise = (noise + 2.5 * eps / steps * gradient.sign()).clamp(-eps, eps)
    return noise
