"""The nearest film that a generator can make: search its latent vector by gradient descent.

A generator that learned from healthy people only can draw only healthy people. For the film of an
ill one it finds the most similar healthy one, the *healthy twin*; what differs is suspicious
(AnoGAN: Schlegl et al., arXiv:1703.05921; on chest films: Kim 2021, section 4.2).

Many films are searched in one batch. Their losses are summed, not averaged, so that each film has
the gradient it would have alone: the company changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from tqdm.auto import tqdm

from course_lib.data.gan_films import to_grey
from course_lib.generative.latent_films import check_films, check_latents
from course_lib.learning.device import processor_has_bfloat16

Loss = Literal["mpse", "mse"]


class LatentGenerator(Protocol):
    """What a search needs: latents (B, latent_size) to films (B, 1, r, r), about -1..1."""

    @property
    def latent_size(self) -> int: ...

    @property
    def resolution(self) -> int: ...

    def __call__(self, z: Tensor, /) -> Tensor: ...


@dataclass(frozen=True)
class Twins:
    """What a search found for N films.

    z: (N, latent). films: the twins float32 (N, 1, r, r) in 0..1. score: (N,) residual of the best
    z, in grey values from -1 to 1. history: (steps + 1, N) residual before each step and at the
    end, of the best restart. kept: step -> z (N, latent) as it was then, where asked for.
    """

    z: Tensor
    films: Tensor
    score: Tensor
    history: Tensor
    kept: dict[int, Tensor] = field(default_factory=dict)


def mean_pairwise_squared_error(difference: Tensor) -> Tensor:
    """Mean squared difference of all pairs of pixels of a difference picture: (B, ...) -> (B,).

    Equal to twice the unbiased variance: [0, 1, 3] gives (1 + 9 + 4) / 3 = 14/3. So a film that is
    brighter all over counts as the same film. (As in TensorFlow's loss of that name.)
    """
    flat = difference.flatten(1)
    if flat.shape[1] < 2:
        raise ValueError("Pairs of pixels need a picture of at least two pixels.")
    return 2 * flat.var(1, unbiased=True)


def mean_squared_error(difference: Tensor) -> Tensor:
    """Mean over the pixels of the squared difference: (B, ...) -> (B,)."""
    return difference.flatten(1).square().mean(1)


RESIDUALS: dict[str, Callable[[Tensor], Tensor]] = {
    "mpse": mean_pairwise_squared_error,
    "mse": mean_squared_error,
}


@dataclass(frozen=True)
class SearchPlan:
    """How to search.

    steps, rate: of Adam. loss: the residual. prior: weight of the mean square of z, which holds z
    near the middle (useless for PGGAN, which divides z by its length). feature_weight: share of
    the loss that compares features instead of pixels (0.1 in AnoGAN); needs `features`. restarts:
    independent starts from random z, of which the best counts. batch: films at once. keep: steps
    whose z are kept as well. fast: bfloat16; None: where the processor has it.
    """

    steps: int = 100
    rate: float = 0.1
    loss: Loss = "mpse"
    prior: float = 0.0
    feature_weight: float = 0.0
    restarts: int = 1
    batch: int = 100
    keep: Sequence[int] = ()
    fast: bool | None = None

    def __post_init__(self) -> None:
        if self.loss not in RESIDUALS:
            raise ValueError(f"The loss is one of {', '.join(RESIDUALS)}, not {self.loss!r}.")
        if self.steps < 0 or self.restarts < 1 or self.batch < 1 or not self.rate > 0:
            raise ValueError(
                "A search needs 0 or more steps, 1 or more restarts, films per batch from 1 and "
                f"a rate above 0; got {self.steps}, {self.restarts}, {self.batch}, {self.rate}."
            )
        if not 0 <= self.feature_weight <= 1 or self.prior < 0:
            raise ValueError("feature_weight lies in 0..1 and prior is 0 or more.")
        if any(not 0 <= step <= self.steps for step in self.keep):
            raise ValueError(f"Steps to keep must lie in 0..{self.steps}; got {list(self.keep)}.")


def search_twins(
    generator: LatentGenerator,
    films: Tensor,
    plan: SearchPlan | None = None,
    *,
    start: Tensor | Callable[[Tensor], Tensor] | None = None,
    features: Callable[[Tensor], Tensor] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Twins:
    """Find for each film the latent vector whose film is nearest.

    films: float (N, 1, r, r) in 0..1. start: None for random z from `seed` (film i gets the same
    whatever the others are), latents (N, latent), or an encoder that maps films in 0..1 to
    latents; with restarts, only the first begins there. features: films -1..1 (B, 1, r, r) to
    any (B, ...), each film by itself, for `plan.feature_weight`.

    Raises ValueError for films or latents that do not fit, or that are not what the generator
    draws (see latent_films.check_films), and for a loss that becomes NaN.
    """
    plan = plan or SearchPlan()
    check_films(films, generator)
    if plan.feature_weight and features is None:
        raise ValueError("A feature_weight needs `features`; see latent_films.critic_features.")
    best: list[Twins] = []
    parts = list(torch.arange(len(films)).split(plan.batch))
    with tqdm(
        total=len(parts) * plan.restarts * plan.steps,
        desc="Searching twins",
        unit="step",
        disable=None if progress else True,
    ) as bar:
        starts = [
            _starts(generator, films, start if restart == 0 else None, seed, restart)
            for restart in range(plan.restarts)
        ]
        for part in parts:
            runs = [
                _descend(generator, films[part], z[part], plan, features, bar.update)
                for z in starts
            ]
            best.append(_best(runs))
    return _joined(best)


def _starts(
    generator: LatentGenerator,
    films: Tensor,
    start: Tensor | Callable[[Tensor], Tensor] | None,
    seed: int,
    restart: int,
) -> Tensor:
    if start is None:
        random = np.random.default_rng([seed, restart])
        drawn = random.standard_normal((len(films), generator.latent_size), dtype=np.float32)
        return torch.from_numpy(drawn)
    if not isinstance(start, Tensor):
        with torch.no_grad():
            start = start(films)
    check_latents(start, generator, len(films))
    return start.detach().float().clone()


def _descend(
    generator: LatentGenerator,
    films: Tensor,
    z: Tensor,
    plan: SearchPlan,
    features: Callable[[Tensor], Tensor] | None,
    tell: Callable[[], object],
) -> Twins:
    """Adam on the latents of one batch; of each film the best z seen counts."""
    draw = _frozen(generator, processor_has_bfloat16() if plan.fast is None else plan.fast)
    target = films.float() * 2 - 1
    wanted = features(target).detach() if plan.feature_weight and features else None
    z = z.clone().requires_grad_()
    adam = torch.optim.Adam([z], lr=plan.rate)
    best_z, best = z.detach().clone(), torch.full((len(films),), float("inf"))
    history, kept = [], {}
    for step in range(plan.steps + 1):
        made = draw(z)
        residual = RESIDUALS[plan.loss](target - made)
        loss = residual + plan.prior * z.square().mean(1)
        if wanted is not None and features is not None:
            apart = mean_squared_error(features(made) - wanted)
            loss = (1 - plan.feature_weight) * loss + plan.feature_weight * apart
        _refuse_nan(loss, step)
        history.append(residual.detach())
        better = loss.detach() < best
        best = torch.where(better, loss.detach(), best)
        best_z = torch.where(better[:, None], z.detach(), best_z)
        if step in plan.keep:
            kept[step] = best_z.clone()
        if step < plan.steps:
            adam.zero_grad()
            loss.sum().backward()  # the sum: no film's gradient knows how many others there are
            adam.step()
            tell()
    with torch.no_grad():
        found = _frozen(generator, fast=False)(best_z)
        score = RESIDUALS[plan.loss](target - found)
    return Twins(best_z, to_grey(found), score, torch.stack(history), kept)


def _frozen(generator: LatentGenerator, fast: bool) -> Callable[[Tensor], Tensor]:
    """The generator with weights that want no gradient; the caller's own stay as they are."""
    if not isinstance(generator, nn.Module):
        return generator
    values = {**dict(generator.named_parameters()), **dict(generator.named_buffers())}
    fixed = {name: value.detach() for name, value in values.items()}

    def draw(z: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            made = functional_call(generator, fixed, (z,))
        return made.float()

    return draw


def _refuse_nan(loss: Tensor, step: int) -> None:
    if not torch.isfinite(loss).all():
        which = int((~torch.isfinite(loss)).nonzero()[0, 0])
        raise ValueError(
            f"The loss of film {which} is not finite at step {step}; use a smaller rate, or check "
            "the generator's weights."
        )


def _best(runs: list[Twins]) -> Twins:
    """Per film the run with the lowest residual."""
    winner = torch.stack([run.score for run in runs]).argmin(0)
    films = torch.arange(len(winner))

    def pick(values: list[Tensor]) -> Tensor:
        return torch.stack(values)[winner, films]

    return Twins(
        pick([run.z for run in runs]),
        pick([run.films for run in runs]),
        pick([run.score for run in runs]),
        pick([run.history.T for run in runs]).T,
        {step: pick([run.kept[step] for run in runs]) for step in runs[0].kept},
    )


def _joined(parts: list[Twins]) -> Twins:
    """The batches one after the other."""
    return Twins(
        torch.cat([part.z for part in parts]),
        torch.cat([part.films for part in parts]),
        torch.cat([part.score for part in parts]),
        torch.cat([part.history for part in parts], 1),
        {step: torch.cat([part.kept[step] for part in parts]) for step in parts[0].kept},
    )
