"""DnCNN: a plain stack of convolutions that learns the noise instead of the image.

Source: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN
for Image Denoising", IEEE Trans Image Process 2017;26:3142-3155. Section III: 3x3 convolutions of
64 channels, batch norm and ReLU between the first and the last, 17 layers for one noise level.
"""

from torch import Tensor, nn

from course_lib.models.presets import chosen


class DnCNN(nn.Module):
    """(B, channels, H, W) -> the same shape: the input minus the noise that the network sees in it.

    depth counts convolutions; its receptive field is 2 depth + 1 pixels wide. The published net
    for grey images has depth 17, width 64 and 556,032 weights. Raises ValueError for depth < 3.
    """

    def __init__(self, channels: int = 1, depth: int = 17, width: int = 64) -> None:
        super().__init__()
        if depth < 3:
            raise ValueError(f"DnCNN has a first, a last and middle layers: depth 3+, not {depth}.")
        layers: list[nn.Module] = [_convolution(channels, width), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [_convolution(width, width), nn.BatchNorm2d(width), nn.ReLU()]
        layers.append(_convolution(width, channels))
        self.noise = nn.Sequential(*layers)
        # Start as the network that changes little: what it adds is learned, not unlearned.
        last = layers[-1]
        assert isinstance(last, nn.Conv2d)
        nn.init.normal_(last.weight, std=1e-3)

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy - self.noise(noisy)


def _convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    """3x3, same size, no bias (batch norm brings its own; grey values have none to add)."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)


PRESETS: dict[str, dict[str, int]] = {
    "paper": {"depth": 17, "width": 64},
    "laptop": {"depth": 8, "width": 16},
}


def dncnn(preset: str = "paper", channels: int = 1) -> DnCNN:
    """DnCNN of a preset: "paper" (as published) or "laptop" (trains in a lesson)."""
    return DnCNN(channels, **chosen(PRESETS, preset))
