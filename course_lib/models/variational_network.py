"""The variational network: gradient descent whose regulariser is learned, unrolled into layers.

Source: Hammernik, Klatzer, Kobler, Recht, Sodickson, Pock, Knoll, "Learning a variational network
for reconstruction of accelerated MRI data", Magn Reson Med 2018;79:3055-3071. Each of the T steps
is (eq. 6)

    u <- u - sum_i K_i^T phi_i(K_i u) - lambda A^H (A u - f),

with filters K_i on real and imaginary part, activations phi_i made of Gaussian bumps, both learned,
each step its own. Published: T = 10, 48 filters of 11 x 11, 31 bumps: 131,050 weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.models.data_consistency import as_channels, as_complex, decode, encode
from course_lib.models.presets import chosen


class Bumps(nn.Module):
    """A learned function for each channel: a sum of Gaussian bumps at fixed places.

    (B, channels, H, W) -> the same shape. Bumps are spread over -reach..reach, one spacing wide.
    At the start every function is a straight line through zero. Each function is worked out once at
    16 points per spacing and read between them (error below 1e-3 of a bump): pixels are many.
    """

    bumps: Tensor

    def __init__(self, channels: int, bumps: int = 31, reach: float = 1.0) -> None:
        super().__init__()
        places = torch.linspace(-reach, reach, bumps)
        spacing = float(places[1] - places[0])
        self.edge = reach + 4 * spacing  # beyond, every bump is as good as zero
        points = torch.linspace(-self.edge, self.edge, 16 * (bumps + 7) + 1)
        bump = torch.exp(-0.5 * ((points - places[:, None]) / spacing) ** 2)
        self.register_buffer("bumps", bump, persistent=False)
        self.heights = nn.Parameter(0.05 * places.repeat(channels, 1))

    def forward(self, maps: Tensor) -> Tensor:
        table = self.heights @ self.bumps  # (channels, points)
        flat = maps.movedim(1, 0).flatten(1)  # (channels, pixels)
        last = table.shape[1] - 1
        place = ((flat + self.edge) * (last / (2 * self.edge))).clamp(0, last - 1e-3)
        below = place.detach().long()
        low, high = table.gather(1, below), table.gather(1, below + 1)
        value = low + (place - below) * (high - low)
        return value.reshape(maps.movedim(1, 0).shape).movedim(0, 1)


class Step(nn.Module):
    """One step of descent; filters have zero mean and unit length, as in the paper."""

    def __init__(self, filters: int, side: int, bumps: int) -> None:
        super().__init__()
        self.filters = nn.Parameter(torch.randn(filters, 2, side, side) / side)
        self.activation = Bumps(filters, bumps)
        self.weight = nn.Parameter(torch.tensor(1.0))

    def kernel(self) -> Tensor:
        """(filters, 2, side, side), zero mean, unit length."""
        centred = self.filters - self.filters.mean((1, 2, 3), keepdim=True)
        return centred / centred.flatten(1).norm(dim=1)[:, None, None, None]

    def forward(self, image: Tensor, kspace: Tensor, maps: Tensor, mask: Tensor) -> Tensor:
        kernel, edge = self.kernel(), self.filters.shape[-1] // 2
        maps_of_filters = functional.conv2d(as_channels(image), kernel, padding=edge)
        prior = functional.conv_transpose2d(self.activation(maps_of_filters), kernel, padding=edge)
        data = decode(encode(image, maps, mask) - kspace, maps, mask)
        return image - as_complex(prior) - self.weight * data


class VariationalNetwork(nn.Module):
    """k-space (B, coils, H, W), maps (B, coils, H, W), mask (B, H, W) -> complex image (B, H, W).

    Images should be scaled to a maximum of about 1: the activations live there.
    """

    def __init__(self, steps: int = 10, filters: int = 48, side: int = 11, bumps: int = 31) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Step(filters, side, bumps) for _ in range(steps))

    def forward(self, kspace: Tensor, maps: Tensor, mask: Tensor) -> Tensor:
        image = decode(kspace, maps, mask)
        for step in self.steps:
            image = step(image, kspace, maps, mask)
        return image


PRESETS: dict[str, dict[str, int]] = {
    "paper": {"steps": 10, "filters": 48, "side": 11, "bumps": 31},
    "laptop": {"steps": 5, "filters": 12, "side": 5, "bumps": 15},
}


def variational_network(preset: str = "paper") -> VariationalNetwork:
    """Variational network of a preset: "paper" or "laptop" (trains in a lesson)."""
    return VariationalNetwork(**chosen(PRESETS, preset))
