"""Generator and critic for points in the plane: small fully connected networks.

Two hidden layers, in the spirit of Metz et al., arXiv:1611.02163, section 3.3. They can be told
something and guess something in the same way as those of models.dcgan.
"""

import torch
from torch import Tensor, nn


class PointGenerator(nn.Module):
    """(N, latent_size + told) -> points (N, dimensions)."""

    def __init__(
        self, latent_size: int = 2, told: int = 0, width: int = 64, dimensions: int = 2
    ) -> None:
        super().__init__()
        self.latent_size, self.told = latent_size, told
        self.layers = nn.Sequential(
            nn.Linear(latent_size + told, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, dimensions),
        )

    def forward(self, z: Tensor) -> Tensor:
        width = self.latent_size + self.told
        if z.ndim != 2 or z.shape[1] != width:
            raise ValueError(f"Latent vectors must be (N, {width}), not {tuple(z.shape)}.")
        return self.layers(z)


class PointCritic(nn.Module):
    """Points (N, dimensions) -> one score each (N,), high for "real"; no norm, so any penalty fits.

    told: numbers that say which points are wanted. guesses: outputs of the second end.
    """

    def __init__(
        self, told: int = 0, guesses: int = 0, width: int = 64, dimensions: int = 2
    ) -> None:
        super().__init__()
        self.told = told
        self.layers = nn.Sequential(
            nn.Linear(dimensions + told, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
        )
        self.score = nn.Linear(width, 1)
        self.guess = nn.Linear(width, guesses) if guesses else None

    def judge(self, points: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Scores (N,), and the guesses (N, guesses) of the second end or None."""
        if self.told:
            if told is None or tuple(told.shape) != (len(points), self.told):
                raise ValueError(f"This critic must be told {self.told} numbers for every point.")
            points = torch.cat([points, told.to(points)], dim=1)
        features = self.layers(points)
        guess = None if self.guess is None else self.guess(features)
        return self.score(features)[:, 0], guess

    def forward(self, points: Tensor, told: Tensor | None = None) -> Tensor:
        return self.judge(points, told)[0]


def point_gan(
    seed: int, latent_size: int = 2, told: int = 0, guesses: int = 0, width: int = 64
) -> tuple[PointGenerator, PointCritic]:
    """Both players with PyTorch's starting weights, drawn from `seed`; no global state changes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = PointGenerator(latent_size, told, width)
        return generator, PointCritic(0 if guesses else told, guesses, width)
