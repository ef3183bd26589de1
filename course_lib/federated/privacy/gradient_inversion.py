"""A film back from what a hospital sends after one step: its gradient.

Three attacks. In closed form where a linear layer sees the film itself (Phong 2018); the label from
the sign of the last bias's gradient (iDLG, Zhao 2020, arXiv:2001.02610); and for any smooth network
by looking for a film that gives the same gradient: squared distance (DLG, Zhu 2019,
arXiv:1906.08935), or angle and smoothness (Geiping 2020, arXiv:2003.14053).
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from course_lib.federated.objectives import soft_cross_entropy
from course_lib.federated.weights import Weights


def smooth_network(classes: int, side: int, seed: int, channels: int = 12) -> nn.Sequential:
    """A network without kinks: two convolutions with sigmoids and a linear layer.

    (B, 1, side, side), side divisible by 4 -> (B, classes). Weights are drawn evenly from -0.5 to
    0.5 as in DLG: with the usual small ones sigmoids hardly answer, and the search finds no slope.
    """
    if side < 8 or side % 4:
        raise ValueError(f"Films need a side of 8, 12, 16, ... pixels, not {side}.")
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, channels, 5, stride=2, padding=2), nn.Sigmoid(),
        nn.Conv2d(channels, channels, 5, stride=2, padding=2), nn.Sigmoid(),
        nn.Flatten(), nn.Linear(channels * (side // 4) ** 2, classes),
    )  # fmt: skip
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    return net


def inputs_of_first_layer(weight_gradient: Tensor, bias_gradient: Tensor) -> Tensor:
    """For each unit of a first linear layer (U, D) the input it learned from: (dL/dW) / (dL/db).

    A unit's gradients are sum_i d_i x_i and sum_i d_i over the batch: with one film every row is
    that film, with more it is a mixture. Rows of units that learned nothing are NaN.
    """
    if weight_gradient.dim() != 2 or bias_gradient.shape != weight_gradient.shape[:1]:
        raise ValueError(
            f"Gradients (U, D) and (U,) are needed, not {tuple(weight_gradient.shape)} "
            f"and {tuple(bias_gradient.shape)}."
        )
    shares = bias_gradient[:, None]
    return torch.where(shares.abs() > 0, weight_gradient / shares, torch.nan)


def label_from_bias(bias_gradient: Tensor) -> int:
    """The label of a single case: the only output whose bias has a negative gradient.

    With cross-entropy the gradient of the last bias is p_k - y_k: below 0 for the true class only.
    Raises ValueError if not exactly one is negative, as happens with several cases.
    """
    negative = torch.nonzero(bias_gradient < 0).flatten()
    if len(negative) != 1:
        raise ValueError(f"{len(negative)} entries are negative: this is not one case's gradient.")
    return int(negative[0])


def update_as_gradient(
    before: Weights, after: Weights, learning_rate: float, steps: int
) -> Weights:
    """What an attacker takes for the gradient when a client has made several steps."""
    if steps < 1 or not learning_rate > 0:
        raise ValueError("A client makes at least one step, at a learning rate above 0.")
    return {name: (before[name] - after[name]) / (learning_rate * steps) for name in before}


@dataclass(frozen=True)
class Search:
    """How to look for the films.

    match: "squared" distance of the gradients, or their "angle". smooth: weight of total variation,
    the mean step from pixel to pixel. steps: of L-BFGS, 20 looks each.
    """

    match: Literal["squared", "angle"] = "squared"
    smooth: float = 0.0
    steps: int = 60
    seed: int = 0


class Found(NamedTuple):
    """films (B, ...) in 0..1, and how far their gradient is from the one that was sent, by step."""

    films: Tensor
    misfit: list[float]


def invert(
    model: nn.Module,
    weights: Weights,
    gradient: Weights,
    labels: Tensor,
    shape: Sequence[int],
    search: Search | None = None,
    on_step: Callable[[int, Tensor], None] | None = None,
) -> Found:
    """Films (B, *shape) with the given class shares (B, K) whose gradient is like ``gradient``.

    weights: what the client was sent. on_step(step, films): to watch.
    """
    search = search or Search()
    net = copy.deepcopy(model)
    net.load_state_dict(weights)
    wanted = [gradient[name].detach() for name, _ in net.named_parameters()]
    random = torch.Generator().manual_seed(search.seed)
    films = (0.5 + 0.1 * torch.randn(len(labels), *shape, generator=random)).requires_grad_(True)
    optimiser = torch.optim.LBFGS([films], max_iter=20, line_search_fn="strong_wolfe")
    misfit: list[float] = []

    def look() -> Tensor:
        optimiser.zero_grad()
        loss = soft_cross_entropy(net(films), labels)
        made = torch.autograd.grad(loss, list(net.parameters()), create_graph=True)
        gap = _gap(made, wanted, search.match) + search.smooth * total_variation(films)
        gap.backward(inputs=[films])
        return gap

    for step in range(search.steps):
        misfit.append(float(optimiser.step(look).detach()))  # type: ignore[arg-type]
        if on_step:
            on_step(step, films.detach().clamp(0, 1))
    return Found(films.detach().clamp(0, 1), misfit)


def total_variation(films: Tensor) -> Tensor:
    """Mean absolute step between neighbouring pixels of films (..., H, W)."""
    down = (films[..., 1:, :] - films[..., :-1, :]).abs().mean()
    return down + (films[..., :, 1:] - films[..., :, :-1]).abs().mean()


def matched(found: ArrayLike | Tensor, true: ArrayLike | Tensor) -> tuple[Tensor, NDArray]:
    """The found films in the order of the true ones they fit best, and each one's correlation.

    A batch's gradient does not say in which order its films came. Both are (B, ...).
    """
    a, b = torch.as_tensor(found), torch.as_tensor(true)
    if a.shape != b.shape:
        raise ValueError(f"{tuple(a.shape)} found films do not match {tuple(b.shape)} true ones.")
    table = np.array([[correlation(x, y) for x in a] for y in b])
    _, order = linear_sum_assignment(-table)
    return a[torch.from_numpy(order)], table[np.arange(len(table)), order]


def correlation(a: ArrayLike | Tensor, b: ArrayLike | Tensor) -> float:
    """Pearson's correlation of two films, 0 where one of them is flat."""
    x, y = (np.asarray(film, dtype=float).ravel() for film in (a, b))
    x, y = x - x.mean(), y - y.mean()
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0


def _gap(made: Sequence[Tensor], wanted: Sequence[Tensor], match: str) -> Tensor:
    if match == "squared":
        return torch.stack(
            [(m - w).square().sum() for m, w in zip(made, wanted, strict=True)]
        ).sum()
    a = torch.cat([m.reshape(-1) for m in made])
    b = torch.cat([w.reshape(-1) for w in wanted])
    return 1 - a @ b / (a.norm() * b.norm())
