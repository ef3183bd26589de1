"""A heat map laid over a film, as a colour picture."""

import numpy as np
from matplotlib import colormaps
from numpy.typing import ArrayLike, NDArray


def overlay(film: ArrayLike, heat: ArrayLike, strength: float = 0.6) -> NDArray[np.float64]:
    """Colour picture (H, W, 3) in 0..1: ``film`` (H, W) in 0..1 under the positive ``heat`` (H, W).

    Heat is scaled to its own maximum and grows from transparent to bright; what is zero or speaks
    against the finding leaves the film as it is. The colours (matplotlib's inferno) rise in
    brightness too, so they can be read without colour vision.
    """
    film, heat = np.asarray(film, dtype=np.float64), np.asarray(heat, dtype=np.float64)
    if film.shape != heat.shape or film.ndim != 2:
        raise ValueError(
            f"Film {film.shape} and map {heat.shape} must be pictures of the same size; "
            "enlarge the map first."
        )
    positive = np.clip(heat, 0, None)
    share = positive / positive.max() if positive.max() > 0 else positive
    opacity = strength * share[..., None] ** 1.5  # keeps the film readable where heat is faint
    return (1 - opacity) * film[..., None] + opacity * colormaps["inferno"](share)[..., :3]
