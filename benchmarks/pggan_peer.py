"""The published design of a well-known progressive GAN in PyTorch, retold for timing only.

Source of the design: github.com/facebookresearch/pytorch_GAN_zoo (2020). Same layers, same order of
work, plain eager float32; the code is ours. What matters for speed: every layer scales its output
(convolution, bias, then a multiplication over the whole map); up-sampling copies by expanding a
view; the critic passes real, made and mixed films one after the other; its gradients are computed
again while the generator learns; losses are read out in every step; weights are averaged one by
one. Its quirks (the bias is scaled too, n - 1 in the deviation) change no time, so they stay.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class OutputScaled(nn.Module):
    """A layer with N(0, 1) weights whose output, bias and all, is multiplied by He's constant."""

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        nn.init.normal_(layer.weight)
        nn.init.zeros_(layer.bias)
        self.factor = math.sqrt(2 / layer.weight[0].numel())

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        x *= self.factor
        return x


def conv(inputs: int, outputs: int, kernel: int = 3) -> OutputScaled:
    """A scaled convolution that keeps the size."""
    return OutputScaled(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2))


def pixel_norm(x: Tensor) -> Tensor:
    """Every position to mean square 1 over its channels."""
    return x * ((x**2).mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def larger(x: Tensor) -> Tensor:
    """Twice the size by copying."""
    n, channels, height, width = x.shape
    x = x.view(n, channels, height, 1, width, 1).expand(-1, -1, -1, 2, -1, 2)
    return x.contiguous().view(n, channels, 2 * height, 2 * width)


def deviation_channel(x: Tensor, group: int = 4) -> Tensor:
    """One more channel: the mean deviation inside each group of films."""
    n, channels, height, width = x.shape
    group = min(group, n)
    if n % group:
        group = n
    y = x.view(group, -1, channels, height, width)
    y = torch.sqrt(torch.var(y, 0) + 1e-8).view(n // group, -1).mean(1)
    y = y.view(-1, 1).expand(-1, height * width).view(-1, 1, 1, height, width)
    y = y.expand(-1, group, -1, -1, -1).contiguous().view(-1, 1, height, width)
    return torch.cat([x, y], 1)


class PeerGenerator(nn.Module):
    """Latent -> film; `widths` are the channels from 4 pixels upwards."""

    def __init__(self, latent: int, widths: list[int], colours: int = 1) -> None:
        super().__init__()
        self.begin = OutputScaled(nn.Linear(latent, 16 * widths[0]))
        self.first = conv(widths[0], widths[0])
        pairs = zip(widths, widths[1:], strict=False)
        self.scales = nn.ModuleList(nn.ModuleList([conv(a, b), conv(b, b)]) for a, b in pairs)
        self.to_film = conv(widths[-1], colours, 1)
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, z: Tensor) -> Tensor:
        x = self.activation(self.begin(pixel_norm(z)))
        x = pixel_norm(x.view(len(z), -1, 4, 4))
        x = pixel_norm(self.activation(self.first(x)))
        for scale in self.scales:
            x = larger(x)
            for layer in scale:
                x = pixel_norm(self.activation(layer(x)))
        return self.to_film(x)


class PeerCritic(nn.Module):
    """Film -> score; the generator's mirror image."""

    def __init__(self, widths: list[int], colours: int = 1) -> None:
        super().__init__()
        self.from_film = conv(colours, widths[-1], 1)
        pairs = reversed(list(zip(widths, widths[1:], strict=False)))
        self.scales = nn.ModuleList(nn.ModuleList([conv(b, b), conv(b, a)]) for a, b in pairs)
        self.last = conv(widths[0] + 1, widths[0])
        self.dense = OutputScaled(nn.Linear(16 * widths[0], widths[0]))
        self.decide = OutputScaled(nn.Linear(widths[0], 1))
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, films: Tensor) -> Tensor:
        x = self.activation(self.from_film(films))
        for scale in self.scales:
            for layer in scale:
                x = self.activation(layer(x))
            x = functional.avg_pool2d(x, 2)
        x = self.activation(self.last(deviation_channel(x)))
        return self.decide(self.activation(self.dense(x.flatten(1))))


class PeerGame:
    """Both players, Adam for each, the averaged generator, and one step as it is published."""

    def __init__(
        self, latent: int, widths: list[int], colours: int = 1, rate: float = 1e-3
    ) -> None:
        self.latent = latent
        self.generator = PeerGenerator(latent, widths, colours)
        self.critic = PeerCritic(widths, colours)
        self.average = PeerGenerator(latent, widths, colours).requires_grad_(False)
        self.adam_g = torch.optim.Adam(self.generator.parameters(), rate, (0.0, 0.99))
        self.adam_d = torch.optim.Adam(self.critic.parameters(), rate, (0.0, 0.99))

    def step(self, real: Tensor) -> tuple[float, float]:
        """One move of the critic, one of the generator; (critic loss, generator loss)."""
        return self._critic_moves(real), self._generator_moves(len(real))

    def _critic_moves(self, real: Tensor) -> float:
        self.adam_d.zero_grad()
        scores = self.critic(real)
        loss = -scores.sum()
        made = self.generator(torch.randn(len(real), self.latent)).detach()
        loss = loss + self.critic(made).sum()
        self.penalty(real, made).backward(retain_graph=True)
        loss = loss + 1e-3 * (scores**2).sum()
        loss.backward(retain_graph=True)
        self._check(self.critic)
        self.adam_d.step()
        return loss.item()

    def penalty(self, real: Tensor, made: Tensor) -> Tensor:
        """Ten times how far the critic's slope is from 1, between real and made films."""
        share = torch.rand(len(real), 1).expand(len(real), real[0].numel()).reshape(real.shape)
        mixed = (share * real + (1 - share) * made).requires_grad_(True)
        score = self.critic(mixed).sum()
        (slope,) = torch.autograd.grad(score, mixed, create_graph=True, retain_graph=True)
        slope = slope.view(len(real), -1)
        return 10 * (((slope * slope).sum(dim=1).sqrt() - 1) ** 2).sum()

    def _generator_moves(self, batch: int) -> float:
        self.adam_g.zero_grad()
        self.adam_d.zero_grad()
        loss = -self.critic(self.generator(torch.randn(batch, self.latent))).sum()
        value = loss.item()
        loss.backward(retain_graph=True)
        self._check(self.generator)
        self.adam_g.step()
        pairs = zip(self.generator.parameters(), self.average.parameters(), strict=True)
        for new, old in pairs:
            old.mul_(0.999).add_(new.data, alpha=0.001)
        return value

    @staticmethod
    def _check(network: nn.Module) -> None:
        for parameter in network.parameters():
            if parameter.grad is not None:
                bad = ~torch.isfinite(parameter.grad)
                parameter.grad[bad] = 0
