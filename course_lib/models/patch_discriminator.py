"""PatchGAN: a critic that judges overlapping patches, not the image as a whole.

Source: Isola, Zhu, Zhou, Efros, "Image-to-Image Translation with Conditional Adversarial
Networks", arXiv:1611.07004, section 3.2 and appendix 6.1.2: the 70 x 70 discriminator
C64-C128-C256-C512, as CycleGAN (arXiv:1703.10593) uses it, with instance norm.
"""

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """(B, channels, H, W) -> (B, 1, h, w): one number for every patch, high for "real".

    Each of `steps` convolutions with stride 2 halves the map; two more with stride 1 follow. With
    64 first channels and 3 steps every number sees 70 x 70 pixels, as published.
    """

    def __init__(self, channels: int = 1, width: int = 64, steps: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        now = width
        for step in range(1, steps + 1):
            wider = width * min(2**step, 8)
            stride = 2 if step < steps else 1
            layers += [
                nn.Conv2d(now, wider, 4, stride, 1),
                nn.InstanceNorm2d(wider),
                nn.LeakyReLU(0.2),
            ]
            now = wider
        layers.append(nn.Conv2d(now, 1, 4, 1, 1))
        self.layers = nn.Sequential(*layers)
        self.steps = steps

    @property
    def patch(self) -> int:
        """Side of the patch that one output sees, in pixels (arXiv:1611.07004, appendix)."""
        side = 1
        for stride in [1, 1] + [2] * self.steps:
            side = (side - 1) * stride + 4
        return side

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)
