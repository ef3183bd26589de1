"""DCGAN: the first generator and critic of convolutions that learned to make pictures reliably.

Source: Radford, Metz, Chintala, arXiv:1511.06434, section 3 and figure 1: strided convolutions in
place of pooling, batch norm, ReLU in the generator and leaky ReLU (0.2) in the critic, tanh at the
end, weights from N(0, 0.02^2). Kernels are 4 x 4 with stride 2, as in the authors' Torch version.

Either network can be told something: `told` numbers are appended to the latent vector, and to the
critic's picture as constant planes (conditional GAN, Mirza and Osindero, arXiv:1411.1784). A critic
with `guesses` has a second end that names the class (AC-GAN, Odena et al., arXiv:1610.09585) or
recovers the code (InfoGAN, Chen et al., arXiv:1606.03657).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.models.presets import chosen

START = 4  # pixels of the first map


@dataclass(frozen=True)
class DcganSize:
    """Channels of the generator's maps from 4 x 4 on; each further one doubles the resolution."""

    widths: tuple[int, ...]
    latent_size: int
    channels: int

    @property
    def resolution(self) -> int:
        """Pixels of a picture's side."""
        return START * 2 ** len(self.widths)


# "paper": figure 1. "torch": half as wide, the authors' program and PyTorch's tutorial.
DCGAN = {
    "paper": DcganSize((1024, 512, 256, 128), 100, 3),
    "torch": DcganSize((512, 256, 128, 64), 100, 3),
    "laptop": DcganSize((64, 32, 16), 32, 1),
}


class DcganGenerator(nn.Module):
    """(N, latent_size + told) -> pictures (N, channels, resolution, resolution) in -1..1."""

    def __init__(self, size: DcganSize, told: int = 0) -> None:
        super().__init__()
        self.latent_size, self.told, self.resolution = size.latent_size, told, size.resolution
        widths = size.widths
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(size.latent_size + told, widths[0], START, bias=False)
        ]
        for now, after in zip(widths, [*widths[1:], size.channels], strict=True):
            layers += [
                nn.BatchNorm2d(now),  # which has a bias of its own
                nn.ReLU(),
                nn.ConvTranspose2d(now, after, 4, stride=2, padding=1, bias=False),
            ]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        width = self.latent_size + self.told
        if z.ndim != 2 or z.shape[1] != width:
            raise ValueError(f"Latent vectors must be (N, {width}), not {tuple(z.shape)}.")
        return self.layers(z[:, :, None, None])


class DcganCritic(nn.Module):
    """Pictures (N, channels, R, R) in -1..1 -> one score each (N,), high for "real".

    told: how many numbers describe what the picture should show. guesses: outputs of the second
    end. norm: batch norm, as published; without it for a gradient penalty, which looks at every
    picture alone.
    """

    def __init__(self, size: DcganSize, told: int = 0, guesses: int = 0, norm: bool = True) -> None:
        super().__init__()
        self.told, self.channels, self.resolution = told, size.channels, size.resolution
        widths: Sequence[int] = size.widths[::-1]
        layers: list[nn.Module] = [
            nn.Conv2d(size.channels + told, widths[0], 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(0.2),
        ]
        for now, after in zip(widths, widths[1:], strict=False):
            layers.append(nn.Conv2d(now, after, 4, stride=2, padding=1, bias=False))
            if norm:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers)
        self.score = nn.Conv2d(widths[-1], 1, START, bias=False)
        self.guess = nn.Conv2d(widths[-1], guesses, START) if guesses else None

    def judge(self, picture: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Scores (N,), and the guesses (N, guesses) of the second end or None."""
        maps = self.layers(self._with_planes(picture, told))
        guess = None if self.guess is None else self.guess(maps).flatten(1)
        return self.score(maps).flatten(), guess

    def forward(self, picture: Tensor, told: Tensor | None = None) -> Tensor:
        return self.judge(picture, told)[0]

    def _with_planes(self, picture: Tensor, told: Tensor | None) -> Tensor:
        expected = (self.channels, self.resolution, self.resolution)
        if picture.ndim != 4 or tuple(picture.shape[1:]) != expected:
            raise ValueError(f"Pictures must be (N, {expected}), not {tuple(picture.shape)}.")
        if not self.told:
            return picture
        if told is None or tuple(told.shape) != (len(picture), self.told):
            raise ValueError(f"This critic must be told {self.told} numbers for every picture.")
        planes = told[:, :, None, None].expand(-1, -1, *picture.shape[2:])
        return torch.cat([picture, planes.to(picture)], dim=1)


def dcgan(
    preset: str, seed: int, told: int = 0, guesses: int = 0, norm: bool = True
) -> tuple[DcganGenerator, DcganCritic]:
    """A generator and its critic with the published starting weights.

    preset: "paper", "torch" or "laptop" (32 pixels, grey). Only the generator of an InfoGAN or
    AC-GAN is told something: there, `guesses` is above zero and the critic must find it out itself.
    """
    size = chosen(DCGAN, preset)
    generator = DcganGenerator(size, told)
    critic = DcganCritic(size, 0 if guesses else told, guesses, norm)
    start_dcgan(generator, seed)
    start_dcgan(critic, seed + 1)
    return generator, critic


def start_dcgan(network: nn.Module, seed: int) -> None:
    """Weights from N(0, 0.02^2), gains of batch norm from N(1, 0.02^2), biases zero; in place."""
    random = torch.Generator().manual_seed(seed)
    for name, weights in network.named_parameters():
        with torch.no_grad():
            if name.endswith("bias"):
                weights.zero_()
            else:
                weights.normal_(1.0 if weights.ndim == 1 else 0.0, 0.02, generator=random)
