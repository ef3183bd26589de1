"""Solving W mu = p step by step: ART, SIRT, CGLS.

SIRT and CGLS need only two things: to project a picture, and the transpose of that. They take any
projector (MatrixProjector here, ParallelProjector in fourier.py). ART needs the rows of the matrix.
`watch`, if given, is called after every iteration with its number and the picture: to draw, or to
measure errors.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from scipy import sparse
from tqdm.auto import tqdm

Watch = Callable[[int, np.ndarray], None]


def steps(iterations: int, name: str) -> Iterable[int]:
    """1 .. iterations; a progress bar appears when they take longer than five seconds."""
    return tqdm(range(1, iterations + 1), name, leave=False, delay=5)


class Projector(Protocol):
    """A linear model of the scanner."""

    def project(self, image: np.ndarray) -> np.ndarray:
        """Sinogram (views, detectors) of a picture (size, size)."""

    def back_project(self, sinogram: np.ndarray) -> np.ndarray:
        """Transpose of project()."""


class MatrixProjector:
    """A system matrix as a projector; shapes of pictures and sinograms are restored."""

    def __init__(self, matrix: sparse.csr_matrix, views: int) -> None:
        self.matrix, self.transposed = matrix, matrix.T.tocsr()
        self.size = round(np.sqrt(matrix.shape[1]))
        self.views = views

    def project(self, image: np.ndarray) -> np.ndarray:
        """Sinogram (views, detectors) of a picture (size, size)."""
        return (self.matrix @ image.ravel()).reshape(self.views, -1)

    def back_project(self, sinogram: np.ndarray) -> np.ndarray:
        """Picture (size, size): the transpose."""
        return (self.transposed @ sinogram.ravel()).reshape(self.size, self.size)


def art(
    matrix: sparse.csr_matrix,
    sinogram: np.ndarray,
    sweeps: int,
    relaxation: float = 1.0,
    watch: Watch | None = None,
) -> np.ndarray:
    """Algebraic reconstruction technique: one ray after the other (S. Kaczmarz 1937).

    Each step moves the picture just far enough to fulfil one equation:
    mu += relaxation * w_i (p_i - w_i . mu) / |w_i|^2. One sweep uses every view once, in an order
    that jumps (golden angle): neighbouring views say nearly the same. relaxation: above 0, below 2.
    This is the method of the first scanner (R. Gordon et al., J. Theor. Biol. 29, 1970, 471).
    """
    picture = np.zeros(matrix.shape[1])
    measured, detectors = sinogram.ravel(), sinogram.shape[1]
    starts, pixels, weights = matrix.indptr, matrix.indices, matrix.data
    order = [view * detectors + ray for view in jumping(len(sinogram)) for ray in range(detectors)]
    for sweep in steps(sweeps, "ART"):
        for i in order:
            crossed = pixels[starts[i] : starts[i + 1]]
            weight = weights[starts[i] : starts[i + 1]]
            length = weight @ weight
            if length > 0:
                error = measured[i] - weight @ picture[crossed]
                picture[crossed] += relaxation * error / length * weight
        if watch:
            watch(sweep, _square(picture))
    return _square(picture)


def jumping(views: int) -> np.ndarray:
    """0 .. views - 1, ordered so that successive views differ by about the golden ratio of 180."""
    return np.argsort(np.argsort(np.arange(views) * 0.618033988749895 % 1.0))


def sirt(
    projector: Projector,
    sinogram: np.ndarray,
    iterations: int,
    watch: Watch | None = None,
    nonnegative: bool = False,
) -> np.ndarray:
    """Simultaneous iterative reconstruction: the mean correction of all rays at once.

    mu += C W' R (p - W mu), with R one over each ray's length in the picture (row sums), and C one
    over each pixel's total weight (column sums) (J. Gregor, T. Benson, IEEE Trans. Med. Imaging 27,
    2008, 918). Slow, but steady. Returns (size, size) in 1/mm.
    """
    blank = projector.back_project(np.zeros_like(sinogram, dtype=np.float32))
    per_ray = _inverse(projector.project(np.ones_like(blank)))
    per_pixel = _inverse(projector.back_project(np.ones_like(sinogram, dtype=blank.dtype)))
    picture = np.zeros_like(blank)
    for iteration in steps(iterations, "SIRT"):
        error = sinogram - projector.project(picture)
        picture = picture + per_pixel * projector.back_project(per_ray * error)
        if nonnegative:
            picture = np.maximum(picture, 0)
        if watch:
            watch(iteration, picture)
    return picture


def cgls(
    projector: Projector, sinogram: np.ndarray, iterations: int, watch: Watch | None = None
) -> np.ndarray:
    """Conjugate gradients for least squares (M. Hestenes, E. Stiefel 1952): (size, size) in 1/mm.

    Minimises |W mu - p|^2 in the few directions that matter most, so that 20 iterations do what
    takes SIRT hundreds. It fits noise as eagerly as signal: stop early.
    """
    residual = np.asarray(sinogram, np.float32)
    gradient = projector.back_project(residual)
    picture, direction = np.zeros_like(gradient), gradient
    steepness = np.vdot(gradient, gradient)
    for iteration in steps(iterations, "CGLS"):
        seen = projector.project(direction)
        step = steepness / np.vdot(seen, seen)
        picture = picture + step * direction
        residual = residual - step * seen
        gradient = projector.back_project(residual)
        previous, steepness = steepness, np.vdot(gradient, gradient)
        direction = gradient + steepness / previous * direction
        if watch:
            watch(iteration, picture)
    return picture


def _inverse(sums: np.ndarray) -> np.ndarray:
    """One over each element; 0 where hardly anything is seen."""
    enough = sums > 1e-3 * sums.max()
    return np.where(enough, 1 / np.where(enough, sums, 1), 0).astype(sums.dtype)


def _square(picture: np.ndarray) -> np.ndarray:
    """A flat picture as (size, size), copied, so that watchers may keep it."""
    size = round(np.sqrt(picture.size))
    return picture.reshape(size, size).copy()
