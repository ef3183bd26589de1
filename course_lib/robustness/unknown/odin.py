"""ODIN: push a film a little towards its own answer; what is known moves further.

Liang, Li and Srikant, ICLR 2018, arXiv:1706.02690, equations 1 and 2.
"""

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

from course_lib.robustness.unknown.answers import max_softmax
from course_lib.robustness.unknown.inputs import Floats, positive

TEMPERATURE, EPSILON = 1000.0, 0.0014


def pushed(
    model: nn.Module, films: Tensor, temperature: float = TEMPERATURE, epsilon: float = EPSILON
) -> Tensor:
    """Films (N, C, H, W) after one step that raises the largest softmax probability.

    Every pixel moves by epsilon: x - epsilon * sign of the gradient of -log S(x; T). The grey
    values are not cut at 0 and 1, as in the paper. No gradient is left in the model.
    """
    positive("temperature", temperature)
    if not epsilon >= 0:
        raise ValueError(f"epsilon is the size of a step, 0 or more, not {epsilon}.")
    with torch.enable_grad():
        x = films.detach().clone().requires_grad_()
        logits = model(x) / temperature
        loss = functional.cross_entropy(logits, logits.argmax(1), reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
    return films.detach() - epsilon * gradient.sign()


def odin(
    model: nn.Module,
    films: Tensor | ArrayLike,
    temperature: float = TEMPERATURE,
    epsilon: float = EPSILON,
    batch: int = 250,
) -> Floats:
    """Minus the largest softmax probability at temperature T of the pushed films, (N,).

    films (N, C, H, W), floats. With T to infinity and epsilon 0 the ranking becomes that of the
    largest logit minus the mean logit. ValueError for other shapes, NaN, T <= 0 or epsilon < 0.
    """
    given = torch.as_tensor(films)
    if given.ndim != 4 or len(given) == 0 or not given.is_floating_point():
        raise ValueError(f"Films must be floats (N, C, H, W); this has shape {tuple(given.shape)}.")
    if not torch.isfinite(given).all():
        raise ValueError("A film holds NaN or infinity; look at what made it.")
    logits = []
    for part in given.split(batch):
        moved = pushed(model, part, temperature, epsilon)
        with torch.no_grad():
            logits.append(model(moved).double())
    return max_softmax(torch.cat(logits).numpy(), temperature)
