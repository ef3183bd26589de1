"""Do these films and latents fit this generator? One clear sentence before hours of search.

A film that is inverted (bone black) or cut off at the wrong grey values is *unusual* to a generator
of normals, but for a reason that has nothing to do with the patient. What can be seen is refused.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.models.pggan import SLOPE, Critic, level_of, shrink

INVERTED = -0.2  # correlation with the mean drawn film: healthy films 0.6 to 1, inverted ones -0.9
MOST_ALIKE = (
    0.5  # a mean film with less of the contrast of its films says nothing about white or black
)


class _Draws(Protocol):
    @property
    def latent_size(self) -> int: ...

    @property
    def resolution(self) -> int: ...

    def __call__(self, z: Tensor, /) -> Tensor: ...


def check_latents(z: Tensor, generator: _Draws, n: int | None = None) -> None:
    """Raise ValueError unless z is finite (n, latent_size); n None: any number from 1."""
    wanted = "films" if n is None else n
    if z.dim() != 2 or z.shape[1] != generator.latent_size or (n or len(z)) != len(z) or not len(z):
        raise ValueError(
            f"Latent vectors must have the shape ({wanted}, {generator.latent_size}), "
            f"not {tuple(z.shape)}."
        )
    if not torch.isfinite(z).all():
        raise ValueError("A latent vector holds NaN or infinity.")


def check_films(films: Tensor, generator: _Draws) -> None:
    """Raise ValueError unless films are float (N, 1, r, r) in 0..1 that the generator could draw.

    The message names what is wrong: size, type, range, NaN, or an inverted grey scale.
    """
    side = generator.resolution
    if films.dim() != 4 or tuple(films.shape[1:]) != (1, side, side) or not len(films):
        raise ValueError(
            f"This generator draws films (N, 1, {side}, {side}), one grey channel; these have the "
            f"shape {tuple(films.shape)}: resize them first."
        )
    if not films.is_floating_point():
        raise ValueError(f"Films must be numbers from 0 to 1; divide these {films.dtype} by 255.")
    if not torch.isfinite(films).all():
        raise ValueError("A film holds NaN or infinity; look at how it was read.")
    low, high = float(films.min()), float(films.max())
    if low < -0.01 or high > 1.01:
        raise ValueError(
            f"Films must lie in 0..1; these run from {low:.3g} to {high:.3g}. Rescale grey values "
            "first (from -1..1: data.gan_films.to_grey)."
        )
    inverted = torch.nonzero(likeness(films, generator) < INVERTED).flatten()
    if len(inverted):
        raise ValueError(
            f"Film {int(inverted[0])} looks inverted (bone must be white, as in MONOCHROME2); "
            f"use 1 - film. {len(inverted)} of {len(films)} films look so."
        )


def likeness(films: Tensor, generator: _Draws, drawn: int = 64) -> Tensor:
    """Correlation (N,) of each film with the mean of films that the generator draws.

    NaN for a film without any contrast, and for all of them where the drawn films have too little
    in common (an untrained generator).
    """
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        made = generator(torch.randn(drawn, generator.latent_size, generator=random))
    made = _without_mean(made.float())
    mean = made.mean(0)
    if mean.norm() < MOST_ALIKE * made.norm(dim=1).mean():
        return torch.full((len(films),), torch.nan)
    flat = _without_mean(films.float())
    return flat @ mean / (flat.norm(dim=1) * mean.norm())


def _without_mean(films: Tensor) -> Tensor:
    """Films as rows, each with the mean 0."""
    flat = films.flatten(1)
    return flat - flat.mean(1, keepdim=True)


def critic_features(critic: Critic) -> Callable[[Tensor], Tensor]:
    """The critic's maps of 4 x 4 pixels for films -1..1, before it compares the films of a batch.

    AnoGAN compares such features instead of the critic's score (Schlegl 2017, section 2.2). The
    minibatch deviation that follows would let films of one batch disturb each other.
    """

    def features(film: Tensor) -> Tensor:
        level = level_of(critic.size, film.shape[-1])
        x = functional.leaky_relu(critic.from_image[level](film), SLOPE)
        for depth in range(level, 0, -1):
            for convolution in critic.blocks[depth - 1].children():
                x = functional.leaky_relu(convolution(x), SLOPE)
            x = shrink(x)
        return x

    return features
