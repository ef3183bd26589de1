"""Witnesses that do not look inside the network, and questions that catch a false map.

- Occlusion (Zeiler and Fergus, arXiv:1311.2901, section 3): cover a patch, see how the logit falls.
- Identity: the mean of a class activation map plus the bias must be the logit, and Grad-CAM times
  the number of pixels must be the same map.
- Randomised weights (Adebayo et al., arXiv:1810.03292): a map that stays as it was when the network
  forgets what it learned shows the film, not the network.
"""

import copy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_lib.explain.cam import activation_maps, grad_cam


@torch.inference_mode()
def occlusion_map(
    model: nn.Module,
    film: Tensor,
    output: int,
    patch: int = 24,
    step: int = 8,
    fill: float | None = None,
    batch: int = 64,
) -> Tensor:
    """How much the logit falls when a square is covered: (rows, columns), positive speaks for it.

    film (C, H, W) or (1, C, H, W). patch, step: pixels. The map has one value per position of the
    patch, row by row, from one edge to the other. fill: the grey value of the cover; the film's own
    mean when omitted (a black square on a film is a new object; no cover is neutral). Raises
    ValueError if the patch does not fit.
    """
    film = film.reshape(1, *film.shape[-3:])
    height, width = film.shape[-2:]
    if not 1 <= patch <= min(height, width) or step < 1:
        raise ValueError(f"A patch of {patch} with step {step} does not fit {height} x {width}.")
    device = next(model.parameters()).device
    model.eval()
    rows, columns = _starts(height, patch, step), _starts(width, patch, step)
    cover = float(film.mean()) if fill is None else fill
    covered = film.repeat(len(rows) * len(columns), 1, 1, 1)
    for number, (top, left) in enumerate((r, c) for r in rows for c in columns):
        covered[number, :, top : top + patch, left : left + patch] = cover
    before = model(film.to(device))[0, output]
    after = torch.cat([model(part.to(device))[:, output] for part in covered.split(batch)])
    return (before - after).reshape(len(rows), len(columns)).cpu()


class IdentityErrors(NamedTuple):
    """The largest errors of both identities over a batch, in units of the logit; 0 is perfect."""

    mean_plus_bias: float
    gradient_times_pixels: float


def identity_errors(
    model: nn.Module, images: Tensor, output: int, layer: str = "features"
) -> IdentityErrors:
    """How far mean(CAM) + b is from the logit, and h w Grad-CAM from the CAM.

    Raises NoActivationMap if the network has no class activation map.
    """
    cam = activation_maps(model, images, layer)
    logits = cam.maps.mean((2, 3)) + cam.bias
    pixels = cam.maps.shape[-2] * cam.maps.shape[-1]
    gradient = grad_cam(model, images, output, layer) * pixels
    return IdentityErrors(
        (logits - cam.logits).abs().max().item(),
        (gradient - cam.maps[:, output]).abs().max().item(),
    )


def mean_tells_logit(maps: Tensor, logits: Tensor) -> float:
    """Correlation of the maps' means with the logits over a batch: 1 for a true class map.

    maps (B, h, w) of one class and logits (B,) of at least three films. A map from the wrong
    weights does not know the answer. Raises ValueError for fewer films; NaN if all maps or logits
    are equal.
    """
    if len(maps) < 3 or len(maps) != len(logits):
        raise ValueError("Give maps and logits of the same films, at least three.")
    means, answers = maps.mean((1, 2)).double(), logits.double()
    means, answers = means - means.mean(), answers - answers.mean()
    size = means.norm() * answers.norm()
    return float(means @ answers / size) if size > 0 else float("nan")


def wrong_class_map(model: nn.Module, images: Tensor) -> Tensor:
    """The mistake of a well-known reproduction: maps (B, h, w) weighted by the last norm's scale.

    ``list(features.parameters())[-2]`` was meant to be the classifier's weights. In a DenseNet it
    is ``features.norm5.weight``: as many numbers, so nothing complains, but no class is in them,
    and the map is the same for all findings. Kept to be found out. ``model.features`` ends as in
    models.densenet or torchvision.
    """
    scale = list(model.get_submodule("features").parameters())[-2]
    model.eval()
    with torch.inference_mode():
        maps = torch.relu(model.get_submodule("features")(images))
        return torch.einsum("c,bchw->bhw", scale, maps).cpu()


def randomised(model: nn.Module, seed: int, only: str = "") -> nn.Module:
    """A copy whose weights are shuffled within each tensor: same values, nothing learned.

    only: shuffle just the tensors whose name begins so, for example "classifier".
    """
    copied = copy.deepcopy(model)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weights in copied.named_parameters():
            if name.startswith(only):
                order = torch.randperm(weights.numel(), generator=random)
                weights.copy_(weights.flatten()[order.to(weights.device)].reshape(weights.shape))
    return copied.eval()


def similarity(first: Tensor, second: Tensor) -> NDArray[np.float64]:
    """Spearman correlation of pairs of maps (B, h, w): 1 for the same order of pixels, 0 none."""
    ranks = [maps.flatten(1).argsort(1).argsort(1).double() for maps in (first, second)]
    centred = [values - values.mean(1, keepdim=True) for values in ranks]
    size = centred[0].norm(dim=1) * centred[1].norm(dim=1)
    return ((centred[0] * centred[1]).sum(1) / size).numpy()


def _starts(length: int, patch: int, step: int) -> list[int]:
    """Where patches begin; the last one touches the edge."""
    starts = list(range(0, length - patch + 1, step))
    return starts if starts[-1] == length - patch else [*starts, length - patch]
