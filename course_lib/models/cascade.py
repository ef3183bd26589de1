"""A cascade of small networks, each followed by data consistency.

Source: Schlemper, Caballero, Hajnal, Price, Rueckert, "A Deep Cascade of Convolutional Neural
Networks for Dynamic MR Image Reconstruction", IEEE Trans Med Imaging 2018;37:491-503 (2-D form,
Proc. IPMI 2017). D5-C5: five cascades of five 3x3 convolutions with 64 channels.
"""

from torch import Tensor, nn

from course_lib.imaging.mr.fourier import to_image
from course_lib.models.data_consistency import KeepMeasured, as_channels, as_complex
from course_lib.models.presets import chosen


class Stage(nn.Module):
    """(B, 2, H, W) -> the same: `depth` convolutions that learn what to add."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(2, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 2, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        return image + self.layers(image)


class Cascade(nn.Module):
    """Measured k-space (B, H, W) with its mask (B, H, W) -> complex image (B, H, W), one coil.

    hard: measured samples are kept exactly; otherwise weighed against the network's, as suits
    noisy data. The published D5-C5 has 565,770 weights. ValueError for fewer than two layers.
    """

    def __init__(self, stages: int = 5, depth: int = 5, width: int = 64, hard: bool = True) -> None:
        super().__init__()
        if depth < 2 or stages < 1:
            raise ValueError("A cascade has at least one stage of at least two convolutions.")
        self.stages = nn.ModuleList(Stage(depth, width) for _ in range(stages))
        self.keep = nn.ModuleList(KeepMeasured(hard) for _ in range(stages))

    def forward(self, measured: Tensor, mask: Tensor) -> Tensor:
        image = to_image(measured)
        for stage, keep in zip(self.stages, self.keep, strict=True):
            image = keep(as_complex(stage(as_channels(image))), measured, mask)
        return image


PRESETS: dict[str, dict[str, int]] = {
    "paper": {"stages": 5, "depth": 5, "width": 64},
    "laptop": {"stages": 3, "depth": 4, "width": 24},
}


def cascade(preset: str = "paper", hard: bool = True) -> Cascade:
    """Cascade of a preset: "paper" (D5-C5) or "laptop" (trains in a lesson)."""
    return Cascade(**chosen(PRESETS, preset), hard=hard)
