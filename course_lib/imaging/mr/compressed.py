"""Compressed sensing: the image that fits the data and is sparse in some domain.

Lustig, Donoho, Pauly, MRM 58 (2007) 1182. Minimises

    1/2 |E x - y|^2 + amount * penalty(x)

by ISTA (a gradient step towards the data, then a step towards sparsity) or FISTA, the same with
momentum (Beck and Teboulle, SIAM J. Imaging Sciences 2 (2009) 183).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.encoding import Encoding
from course_lib.imaging.mr.sparsity import Domain

Complex = NDArray[np.complex64]
Watch = Callable[[Complex], None] | None


def ista(
    kspace: Complex, encoding: Encoding, domain: Domain, amount: float, iterations: int = 100,
    watch: Watch = None,
) -> Complex:  # fmt: skip
    """(rows, columns) image; `amount` relative to the brightest pixel of the first image.

    `watch` is called with the image after every iteration.
    """
    return _descend(kspace, encoding, domain, amount, iterations, watch, momentum=False)


def fista(
    kspace: Complex, encoding: Encoding, domain: Domain, amount: float, iterations: int = 50,
    watch: Watch = None,
) -> Complex:  # fmt: skip
    """As `ista`, with momentum: the error falls with 1 / iterations^2 instead of 1 / iterations."""
    return _descend(kspace, encoding, domain, amount, iterations, watch, momentum=True)


def _descend(kspace, encoding, domain, amount, iterations, watch, momentum) -> Complex:
    first = encoding.adjoint(kspace)
    threshold = amount * float(np.abs(first).max())
    step = np.float32(1 / encoding.largest)
    image, ahead, t = first, first, 1.0
    for turn in range(iterations):
        gradient = encoding.normal(ahead) - first
        new = domain.shrink(ahead - step * gradient, threshold * step, turn)
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2 if momentum else 1.0
        ahead = new + np.float32((t - 1) / t_next) * (new - image)
        image, t = new, t_next
        if watch is not None:
            watch(image)
    return image


def objective(
    image: Complex, kspace: Complex, encoding: Encoding, domain: Domain, amount: float
) -> float:
    """What is minimised, for `amount` relative to the brightest pixel of the first image."""
    threshold = amount * float(np.abs(encoding.adjoint(kspace)).max())
    misfit = encoding.forward(image) - encoding.mask * kspace
    return 0.5 * float((np.abs(misfit) ** 2).sum()) + threshold * domain.penalty(image)
