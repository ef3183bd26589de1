"""Reconstruction from few views: of all pictures that fit, the one with least total variation.

Total variation is the sum of the heights of all grey-value steps. Streaks have many steps, organs
few, so a picture of flat pieces can be found from far fewer views than FBP needs (E. Sidky, X. Pan,
Phys. Med. Biol. 53, 2008, 4777). Solved by the primal-dual method of A. Chambolle and T. Pock
(J. Math. Imaging Vis. 40, 2011, 120).
"""

import numpy as np

from course_lib.imaging.ct.algebraic import Projector, Watch, steps


def total_variation_reconstruction(
    projector: Projector,
    sinogram: np.ndarray,
    iterations: int,
    strength: float,
    watch: Watch | None = None,
) -> np.ndarray:
    """Picture (size, size) in 1/mm, never negative.

    Minimises |W mu - p|^2 / (2 |W|^2) + strength * TV(mu), |W| being the largest singular value of
    the projector. strength in 1/mm: without noise, 0.0003 of the largest attenuation is a start.
    watch: called after each iteration with its number and the picture.
    """
    sinogram = np.asarray(sinogram, np.float32)
    picture = np.zeros_like(projector.back_project(sinogram))
    norm = operator_norm(projector, picture.shape)
    leading, rays, slopes = picture, np.zeros_like(sinogram), np.zeros((2, *picture.shape), "f4")
    # W / norm has norm 1, gradient at most sqrt(8): the two steps' product may be 1 / (1 + 8).
    # The picture is much larger than the misfits, so it takes the longer steps.
    step, long_step = np.float32(1 / 30), np.float32(10 / 3)
    for iteration in steps(iterations, "total variation"):
        misfit = (projector.project(leading) - sinogram) / norm
        rays = (rays + step * misfit) / (1 + step)
        slopes = _shorten(slopes + step * gradient(leading), strength)
        descent = projector.back_project(rays) / norm - divergence(slopes)
        previous, picture = picture, np.maximum(picture - long_step * descent, 0)
        leading = 2 * picture - previous
        if watch:
            watch(iteration, picture)
    return picture


def gradient(picture: np.ndarray) -> np.ndarray:
    """Differences to the pixel below and to the right: (2, rows, columns); 0 at the far edges."""
    differences = np.zeros((2, *picture.shape), picture.dtype)
    differences[0, :-1] = picture[1:] - picture[:-1]
    differences[1, :, :-1] = picture[:, 1:] - picture[:, :-1]
    return differences


def divergence(slopes: np.ndarray) -> np.ndarray:
    """Minus the transpose of gradient(): (rows, columns) from (2, rows, columns)."""
    total = np.zeros_like(slopes[0])
    total[:-1] += slopes[0, :-1]
    total[1:] -= slopes[0, :-1]
    total[:, :-1] += slopes[1, :, :-1]
    total[:, 1:] -= slopes[1, :, :-1]
    return total


def total_variation(picture: np.ndarray) -> float:
    """Sum over all pixels of the length of the gradient."""
    return float(np.hypot(*gradient(picture)).sum())


def operator_norm(projector: Projector, shape: tuple[int, ...], rounds: int = 12) -> float:
    """Largest singular value of a projector, by repeating W'W on a flat picture."""
    picture = np.ones(shape, np.float32)
    for _ in range(rounds):
        picture /= np.linalg.norm(picture)
        picture = projector.back_project(projector.project(picture))
    return float(np.sqrt(np.linalg.norm(picture)))


def _shorten(slopes: np.ndarray, longest: float) -> np.ndarray:
    """Arrows longer than `longest` cut to that length."""
    return slopes / np.maximum(1, np.hypot(*slopes) / longest)
