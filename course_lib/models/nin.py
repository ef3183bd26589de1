"""Network in network: a small network slides over the picture; the classifier is a mean.

Source: Lin, Chen, Yan, "Network in network", arXiv:1312.4400, sections 3.1 (mlpconv layers) and 3.2
(global average pooling). The widths for ImageNet are those of the network the authors released;
the paper prints none.

Sizes in the comments are channels x side x side for 224 pixels.
"""

import torch
from torch import Tensor, nn

from course_lib.models.presets import chosen

# Per block: maps, kernel, stride, padding of its first convolution. The last block ends in classes.
Block = tuple[int, int, int, int]
SETTINGS: dict[str, tuple[Block, Block, Block, Block]] = {
    "paper": ((96, 11, 4, 0), (256, 5, 1, 2), (384, 3, 1, 1), (1024, 3, 1, 1)),
    "laptop": ((16, 11, 2, 5), (32, 5, 1, 2), (48, 3, 1, 1), (96, 3, 1, 1)),
}


class MlpConvolution(nn.Sequential):
    """A convolution and two 1x1 convolutions: at every place the same network of three layers.

    (B, in_channels, H, W) -> (B, outputs, H', W'). A 1x1 convolution mixes the maps of one pixel as
    a full layer would.
    """

    def __init__(
        self, in_channels: int, block: Block, outputs: int | None = None, rectify: bool = True
    ) -> None:
        channels, kernel, stride, padding = block
        last = nn.ReLU(inplace=True) if rectify else nn.Identity()
        super().__init__(
            nn.Conv2d(in_channels, channels, kernel, stride, padding), nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True),
            nn.Conv2d(channels, outputs or channels, 1), last,
        )  # fmt: skip


class NiN(nn.Module):
    """Four mlpconv blocks with pooling between; the last block has one map per class.

    (B, in_channels, H, W) -> logits (B, num_classes): the mean of each class's map. `features(x)`
    are these maps. There is no full layer, so any size works from 67 pixels ("laptop": from 15).

    Args:
        dropout: probability of dropping a value of the third block's maps in training.
        rectify: ReLU on the classes' maps, as in the released network. Its logits are then never
            below zero: good for a softmax, useless for a sigmoid.
    """

    def __init__(
        self,
        blocks: tuple[Block, Block, Block, Block] = SETTINGS["paper"],
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = 0.5,
        rectify: bool = True,
    ) -> None:
        super().__init__()
        one, two, three, four = blocks
        self.features = nn.Sequential(
            MlpConvolution(in_channels, one), nn.MaxPool2d(3, 2, ceil_mode=True),  # 96 x 27 x 27
            MlpConvolution(one[0], two), nn.MaxPool2d(3, 2, ceil_mode=True),  # 256 x 13 x 13
            MlpConvolution(two[0], three), nn.MaxPool2d(3, 2, ceil_mode=True),  # 384 x 6 x 6
            nn.Dropout(dropout),
            MlpConvolution(three[0], four, num_classes, rectify),  # 1000 x 6 x 6
        )  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return torch.mean(self.features(x), dim=(2, 3))


def nin(preset: str, num_classes: int, in_channels: int = 1) -> NiN:
    """Network in network: "paper" (7,595,176 parameters for 1,000 classes of colour pictures) or
    "laptop" (narrow, first stride 2, logits of both signs: trains in a lesson on 64 to 128-pixel
    films).
    """
    return NiN(chosen(SETTINGS, preset), num_classes, in_channels, rectify=preset == "paper")
