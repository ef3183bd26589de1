"""Inception's second version: large kernels are replaced by sequences of smaller ones.

Source: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception architecture for
computer vision", arXiv:1512.00567: Table 1 (the whole), Figure 5 (5x5 as two 3x3), Figure 6 (7x7 as
1x7 and 7x1), Figure 7 (1x3 and 3x1 side by side), Figure 10 (smaller grid), Figure 8 (auxiliary
classifier). The paper does not print the widths inside the modules. Those here are Inception v3's
where the modules are alike; they give the widths that Table 1 prints between them (288, 768, 1280,
2048) and stay below the 25 million parameters of the abstract. (Another network is also called v2:
GoogLeNet with batch norm, arXiv:1502.03167.)

Shapes in the comments are for 299-pixel pictures.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.models.googlenet import Convolution, narrowed
from course_lib.models.presets import chosen


class Conv(NamedTuple):
    """One convolution of a path: its maps, its kernel (height, width), its stride."""

    maps: int
    kernel: tuple[int, int]
    stride: int = 1


# A path is a sequence of convolutions; a tuple of two in it means both, side by side, joined.
Path = Sequence[Conv | tuple[Conv, Conv]]


def conv(maps: int, height: int, width: int | None = None, stride: int = 1) -> Conv:
    """conv(64, 3) is 64 maps of 3x3; conv(64, 1, 7) of 1x7."""
    return Conv(maps, (height, width or height), stride)


class InceptionModule(nn.Module):
    """Paths side by side, and one that pools; the outputs are joined.

    (B, in_channels, H, W) -> (B, self.channels, H', W'). Convolutions and pooling of stride 2 are
    not padded and make the grid smaller; all others keep it.

    Args:
        paths: name of each path -> its convolutions, before the pooled path.
        pool: "mean" or "max" of 3x3 fields.
        pooled: maps of the 1x1 convolution after pooling; 0 passes the pooled maps on as they are
            and halves the grid: the paper's cheap way to shrink without a bottleneck (Figure 10).
        width: all channels times this.
    """

    def __init__(
        self,
        in_channels: int,
        paths: Mapping[str, Path],
        pool: str = "mean",
        pooled: int = 0,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        self.paths: list[list[list[nn.Module]]] = []  # each step of a path: one module or two
        self.channels = narrowed(pooled, width) if pooled else in_channels
        for name, path in paths.items():
            self.channels += self._add_path(name, path, in_channels, width)
        stride, padding = (1, 1) if pooled else (2, 0)
        kind = {"mean": nn.AvgPool2d, "max": nn.MaxPool2d}[pool]
        self.pool = kind(3, stride=stride, padding=padding)
        project = Convolution(in_channels, narrowed(pooled, width), 1) if pooled else nn.Identity()
        self.branch_pool = project

    def _add_path(self, name: str, path: Path, channels: int, width: float) -> int:
        """Make the modules of a path, named as torchvision does; gives its number of maps."""
        steps: list[list[nn.Module]] = []
        for number, step in enumerate(path, start=1):
            together = [step] if isinstance(step, Conv) else list(step)
            endings = [""] if len(together) == 1 else ["a", "b"]
            suffix = f"_{number}" if len(path) > 1 else ""
            made = [_convolution(channels, c, width) for c in together]
            for module, ending in zip(made, endings, strict=True):
                self.add_module(f"{name}{suffix}{ending}", module)
            channels = sum(narrowed(c.maps, width) for c in together)
            steps.append(list(made))
        self.paths.append(steps)
        return channels

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for path in self.paths:
            maps = x
            for together in path:
                maps = torch.cat([module(maps) for module in together], dim=1)
            outputs.append(maps)
        return torch.cat([*outputs, self.branch_pool(self.pool(x))], dim=1)


def _convolution(in_channels: int, c: Conv, width: float) -> Convolution:
    padding = (c.kernel[0] // 2, c.kernel[1] // 2) if c.stride == 1 else 0
    maps = narrowed(c.maps, width)
    return Convolution(in_channels, maps, c.kernel, stride=c.stride, padding=padding)


# Figure 5: the 5x5 of GoogLeNet's module has become two 3x3.
FIGURE_5: dict[str, Path] = {
    "branch1x1": [conv(64, 1)],
    "branch3x3": [conv(48, 1), conv(64, 3)],
    "branch3x3dbl": [conv(64, 1), conv(96, 3), conv(96, 3)],
}
# Figure 7: as wide as they are deep, for the last and coarsest maps.
FIGURE_7: dict[str, Path] = {
    "branch1x1": [conv(320, 1)],
    "branch3x3": [conv(384, 1), (conv(384, 1, 3), conv(384, 3, 1))],
    "branch3x3dbl": [conv(448, 1), conv(384, 3), (conv(384, 1, 3), conv(384, 3, 1))],
}


def figure_6(narrow: int) -> dict[str, Path]:
    """A 7x7 convolution as 1x7 and 7x1: 14 weights instead of 49."""
    n = narrow
    return {
        "branch1x1": [conv(192, 1)],
        "branch7x7": [conv(n, 1), conv(n, 1, 7), conv(192, 7, 1)],
        "branch7x7dbl": [conv(n, 1), conv(n, 7, 1), conv(n, 1, 7), conv(n, 7, 1), conv(192, 1, 7)],
    }


def figure_10(narrow: int, three: int, double: int) -> dict[str, Path]:
    """Half the grid: stride 2 in two paths, max pooling in the third."""
    return {
        "branch3x3": [conv(narrow, 1), conv(three, 3, stride=2)],
        "branch3x3dbl": [conv(narrow, 1), conv(double, 3), conv(double, 3, stride=2)],
    }


class Auxiliary(nn.Module):
    """The classifier on the last 17 x 17 maps (Figure 8). v2: no batch norm in its full layer."""

    def __init__(self, in_channels: int, num_classes: int, width: float) -> None:
        super().__init__()
        maps, hidden = narrowed(128, width), narrowed(1024, width)
        self.conv = Convolution(in_channels, maps, 1)
        self.fc1 = nn.Linear(maps * 5 * 5, hidden)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(x, 5)  # 17 x 17: fields of 5, or 4, every 3
        return self.fc2(torch.relu(self.fc1(self.conv(pooled).flatten(1))))


class InceptionV2(nn.Module):
    """Table 1: six convolutions, 3 + 5 + 2 modules with smaller grids between, mean, linear.

    `model(x)` gives logits (B, num_classes); `model(x, auxiliaries=True)` also those of the
    auxiliary classifier, as a tuple.

    Args:
        width: all channels times this.
        stem_stride: 8 as published; 4 leaves the first convolution at stride 1, for small films.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        aux: bool = True,
        width: float = 1.0,
        stem_stride: int = 8,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(*_stem(in_channels, width, stem_stride))
        channels = narrowed(288, width)
        for number, (paths, pool, pooled) in enumerate(_modules(), start=1):
            module = InceptionModule(channels, paths, pool, pooled, width)
            self.features.add_module(f"module{number}", module)
            channels = module.channels
            if number == 9:  # the last of the five at 17 x 17
                self.aux = Auxiliary(channels, num_classes, width) if aux else None
        self.fc = nn.Linear(channels, num_classes)
        self.apply(_initialise)

    def forward(self, x: Tensor, auxiliaries: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Pictures (B, in_channels, H, W), 299 pixels as published, to logits."""
        for name, layer in self.features.named_children():
            x = layer(x)
            if name == "module9":
                half_way = x
        logits = self.fc(x.mean((2, 3)))
        if not auxiliaries:
            return logits
        if self.aux is None:
            raise ValueError("This Inception v2 was built without auxiliary classifier.")
        return logits, self.aux(half_way)


def _stem(in_channels: int, width: float, stride: int) -> list[nn.Module]:
    """GoogLeNet's 7x7 has become three 3x3; 299 x 299 -> (B, 288, 35, 35)."""
    if stride not in (4, 8):
        raise ValueError(f"stem_stride must be 8 or 4, not {stride}.")
    n32, n64, n80, n192, n288 = (narrowed(c, width) for c in (32, 64, 80, 192, 288))
    return [
        Convolution(in_channels, n32, 3, stride=2 if stride == 8 else 1),  # 149
        Convolution(n32, n32, 3),  # 147
        Convolution(n32, n64, 3, padding=1),  # 147
        nn.MaxPool2d(3, stride=2),  # 73
        Convolution(n64, n80, 3),  # 71
        Convolution(n80, n192, 3, stride=2),  # 35
        Convolution(n192, n288, 3, padding=1),  # 35
    ]


def _modules() -> list[tuple[dict[str, Path], str, int]]:
    """(paths, pooling, maps after pooling) of the twelve modules."""
    return [
        *[(FIGURE_5, "mean", 64)] * 3,  # (B, 288, 35, 35)
        (figure_10(64, 384, 96), "max", 0),  # (B, 768, 17, 17)
        *[(figure_6(n), "mean", 192) for n in (128, 128, 160, 160, 192)],
        (figure_10(192, 320, 192), "max", 0),  # (B, 1280, 8, 8)
        *[(FIGURE_7, "mean", 192)] * 2,  # (B, 2048, 8, 8)
    ]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def inception_v2(preset: str, num_classes: int, in_channels: int = 1, **options) -> InceptionV2:
    """Inception v2: "paper" for 299 pixels, or "laptop", an eighth as wide, for 64 to 128."""
    sizes: dict[str, dict[str, float]] = {"paper": {}, "laptop": {"width": 0.125, "stem_stride": 4}}
    return InceptionV2(num_classes, in_channels, **{**chosen(sizes, preset), **options})
