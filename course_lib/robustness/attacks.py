"""Films that were changed so little that nobody sees it, and so cleverly that the network errs.

Training changes the weights so that the loss falls. An attack changes the *film* so that the loss
rises, and stays within a ball around the original: no pixel moves by more than eps ("linf"), or the
changes have a length of at most eps ("l2").

    attacked = fgsm(model, films, truth, eps=2 / 255)        # one step
    attacked = pgd(model, films, truth, eps=2 / 255)         # many steps

Sources: FGSM, Goodfellow et al., arXiv:1412.6572, section 4; PGD, Madry et al., arXiv:1706.06083,
equation (4); margin loss, Carlini and Wagner, arXiv:1608.04644, f6.
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

Model = Callable[[Tensor], Tensor]  # films (N, C, H, W) in 0..1 -> logits (N, K)
Objective = Callable[[Tensor, Tensor], Tensor]  # films and their classes -> (N,), to be raised
Norm = Literal["linf", "l2"]
BATCH = 50  # films at a time: more only needs more memory
_TINY = 1e-10  # keeps a gradient of zero from dividing by zero


def fgsm(
    model: Model, films: Tensor, truth: ArrayLike | Tensor, eps: float, targeted: bool = False
) -> Tensor:
    """Fast gradient sign method: every pixel moves by eps, up or down, whichever hurts more.

    films (N, C, H, W) in 0..1; truth (N,) class numbers; eps in grey values, for instance 2/255.
    targeted: truth names the wanted answers instead, and the loss is lowered. Returns films of the
    same shape in 0..1. Raises ValueError for films, classes or an eps that cannot be, and for a
    network in training mode.
    """
    return ascend(_goal(model, targeted), films, truth, eps, steps=1, step_size=eps)


def pgd(
    model: Model,
    films: Tensor,
    truth: ArrayLike | Tensor,
    eps: float,
    norm: Norm = "linf",
    steps: int = 10,
    step_size: float | None = None,
    seed: int | None = None,
    targeted: bool = False,
) -> Tensor:
    """Projected gradient descent: small steps uphill, and back into the ball after each.

    norm: "linf", or "l2" with eps the length of all changes of a film together. step_size: 2.5 eps
    / steps when omitted, so that every point of the ball can be reached. seed: start at a random
    point of the ball; None starts at the film itself. Otherwise as ``fgsm``.
    """
    return ascend(_goal(model, targeted), films, truth, eps, norm, steps, step_size, seed)


def strongest(
    model: Model,
    films: Tensor,
    truth: ArrayLike | Tensor,
    eps: float,
    norm: Norm = "linf",
    steps: int = 20,
    restarts: int = 3,
    seed: int = 0,
) -> Tensor:
    """What a patient attacker does: several random starts and two losses, best result per film.

    Cross-entropy first, then the margin, which still has a gradient where the softmax is so sure
    that cross-entropy has none. A film that is already misread is not attacked again.
    """
    attacked, truth = films.clone(), checked_truth(truth, films)
    left = torch.arange(len(films))
    for start in range(restarts):
        for goal in (cross_entropy(model), margin(model)):
            left = left[predicted(model, attacked[left]) == truth[left]]
            if len(left) == 0:
                return attacked
            attacked[left] = ascend(
                goal, films[left], truth[left], eps, norm, steps, None, seed + start
            )
    return attacked


def ascend(
    objective: Objective,
    films: Tensor,
    truth: ArrayLike | Tensor,
    eps: float,
    norm: Norm = "linf",
    steps: int = 10,
    step_size: float | None = None,
    seed: int | None = None,
) -> Tensor:
    """Raise any objective within a ball around the films; all attacks above are this function.

    An attacker who knows a defence writes the defence into the objective. Every film is changed as
    if it were alone, so the result does not depend on its company (but for rounding).
    """
    films, truth = checked_films(films), checked_truth(truth, films)
    if norm not in get_args(Norm):
        raise ValueError(f"The norm must be one of {', '.join(get_args(Norm))}, not {norm!r}.")
    if not 0 <= eps < float("inf"):
        raise ValueError(f"eps is how far a film may be changed, 0 or more; it is {eps}.")
    if steps < 1:
        raise ValueError(f"An attack takes at least one step, not {steps}.")
    size = 2.5 * eps / steps if step_size is None else step_size
    start = _random_start(films, eps, norm, seed)
    parts = zip(films.split(BATCH), start.split(BATCH), truth.split(BATCH), strict=True)
    return torch.cat(
        [_climb(objective, part, at, which, eps, norm, steps, size) for part, at, which in parts]
    )


def _climb(
    objective: Objective,
    films: Tensor,
    start: Tensor,
    truth: Tensor,
    eps: float,
    norm: Norm,
    steps: int,
    size: float,
) -> Tensor:
    """The loop of PGD for one batch."""
    attacked = start
    for _ in range(steps):
        attacked = attacked.detach().requires_grad_()
        with torch.enable_grad():  # also while a training loop only measures
            (gradient,) = torch.autograd.grad(objective(attacked, truth).sum(), attacked)
        with torch.no_grad():
            moved = attacked + size * steepest(gradient, norm)
            attacked = (films + within_ball(moved - films, eps, norm)).clamp(0, 1)
    return attacked.detach()


def steepest(gradient: Tensor, norm: Norm = "linf") -> Tensor:
    """The step of size 1 that climbs most: the sign ("linf") or the direction ("l2")."""
    if norm == "linf":
        return gradient.sign()
    return gradient / (lengths(gradient) + _TINY)


def within_ball(change: Tensor, eps: float, norm: Norm = "linf") -> Tensor:
    """The nearest change (N, ...) that is not larger than eps: the projection of PGD."""
    if norm == "linf":
        return change.clamp(-eps, eps)
    return change * (eps / (lengths(change) + _TINY)).clamp(max=1)


def lengths(change: Tensor) -> Tensor:
    """Euclidean length of every film's change, shaped (N, 1, 1, 1) as the films are."""
    return change.flatten(1).norm(dim=1).reshape(-1, *[1] * (change.dim() - 1))


