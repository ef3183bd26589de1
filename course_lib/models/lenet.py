"""LeNet-5, the network that read the cheques, exactly as in 1998; and what people call LeNet today.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
Proc IEEE 1998;86:2278-2324, section II.B (layers), Table I (which maps C3 sees), equation 7 (the
radial basis functions), equation 9 (the loss), appendix A (tanh, start). The paper's codes for the
ten classes are little pictures of characters; those below were drawn for this course.

Sizes in the comments are maps x side x side, for the 32-pixel input that the network is made for.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Table I of the paper: C3's map j (column) sees the maps of S2 named here. The first six maps see
# three neighbours, the next nine see four, the last one sees all.
C3_INPUTS: tuple[tuple[int, ...], ...] = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip

# Ten pictures, each 7 wide and 12 high: the aims of the 84 units of F6. Digits that look alike
# have codes that look alike.
DIGITS = """
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
..###.. ...#... ..###.. .#####. ....##. ####### ...###. ####### ..###.. ..###..
.#...#. ..##... .#...#. #.....# ...#.#. #...... ..#.... ......# .#...#. .#...#.
#.....# .#.#... #.....# ......# ..#..#. #...... .#..... ......# #.....# #.....#
#.....# ...#... ......# ......# .#...#. #...... #...... .....#. #.....# #.....#
#.....# ...#... .....#. ...###. .#...#. #.###.. #.###.. .....#. .#...#. #.....#
#.....# ...#... ....#.. ......# #....#. ##...#. ##...#. ....#.. ..###.. .#...##
#.....# ...#... ...#... ......# ####### ......# #.....# ....#.. .#...#. ..###.#
#.....# ...#... ..#.... ......# .....#. ......# #.....# ...#... #.....# ......#
.#...#. ...#... .#..... #.....# .....#. #.....# .#...#. ...#... #.....# .....#.
..###.. .#####. ####### .#####. .....#. .#####. ..###.. ...#... ..###.. ..###..
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
"""


def digit_codes() -> Tensor:
    """The aims of F6 for the digits 0 to 9, (10, 84): +1 where a bitmap has ink, else -1."""
    rows = [line.split() for line in DIGITS.strip().splitlines()]
    codes = [[1.0 if dot == "#" else -1.0 for row in rows for dot in row[d]] for d in range(10)]
    return torch.tensor(codes)


class ScaledTanh(nn.Module):
    """f(a) = 1.7159 tanh(2a / 3): goes through (1, 1) and (-1, -1), where it bends most."""

    def forward(self, a: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(a * (2 / 3))


class SubSampling(nn.Module):
    """The sum of each 2 x 2 field, times one trained number per map, plus another.

    (B, C, H, W) -> (B, C, H / 2, W / 2); two parameters per map.
    """

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.empty(maps).uniform_(-2.4 / 4, 2.4 / 4))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: Tensor) -> Tensor:
        sums = 4 * F.avg_pool2d(x, 2)
        return sums * self.coefficient[:, None, None] + self.bias[:, None, None]


class SparseConvolution(nn.Module):
    """A 5x5 convolution whose map j sees only the input maps `inputs[j]`.

    Only the connections that exist have weights: 25 for each pair of maps that are joined.
    (B, 6, 14, 14) -> (B, 16, 10, 10) for the table of the paper.
    """

    pairs: Tensor

    def __init__(self, inputs: tuple[tuple[int, ...], ...], in_maps: int, kernel: int = 5) -> None:
        super().__init__()
        self.maps = (len(inputs), in_maps)
        pairs = [(j, m) for j, seen in enumerate(inputs) for m in seen]
        self.register_buffer("pairs", torch.tensor(pairs).T)  # (2, joined): map, the map it sees
        self.weight = nn.Parameter(torch.empty(len(pairs), kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(len(inputs)))
        fan_in = torch.tensor([len(inputs[j]) * kernel**2 for j, _ in pairs])
        with torch.no_grad():
            self.weight.uniform_(-2.4, 2.4).div_(fan_in[:, None, None])

    def full_weight(self) -> Tensor:
        """The weights as an ordinary convolution has them, zero where nothing is joined."""
        full = self.weight.new_zeros(*self.maps, *self.weight.shape[1:])
        full[self.pairs[0], self.pairs[1]] = self.weight
        return full

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.full_weight(), self.bias)


class RadialBasis(nn.Module):
    """How far a vector is from the code of each class: y_i = sum_j (x_j - w_ij)^2 (equation 7).

    (B, 84) -> (B, classes). The codes are fixed: chosen by hand, never trained.
    """

    codes: Tensor

    def __init__(self, codes: Tensor) -> None:
        super().__init__()
        self.register_buffer("codes", codes)

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, None] - self.codes).square().sum(2)


class LeNet5(nn.Module):
    """LeNet-5 of 1998: 60,000 trained parameters, 340,908 connections, 84 x 10 fixed codes.

    Films (B, 1, 32, 32) -> scores (B, classes). A score is minus the distance to the class's code:
    the highest wins, as everywhere in this course. Train with `map_loss`. The paper scales its
    pictures so that the background is -0.1 and the ink 1.175.

    Args:
        codes: (classes, 84), values +1 and -1; the ten digits when omitted.
    """

    def __init__(self, codes: Tensor | None = None) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)  # 6 x 28 x 28
        self.s2 = SubSampling(6)  # 6 x 14 x 14
        self.c3 = SparseConvolution(C3_INPUTS, 6)  # 16 x 10 x 10
        self.s4 = SubSampling(16)  # 16 x 5 x 5
        self.c5 = nn.Conv2d(16, 120, 5)  # 120 x 1 x 1: full, but written as a convolution
        self.f6 = nn.Linear(120, 84)
        self.squash = ScaledTanh()
        self.output = RadialBasis(digit_codes() if codes is None else codes)
        for layer, fan_in in ((self.c1, 25), (self.c5, 400), (self.f6, 120)):
            nn.init.uniform_(layer.weight, -2.4 / fan_in, 2.4 / fan_in)  # appendix A
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def layers(self) -> list[tuple[str, nn.Module]]:
        """(name, module) of the seven layers, in order."""
        return [(name, getattr(self, name)) for name in ("c1", "s2", "c3", "s4", "c5", "f6")]

    def coded(self, x: Tensor) -> Tensor:
        """The 84 units of F6, (B, 84): a picture of 12 x 7 that should look like the digit."""
        if x.shape[1:] != (1, 32, 32):
            raise ValueError(f"LeNet-5 takes (batch, 1, 32, 32), not {tuple(x.shape)}: resize.")
        for _, layer in self.layers():
            x = self.squash(layer(x.flatten(1) if layer is self.f6 else x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        return -self.output(self.coded(x))


def map_loss(scores: Tensor, target: Tensor, rubbish: float = 10.0) -> Tensor:
    """The paper's loss (equation 9): distance to the right code, and stay away from the wrong ones.

    scores (B, classes) are minus distances, target (B,) holds class numbers. With y the distances,
    the mean of y_right + log(exp(-j) + sum_i exp(-y_i)). `rubbish` is j, the distance of a class
    "none of these" that is always there: wrong codes farther away than that are left in peace. The
    paper gives it no value.
    """
    distance = -scores
    nothing = torch.full_like(scores[:, :1], -rubbish)
    right = distance.gather(1, target[:, None])[:, 0]
    return (right + torch.cat([scores, nothing], 1).logsumexp(1)).mean()


def lenet5_counts() -> list[tuple[str, int, int, int, int]]:
    """(layer, maps, side, trained parameters, connections) of LeNet-5, added up as on paper.

    A unit that sees n others has n + 1 connections, the last to its bias. Units of one map share
    their weights, so parameters are counted once per map and connections once per unit.
    """
    pairs = sum(len(seen) for seen in C3_INPUTS)  # 60
    c3_weights = 25 * pairs + 16
    return [
        ("C1", 6, 28, 6 * (25 + 1), 28 * 28 * 6 * (25 + 1)),
        ("S2", 6, 14, 6 * 2, 14 * 14 * 6 * (4 + 1)),
        ("C3", 16, 10, c3_weights, 10 * 10 * c3_weights),
        ("S4", 16, 5, 16 * 2, 5 * 5 * 16 * (4 + 1)),
        ("C5", 120, 1, 120 * (16 * 25 + 1), 120 * (16 * 25 + 1)),
        ("F6", 84, 1, 84 * (120 + 1), 84 * (120 + 1)),
        ("output", 10, 1, 0, 10 * 84),  # fixed codes, no bias
    ]


class ModernLeNet(nn.Module):
    """What most people call LeNet today: full C3, plain mean pooling, a linear output.

    (B, in_channels, size, size) -> logits (B, num_classes). 61,706 parameters for one channel, ten
    classes and 32 pixels; larger pictures need a larger C5.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, size: int = 32) -> None:
        super().__init__()
        side = ((size - 4) // 2 - 4) // 2
        if side < 1:
            raise ValueError(f"{size} pixels are too few for LeNet: use at least 16.")
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Linear(16 * side * side, 120), nn.Tanh(),
            nn.Linear(120, 84), nn.Tanh(),
            nn.Linear(84, num_classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))
