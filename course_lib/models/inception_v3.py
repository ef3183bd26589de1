"""Inception v3: the second version with its four late additions.

Source: Szegedy et al., "Rethinking the Inception architecture for computer vision",
arXiv:1512.00567, Table 3: RMSProp (learning.plan), label smoothing (learning.label_smoothing),
7x7 kernels factorised, batch norm in the auxiliary classifier. The widths and the names of the
parameters are torchvision's, whose weights come from the authors' own.

Shapes in the comments are for 299-pixel pictures.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.googlenet import Convolution, narrowed
from course_lib.models.inception_v2 import FIGURE_7, InceptionModule, Path, conv, figure_6
from course_lib.models.presets import chosen

# At 35 x 35 the published network still has a 5x5, beside two 3x3 in sequence.
MIXED_5: dict[str, Path] = {
    "branch1x1": [conv(64, 1)],
    "branch5x5": [conv(48, 1), conv(64, 5)],
    "branch3x3dbl": [conv(64, 1), conv(96, 3), conv(96, 3)],
}
SMALLER_6: dict[str, Path] = {  # 35 -> 17
    "branch3x3": [conv(384, 3, stride=2)],
    "branch3x3dbl": [conv(64, 1), conv(96, 3), conv(96, 3, stride=2)],
}
SMALLER_7: dict[str, Path] = {  # 17 -> 8
    "branch3x3": [conv(192, 1), conv(320, 3, stride=2)],
    "branch7x7x3": [conv(192, 1), conv(192, 1, 7), conv(192, 7, 1), conv(192, 3, stride=2)],
}
# Name, paths, pooling, maps after pooling (0: a module that halves the grid).
MODULES: list[tuple[str, dict[str, Path], str, int]] = [
    ("Mixed_5b", MIXED_5, "mean", 32),  # (B, 256, 35, 35)
    ("Mixed_5c", MIXED_5, "mean", 64),  # (B, 288, 35, 35)
    ("Mixed_5d", MIXED_5, "mean", 64),
    ("Mixed_6a", SMALLER_6, "max", 0),  # (B, 768, 17, 17)
    ("Mixed_6b", figure_6(128), "mean", 192),
    ("Mixed_6c", figure_6(160), "mean", 192),
    ("Mixed_6d", figure_6(160), "mean", 192),
    ("Mixed_6e", figure_6(192), "mean", 192),
    ("Mixed_7a", SMALLER_7, "max", 0),  # (B, 1280, 8, 8)
    ("Mixed_7b", FIGURE_7, "mean", 192),  # (B, 2048, 8, 8)
    ("Mixed_7c", FIGURE_7, "mean", 192),
]


class Auxiliary(nn.Module):
    """The classifier on the last 17 x 17 maps; batch norm in all its layers but the last.

    Its 5x5 convolution over 5x5 maps is a full layer, written as a convolution.
    """

    def __init__(self, in_channels: int, num_classes: int, width: float) -> None:
        super().__init__()
        maps, hidden = narrowed(128, width), narrowed(768, width)
        self.conv0 = Convolution(in_channels, maps, 1)
        self.conv1 = Convolution(maps, hidden, 5)
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) >= 17:
            pooled = F.avg_pool2d(x, kernel_size=5, stride=3)  # 17 x 17 -> 5 x 5
        else:
            pooled = F.adaptive_avg_pool2d(x, 5)  # small films
        return self.fc(self.conv1(self.conv0(pooled)).mean((2, 3)))


class InceptionV3(nn.Module):
    """Five convolutions, eleven modules, mean, linear classifier; outputs are logits.

    `model(x)` gives logits (B, num_classes); `model(x, auxiliaries=True)` also those of the
    auxiliary classifier, as a tuple.

    Args:
        aux: have the auxiliary classifier.
        dropout: probability of dropping one of the 2,048 means in training.
        width: all channels times this.
        stem_stride: 8 as published; 4 leaves the first convolution at stride 1, for small films.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        aux: bool = True,
        dropout: float = 0.5,
        width: float = 1.0,
        stem_stride: int = 8,
    ) -> None:
        super().__init__()
        if stem_stride not in (4, 8):
            raise ValueError(f"stem_stride must be 8 or 4, not {stem_stride}.")
        n32, n64, n80, n192 = (narrowed(c, width) for c in (32, 64, 80, 192))
        self.Conv2d_1a_3x3 = Convolution(in_channels, n32, 3, stride=stem_stride // 4)  # 149
        self.Conv2d_2a_3x3 = Convolution(n32, n32, 3)  # 147
        self.Conv2d_2b_3x3 = Convolution(n32, n64, 3, padding=1)  # 147, pooled to 73
        self.Conv2d_3b_1x1 = Convolution(n64, n80, 1)  # 73
        self.Conv2d_4a_3x3 = Convolution(n80, n192, 3)  # 71, pooled to 35
        self.pool = nn.MaxPool2d(3, stride=2)
        channels = n192
        for name, paths, pool, pooled in MODULES:
            module = InceptionModule(channels, paths, pool, pooled, width)
            self.add_module(name, module)
            channels = module.channels
            if name == "Mixed_6e" and aux:
                self.AuxLogits = Auxiliary(channels, num_classes, width)
        self.has_auxiliary = aux
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)
        self.apply(_initialise)

    def _stem(self, x: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(self.pool(x)))
        return self.pool(x)  # (B, 192, 35, 35)

    def forward(self, x: Tensor, auxiliaries: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Pictures (B, in_channels, H, W), 299 pixels as published, at least 75, to logits."""
        x = self._stem(x)
        for name, *_ in MODULES:
            x = self.get_submodule(name)(x)
            if name == "Mixed_6e":
                half_way = x
        logits = self.fc(self.dropout(x.mean((2, 3))))
        if not auxiliaries:
            return logits
        if not self.has_auxiliary:
            raise ValueError("This Inception v3 was built without auxiliary classifier.")
        return logits, self.AuxLogits(half_way)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def inception_v3(preset: str, num_classes: int, in_channels: int = 1, **options) -> InceptionV3:
    """Inception v3: "paper" (23,834,568 parameters for 1,000 classes of colour pictures;
    27,161,264 with the auxiliary classifier) or "laptop", an eighth as wide, for 64 to 128 pixels.
    """
    sizes: dict[str, dict[str, float]] = {"paper": {}, "laptop": {"width": 0.125, "stem_stride": 4}}
    return InceptionV3(num_classes, in_channels, **{**chosen(sizes, preset), **options})
