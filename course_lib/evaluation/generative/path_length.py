"""Perceptual path length: does a small step in latent space change the film by a small step?

Karras et al., arXiv:1812.04948, section 4.1, with features of any network in place of VGG's.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from course_lib.evaluation.generative.estimate import Estimate, feature_table
from course_lib.evaluation.intervals import Interval, normal_quantile


def slerp(first: NDArray, second: NDArray, share: NDArray | float) -> NDArray[np.float64]:
    """Points (N, D) on the great circle from `first` to `second`, on the sphere of radius sqrt(D).

    Latents from a normal distribution all lie near this sphere; a straight line would leave it.
    share: 0 at `first`, 1 at `second`; a number or (N, 1). Raises ValueError for opposite vectors.
    """
    a = first / np.linalg.norm(first, axis=1, keepdims=True)
    b = second / np.linalg.norm(second, axis=1, keepdims=True)
    angle = np.arccos((a * b).sum(1, keepdims=True).clip(-1, 1))
    if (angle > np.pi - 1e-6).any():
        raise ValueError("Two latents are opposite: there is no single great circle between them.")
    sine = np.sin(angle)
    near = sine < 1e-9  # the same direction: nothing to interpolate
    safe = np.where(near, 1, sine)
    point = np.where(near, a, (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / safe)
    return point * np.sqrt(a.shape[1])


def perceptual_path_length(
    generator: Callable[[Tensor], Tensor],
    features: Callable[[Tensor], ArrayLike],
    latent_size: int,
    seed: int = 0,
    epsilon: float = 1e-2,
    paths: int = 500,
    batch: int = 100,
) -> Estimate:
    """Mean squared change of the features per squared step along paths between random latents.

    generator: latents float32 (N, latent_size) to films; features: films to (N, D). Steps of
    `epsilon` of the way at a random place of each path. The lowest and highest hundredth are left
    out, as published. epsilon is 1e-2 here and not 1e-4: float32 cannot tell nearer films apart.
    """
    if not 0 < epsilon < 1 or paths < 10 or latent_size < 2:
        raise ValueError(
            f"epsilon lies between 0 and 1, with 10 paths and 2 latents at least; these are "
            f"{epsilon}, {paths}, {latent_size}."
        )
    random = np.random.default_rng(seed)
    ends = random.standard_normal((2, paths, latent_size))
    start = random.uniform(0, 1 - epsilon, (paths, 1))
    latents = [slerp(ends[0], ends[1], share) for share in (start, start + epsilon)]
    seen = [_look(generator, features, z, batch) for z in latents]
    steps = ((seen[1] - seen[0]) ** 2).sum(axis=1) / epsilon**2
    low, high = np.quantile(steps, [0.01, 0.99])
    kept = steps[(steps >= low) & (steps <= high)]
    half = normal_quantile(0.95) * kept.std(ddof=1) / np.sqrt(kept.size)
    return Estimate(
        float(kept.mean()), Interval(float(kept.mean() - half), float(kept.mean() + half))
    )


@torch.inference_mode()
def _look(
    generator: Callable[[Tensor], Tensor],
    features: Callable[[Tensor], ArrayLike],
    latents: NDArray,
    batch: int,
) -> NDArray[np.float64]:
    parts = torch.from_numpy(latents.astype(np.float32)).split(batch)
    return np.concatenate([feature_table(features(generator(part)), least=1) for part in parts])
