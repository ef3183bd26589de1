"""U-Net's loss: cross-entropy in which rare classes and thin gaps between neighbours count more.

Source: Ronneberger, Fischer, Brox, arXiv:1505.04597, section 3, Eq. 1 and 2.
"""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional


def separation_weights(
    instances: np.ndarray, w0: float = 10.0, sigma_px: float = 5.0, balance: bool = True
) -> np.ndarray:
    """Weight (H, W) of each pixel, Eq. 2: w_c + w0 exp(-(d1 + d2)^2 / (2 sigma^2)).

    instances: (H, W) integers, 0 for background, one number for each cell (or nodule, or tooth).
    d1, d2: distance in pixels to the nearest and the second nearest instance. The second term is
    given to background pixels only (it is there for the network to learn the gaps between
    touching cells) and is zero where there are fewer than two instances.
    balance: w_c makes background and foreground weigh the same in all, with mean 1; else w_c = 1.
    """
    weights = _class_weights(instances > 0) if balance else np.ones(instances.shape)
    numbers = [number for number in np.unique(instances) if number != 0]
    if len(numbers) < 2:
        return weights
    distances = np.stack([ndimage.distance_transform_edt(instances != n) for n in numbers])
    nearest = np.partition(distances, 1, axis=0)[:2].sum(0)
    gaps = w0 * np.exp(-(nearest**2) / (2 * sigma_px**2))
    return weights + np.where(instances == 0, gaps, 0.0)


def _class_weights(foreground: np.ndarray) -> np.ndarray:
    """1 / (2 x share of the pixel's class), so that both classes have half of the total weight."""
    share = foreground.mean()
    if share in (0, 1):
        return np.ones(foreground.shape)
    return np.where(foreground, 0.5 / share, 0.5 / (1 - share))


class WeightedPixelLoss:
    """Eq. 1: the mean over pixels of weight x cross-entropy.

    The batch holds input (B, C, H, W), target (B, h, w) class numbers and, if wanted, weight
    (B, h, w), both of the size of the model's output. Raises ValueError for other sizes.
    """

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        logits, target = model(batch["input"]), batch["target"]
        if logits.shape[-2:] != target.shape[-2:]:
            raise ValueError(
                f"The model segments {tuple(logits.shape[-2:])} pixels, but the target has "
                f"{tuple(target.shape[-2:])}: cut its middle out (models.unet.central)."
            )
        terms = functional.cross_entropy(logits, target.long(), reduction="none")
        weight = batch.get("weight")
        return (terms if weight is None else terms * weight.to(terms)).mean()
