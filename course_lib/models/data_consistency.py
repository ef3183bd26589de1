"""What MR networks know of physics: how an image becomes the samples that were measured.

The encoding A multiplies an image by each coil's sensitivity, transforms it to k-space and keeps
what the mask samples; its adjoint A^H goes back. Images are complex (B, H, W), maps and k-space
(B, coils, H, W), the mask (B, H, W) holds zeros and ones. One coil that is equally sensitive
everywhere has maps of ones. Networks see complex images as two channels.
"""

import torch
from torch import Tensor, nn

from course_lib.imaging.mr.fourier import to_image, to_kspace


def encode(image: Tensor, maps: Tensor, mask: Tensor) -> Tensor:
    """A: image (B, H, W) to the measured samples (B, coils, H, W), zero where nothing was."""
    return to_kspace(image[:, None] * maps) * mask[:, None]


def decode(kspace: Tensor, maps: Tensor, mask: Tensor) -> Tensor:
    """A^H: samples (B, coils, H, W) to an image (B, H, W): the zero-filled one."""
    return (to_image(kspace * mask[:, None]) * maps.conj()).sum(1)


def as_channels(image: Tensor) -> Tensor:
    """Complex (B, H, W) to real (B, 2, H, W)."""
    return torch.view_as_real(image).movedim(-1, 1)


def as_complex(channels: Tensor) -> Tensor:
    """Real (B, 2, H, W) to complex (B, H, W)."""
    return torch.view_as_complex(channels.movedim(1, -1).contiguous().float())


class KeepMeasured(nn.Module):
    """Data consistency for one coil: put the measured samples back in place of the network's.

    With noise, a mixture (k_net + w k_measured) / (1 + w) with learned weight w; without (hard),
    the measured ones alone. Schlemper et al., IEEE Trans Med Imaging 2018;37:491-503, eq. 7.
    """

    def __init__(self, hard: bool = True) -> None:
        super().__init__()
        self.log_weight = None if hard else nn.Parameter(torch.tensor(2.0))

    def forward(self, image: Tensor, measured: Tensor, mask: Tensor) -> Tensor:
        """image (B, H, W), measured k-space (B, H, W), mask (B, H, W) -> image (B, H, W)."""
        own = to_kspace(image)
        mixed = 1.0 if self.log_weight is None else torch.sigmoid(self.log_weight)  # w / (1 + w)
        share = mask * mixed
        return to_image(own + share * (measured - own))
