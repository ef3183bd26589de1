"""The network of SCXNN for one disease: is the film normal, does it show the disease, or another?

Source: Kim, "Strictly Chest X-ray Normal Network" (SCXNN), 2024, sections 3.3 to 3.3.4. One encoder
serves two masters: a head that names one of three classes, and a decoder that paints the grey
values of the lesion. Painting forces the encoder to know where the lesion is and how it looks; the
head alone is used afterwards. SCXNN has thirteen such networks, one per disease.
"""

from collections.abc import Sequence
from typing import Literal, Self

from torch import Tensor, nn

from course_lib.models.reconstruction_decoder import WIDTHS, ReconstructionDecoder
from course_lib.models.scxnn_encoders import encoder

CLASSES = ("normal", "target", "others")
Task = Literal["reconstruction", "segmentation", "none"]
LAPTOP_WIDTHS = (32, 24, 16, 8)  # for the four scales of the laptop DenseNet


class DiseaseNetwork(nn.Module):
    """Encoder, three-way head and decoder. With DenseNet-121 13,604,436 parameters.

    settings: the arguments it was made with.

    backbone: a name of scxnn_encoders.BACKBONES ("laptop" is the small DenseNet of the lessons).
    num_outputs: 3 for normal, target, others; 2 for normal and target (the thesis' comparison).
    task: what the decoder paints is the trainer's affair (grey values of the lesion, or its
        outline); "none" leaves the decoder out.
    """

    def __init__(
        self,
        backbone: str = "laptop",
        num_outputs: int = 3,
        task: Task = "reconstruction",
        in_channels: int = 1,
        widths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if task not in ("reconstruction", "segmentation", "none"):
            raise ValueError(f"task is 'reconstruction', 'segmentation' or 'none', not {task!r}.")
        if num_outputs not in (2, 3):
            raise ValueError(f"SCXNN tells 2 or 3 classes apart, not {num_outputs}.")
        self.encoder = encoder(backbone, num_outputs, in_channels)
        chosen = tuple(widths or (LAPTOP_WIDTHS if backbone == "laptop" else WIDTHS))
        self.settings = {
            "backbone": backbone,
            "num_outputs": num_outputs,
            "task": task,
            "in_channels": in_channels,
            "widths": chosen,
        }
        channels = self.encoder.channels
        self.decoder = None if task == "none" else ReconstructionDecoder(channels, chosen)
        self.only_head = False

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor | None]:
        """Films (B, C, H, W) -> logits (B, 3) and painted lesion (B, 1, H, W).

        Nothing (None) is painted without a decoder, and while only the head is being trained.
        """
        if self.decoder is None or (self.only_head and self.training):
            return self.encoder(films), None
        maps = self.encoder.maps(films)
        logits = self.encoder.classify(maps[-1])
        return logits, self.decoder(maps, (films.shape[2], films.shape[3]))

    def train_only_head(self) -> None:
        """Freeze encoder and decoder (thesis, step 3: films that come without a mask).

        Their batch norms then also keep their means and variances: a frozen part that still adapts
        its statistics is not frozen.
        """
        self.only_head = True
        self.requires_grad_(False)
        self.encoder.classifier.requires_grad_(True)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As usual in PyTorch; what is frozen stays at rest."""
        super().train(mode)
        if self.only_head:
            self.encoder.features.eval()
            if self.decoder is not None:
                self.decoder.eval()
        return self
