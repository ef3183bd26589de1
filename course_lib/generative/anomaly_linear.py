"""The simplest generator of healthy films: a mean film plus a weighted sum of typical changes.

Principal components: its nearest twin needs no search, one multiplication gives it. A rival for the
generator network: what costs more should also find more.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.data.gan_films import to_unit


class LinearGenerator(NamedTuple):
    """G(z) = mean + z @ axes, films (B, 1, r, r) in -1..1; z of healthy films has variance 1.

    mean: (r * r,). axes: (latent, r * r), orthogonal, as long as the spread along them.
    """

    mean: Tensor
    axes: Tensor
    resolution: int

    @property
    def latent_size(self) -> int:
        return len(self.axes)

    def __call__(self, z: Tensor, /) -> Tensor:
        return (self.mean + z @ self.axes).view(len(z), 1, self.resolution, self.resolution)

    def nearest(self, films: Tensor) -> Tensor:
        """The latents (N, latent) whose films are nearest to films in 0..1: least squares."""
        away = films.flatten(1) * 2 - 1 - self.mean
        return away @ self.axes.T / self.axes.square().sum(1)

    def twins(self, films: Tensor) -> Tensor:
        """The nearest films (N, 1, r, r) in 0..1."""
        return ((self(self.nearest(films)) + 1) / 2).clamp(0, 1)


def fit_linear(films: Tensor, latent_size: int = 64) -> LinearGenerator:
    """The first principal components of healthy films uint8 (N, 1, r, r).

    Raises ValueError unless there are more films than components.
    """
    if films.dim() != 4 or films.shape[1] != 1 or films.dtype != torch.uint8:
        raise ValueError(f"Give films uint8 (N, 1, r, r), not {films.dtype} {tuple(films.shape)}.")
    if len(films) <= latent_size:
        raise ValueError(f"{latent_size} components need more than {len(films)} films.")
    rows = to_unit(films).flatten(1)
    mean = rows.mean(0)
    _, spread, axes = torch.linalg.svd(rows - mean, full_matrices=False)
    scale = spread[:latent_size, None] / (len(films) - 1) ** 0.5
    return LinearGenerator(mean, axes[:latent_size] * scale, films.shape[-1])
