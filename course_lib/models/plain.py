"""Plain networks and their residual twins, to see what the shortcuts are good for.

Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385.
Section 4.1 compares plain and residual nets of 18 and 34 layers on ImageNet; section 4.2 nets of
6n + 2 layers on 32-pixel images. Plain and residual twins have the same layers and, with shortcut
"A", the same number of parameters; only the addition is missing.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.resnet import (
    PUBLISHED,
    BasicBlock,
    BlockStyle,
    ResNet,
    Shortcut,
    block_group,
    initialise,
)


class SmallResNet(nn.Module):
    """The net of section 4.2 for 32-pixel images: 6n + 2 layers, three resolutions.

    One 3x3 convolution; n blocks each at 32 x 32, 16 x 16 and 8 x 8 pixels with `width`, 2 `width`
    and 4 `width` channels; mean; linear classifier. With n = 3, 5, 7, 9 it has 20, 32, 44, 56
    layers.

    Args:
        depth: 6n + 2. ValueError for a number that is not 8, 14, 20, ...
        num_classes, in_channels: logits and input channels (10 and 3 in the paper).
        residual: False gives the plain net.
        width: channels at the first resolution (16 in the paper).
        shortcut: "A" in the paper: both twins have the same parameters.
    """

    def __init__(
        self,
        depth: int = 20,
        num_classes: int = 10,
        in_channels: int = 3,
        *,
        residual: bool = True,
        width: int = 16,
        shortcut: Shortcut = "A",
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        n, rest = divmod(depth - 2, 6)
        if rest or n < 1:
            raise ValueError(f"The depth must be 6n + 2 (8, 14, 20, ...), not {depth}.")
        style = BlockStyle(residual, shortcut, zero_init=zero_init)
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.layer1 = block_group(BasicBlock, width, width, n, 1, style)
        self.layer2 = block_group(BasicBlock, width, 2 * width, n, 2, style)
        self.layer3 = block_group(BasicBlock, 2 * width, 4 * width, n, 2, style)
        self.fc = nn.Linear(4 * width, num_classes)
        initialise(self, zero_init)

    def features(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, 4 width, H / 4, W / 4), what the classifier averages."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x)))

    @property
    def classifier(self) -> nn.Linear:
        """The last layer."""
        return self.fc

    def blocks(self) -> list[BasicBlock]:
        """All blocks, from the image to the classifier."""
        groups = (self.layer1, self.layer2, self.layer3)
        return [block for group in groups for block in group if isinstance(block, BasicBlock)]

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, in_channels, H, W) to logits (B, num_classes)."""
        return self.fc(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


def plain_net(depth: int, num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """The plain net of 18 or 34 layers of Table 2: ResNet-18 or 34 without the additions."""
    name = f"resnet{depth}"
    if name not in ("resnet18", "resnet34"):
        raise ValueError(f"The paper's plain nets have 18 or 34 layers, not {depth}.")
    block, blocks = PUBLISHED[name]
    return ResNet(block, blocks, num_classes, in_channels, style=BlockStyle(residual=False))