def cross_entropy(model: Model) -> Objective:
    """The loss that the network was trained with: minus the log of the true class' probability."""
    return lambda films, truth: functional.cross_entropy(
        logits_of(model, films), truth, reduction="none"
    )


def margin(model: Model) -> Objective:
    """The best wrong logit minus the true one: above 0 the film is misread."""

    def objective(films: Tensor, truth: Tensor) -> Tensor:
        logits = logits_of(model, films)
        wrong = logits.scatter(1, truth[:, None], float("-inf")).amax(1)
        return wrong - logits.gather(1, truth[:, None])[:, 0]

    return objective


@torch.no_grad()
def predicted(model: Model, films: Tensor) -> Tensor:
    """The class that a model names for every film, (N,)."""
    films = checked_films(films)
    return torch.cat([logits_of(model, part).argmax(1) for part in films.split(BATCH)])


def logits_of(model: Model, films: Tensor) -> Tensor:
    """The model's answers; ValueError if it is in training mode, where it answers at random."""
    if isinstance(model, nn.Module) and model.training:
        raise ValueError(
            "The network is in training mode: dropout and batch norm change its answers even "
            "without an attack. Call model.eval() first."
        )
    return model(films)


def checked_films(films: Tensor) -> Tensor:
    """The films, or ValueError unless they are float (N, C, H, W) in 0..1 without NaN."""
    if not isinstance(films, Tensor) or films.dim() != 4 or not films.is_floating_point():
        raise ValueError("Films must be a tensor of float numbers with shape (N, C, H, W).")
    if len(films) == 0:
        raise ValueError("There is no film to attack.")
    low, high = films.min().item(), films.max().item()
    if not (low >= 0 and high <= 1):  # NaN fails this as well
        raise ValueError(
            f"Grey values must lie in 0..1; these go from {low:.3g} to {high:.3g}. eps is counted "
            "in these values, so normalise inside the model, not before the attack."
        )
    return films.detach()


def checked_truth(truth: ArrayLike | Tensor, films: Tensor) -> Tensor:
    """Class numbers (N,) as int64 beside the films; ValueError for another shape or fractions."""
    numbers = torch.as_tensor(truth)
    if numbers.shape != (len(films),) or numbers.is_floating_point() or (numbers < 0).any():
        raise ValueError(
            f"{len(films)} films need as many class numbers 0, 1, 2, ...; "
            f"got {numbers.dtype} of shape {tuple(numbers.shape)}."
        )
    return numbers.to(films.device, torch.int64)


def _goal(model: Model, targeted: bool) -> Objective:
    loss = cross_entropy(model)
    return (lambda films, wanted: -loss(films, wanted)) if targeted else loss


def _random_start(films: Tensor, eps: float, norm: Norm, seed: int | None) -> Tensor:
    """A random point of the ball that is still a film: uniform in each pixel, or in the volume."""
    if seed is None:
        return films
    random = torch.Generator().manual_seed(seed)
    if norm == "linf":
        change = eps * (2 * torch.rand(films.shape, generator=random) - 1)
    else:
        change = torch.randn(films.shape, generator=random)
        radius = torch.rand(len(films), generator=random) ** (1 / change[0].numel())
        change = eps * radius.reshape(-1, 1, 1, 1) * change / lengths(change)
    return (films + change.to(films)).clamp(0, 1)
