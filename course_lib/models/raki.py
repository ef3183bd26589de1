"""A network for one scan only: it learns from the scan's own centre to fill in missing lines.

After RAKI (Akcakaya, Moeller, Weingartner, Ugurbil, Magn Reson Med 2019;81:439-453): GRAPPA's
linear kernel is replaced by three small convolutions in k-space. No other patient is needed to
learn from, so nothing can be invented from other people's heads; but the centre is short, and its
noise is learned as well. Filter sizes here are our own, symmetric about the missing lines.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Raki(nn.Module):
    """Measured lines (B, 2 coils, lines, columns) -> the factor - 1 lines that follow each of them.

    Real and imaginary parts are channels. Returns (B, (factor - 1) 2 coils, lines, columns). A
    straight (linear) path beside the network does what GRAPPA does; the network adds the rest.
    """

    def __init__(self, coils: int, factor: int, widths: tuple[int, int] = (32, 8)) -> None:
        super().__init__()
        if factor < 2:
            raise ValueError(f"With factor {factor} no line is missing; use 2 or more.")
        self.coils, self.factor = coils, factor
        out = 2 * coils * (factor - 1)
        # Between line i and i + 1: sources are the lines i - 1 to i + 2.
        self.linear = nn.Conv2d(2 * coils, out, (4, 5), bias=False)
        self.first = nn.Conv2d(2 * coils, widths[0], (2, 5), bias=False)
        self.second = nn.Conv2d(widths[0], widths[1], 1, bias=False)
        self.third = nn.Conv2d(widths[1], out, (3, 1), bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, known: Tensor) -> Tensor:
        padded = functional.pad(known, (2, 2, 1, 2))
        features = torch.relu(self.second(torch.relu(self.first(padded))))
        return self.linear(padded) + self.third(features)


def examples(acs: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets for `Raki` from the centre, complex (coils, rows, columns), all measured.

    One example for every line to start at: (factor, 2 coils, lines, columns) and (factor, (factor -
    1) 2 coils, lines, columns). ValueError if the centre has fewer than four groups of lines.
    """
    lines = (acs.shape[1] - factor + 1) // factor
    if lines < 4:
        raise ValueError(f"The centre needs at least {5 * factor - 1} lines, got {acs.shape[1]}.")
    inputs, targets = [], []
    for start in range(factor):
        group = acs[:, start : start + lines * factor].unflatten(1, (lines, factor))
        channels = _channels(group)  # (2 coils, lines, factor, columns)
        inputs.append(channels[:, :, 0])
        targets.append(channels[:, :, 1:].movedim(2, 0).flatten(0, 1))
    return torch.stack(inputs), torch.stack(targets)


@torch.no_grad()
def fill(kspace: Tensor, network: Raki) -> Tensor:
    """Complex k-space (coils, rows, columns) with every missing line filled in.

    Every factor-th line, k = 0 among them, must be measured; other measured lines are kept.
    """
    coils, rows, columns = kspace.shape
    factor = network.factor
    # Empty lines beyond both ends make whole groups that begin with a measured line.
    above = -(rows // 2) % factor
    below = -(rows + above) % factor
    padded = functional.pad(kspace, (0, 0, above, below))
    known = padded[:, ::factor]
    guess = network(_channels(known)[None])[0]
    parts = guess.unflatten(0, (factor - 1, 2, coils))
    missing = torch.complex(parts[:, 0], parts[:, 1])  # (factor - 1, coils, groups, columns)
    dense = torch.cat([known[None], missing]).movedim(0, 2).flatten(1, 2)
    measured = (kspace.abs().sum((0, 2)) > 0)[None, :, None]
    return torch.where(measured, kspace, dense[:, above : above + rows])


def _channels(values: Tensor) -> Tensor:
    """Complex (coils, ...) to real (2 coils, ...): all real parts, then all imaginary parts."""
    return torch.cat([values.real, values.imag])
