"""Does a map point at the finding? Scores of a map (H, W) against the true mask (H, W).

A map that knows nothing still scores by luck: the share of the picture that the mask covers is the
expected value of the first two scores for a map without a clue. Compare with ``covered``.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def points_inside(heat: ArrayLike, mask: ArrayLike) -> bool:
    """The pointing game (Zhang et al., arXiv:1608.00507): is the hottest pixel in the mask?"""
    heat, mask = _heat_and_mask(heat, mask)
    return bool(mask.flat[heat.argmax()])


def energy_inside(heat: ArrayLike, mask: ArrayLike) -> float:
    """Share of the positive heat that lies in the mask, 0 to 1; NaN if there is no positive heat.

    Wang et al., "Score-CAM", arXiv:1910.01279 (energy-based pointing game).
    """
    heat, mask = _heat_and_mask(heat, mask)
    positive = np.clip(heat, 0, None)
    total = positive.sum()
    return float(positive[mask].sum() / total) if total > 0 else float("nan")


def overlap(heat: ArrayLike, mask: ArrayLike, fraction: float = 0.5) -> float:
    """Intersection over union of the mask and the pixels above ``fraction`` of the map's maximum.

    0 for a map without positive heat.
    """
    heat, mask = _heat_and_mask(heat, mask)
    hot = heat >= fraction * heat.max() if heat.max() > 0 else np.zeros_like(mask)
    return float((hot & mask).sum() / (hot | mask).sum())


def covered(mask: ArrayLike) -> float:
    """Share of the picture that the mask covers: what luck alone would score."""
    return float(np.mean(np.asarray(mask, dtype=bool)))


def average_score(
    score: Callable[[NDArray, NDArray], float],
    heats: Iterable[ArrayLike],
    masks: Iterable[ArrayLike],
) -> float:
    """Mean of a score over pairs of map and mask; pairs where it is NaN are left out."""
    values = [score(np.asarray(h), np.asarray(m)) for h, m in zip(heats, masks, strict=True)]
    if not values:
        raise ValueError("There is no pair of map and mask to average over.")
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def _heat_and_mask(heat: ArrayLike, mask: ArrayLike) -> tuple[NDArray, NDArray[np.bool_]]:
    heat, mask = np.asarray(heat, dtype=np.float64), np.asarray(mask, dtype=bool)
    if heat.shape != mask.shape or heat.ndim != 2:
        raise ValueError(
            f"Map {heat.shape} and mask {mask.shape} must be pictures of the same size; "
            "enlarge the map first."
        )
    if not mask.any():
        raise ValueError("The mask is empty: the image does not show the finding.")
    return heat, mask
