"""A reader made of mathematics: can a known small lesion still be told from its absence?

A channelised Hotelling observer looks at a patch through a few smooth, round channels, like those
of human vision, learns from examples how lesion and noise appear in them, and gives every new patch
one number. The area under the ROC curve of these numbers is the detectability. It is the usual
model observer for CT (H. H. Barrett, K. J. Myers, Foundations of Image Science, 2004, ch. 14).
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.laguerre import lagval
from numpy.typing import ArrayLike, NDArray

from course_lib.imaging.ct.rows import centred

Floats = NDArray[np.float64]


def laguerre_gauss_channels(size: int, pixel_mm: float, width_mm: float, count: int = 6) -> Floats:
    """(count, size, size) orthonormal round channels about the middle of a patch.

    u_j(r) ~ exp(-pi r^2 / a^2) L_j(2 pi r^2 / a^2), with a = width_mm (B. D. Gallas,
    H. H. Barrett, J Opt Soc Am A 2003;20:1725). They suit round lesions of a known place; a is
    about the lesion's diameter.
    """
    where = centred(size, pixel_mm)
    squared = 2 * np.pi * (where[:, None] ** 2 + where**2) / width_mm**2
    channels = np.stack([lagval(squared, np.eye(count)[j]) for j in range(count)])
    channels *= np.exp(-squared / 2)
    return channels / np.sqrt((channels**2).sum(axis=(1, 2), keepdims=True))


def seen_through(patches: ArrayLike, channels: Floats) -> Floats:
    """(patches, channels): what each channel sees of each (rows, columns) patch."""
    images = np.asarray(patches, np.float64)
    if images.ndim != 3 or images.shape[1:] != channels.shape[1:]:
        raise ValueError(
            f"Patches must be (patches, {channels.shape[1]}, {channels.shape[2]}), not "
            f"{images.shape}."
        )
    return np.einsum("nyx,cyx->nc", images, channels)


def hotelling_template(present: Floats, absent: Floats) -> Floats:
    """(channels,): K^-1 (mean present - mean absent), K the mean covariance of both kinds.

    The linear rule with the best signal-to-noise ratio. present, absent: from `seen_through`, at
    least two more of each than channels, else ValueError.
    """
    if min(len(present), len(absent)) < present.shape[1] + 2:
        raise ValueError("Too few examples for the channels: their noise cannot be estimated.")
    spread = (np.cov(present, rowvar=False) + np.cov(absent, rowvar=False)) / 2
    return np.linalg.solve(spread, present.mean(axis=0) - absent.mean(axis=0))


def observer_scores(
    present: ArrayLike, absent: ArrayLike, channels: Floats
) -> tuple[NDArray[np.int_], Floats]:
    """Truths (0 or 1) and scores of the second half of the patches, learned from the first half.

    present, absent: (patches, rows, columns) with and without a lesion in the middle. Examples and
    tests are kept apart, or the observer would flatter every image.
    """
    with_it, without = seen_through(present, channels), seen_through(absent, channels)
    half, other = len(with_it) // 2, len(without) // 2
    template = hotelling_template(with_it[:half], without[:other])
    scores = np.concatenate([with_it[half:], without[other:]]) @ template
    truths = np.repeat([1, 0], [len(with_it) - half, len(without) - other])
    return truths, scores
