"""Learned against classical reconstruction at the same samples, on exact k-space of virtual heads.

The networks train from several seeds, so that one lucky run proves nothing. Errors relative to zero
filling, CPU time relative to FISTA. Run: python -m benchmarks.mr_learned [seeds]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.mr_pairs import Scans, cohort_images, exact_images, scans
from course_lib.imaging.mr.compressed import fista
from course_lib.imaging.mr.encoding import single_coil
from course_lib.imaging.mr.noise import nrmse
from course_lib.imaging.mr.sparsity import Differences, Domain, Wavelets
from course_lib.learning.pairs import PairLoss, Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.cascade import Cascade, cascade

SHAPE = (64, 64)


def scanned(images: NDArray, seed: int, factor: float = 3) -> Scans:
    return scans(images, factor, 0.005, acs=12, seed=seed, points=True)


def trained(images: NDArray, seed: int) -> Cascade:
    """The laptop cascade after eight epochs."""
    torch.manual_seed(seed)
    train, watch = scanned(images[:-30], 2 * seed + 1), scanned(images[-30:], 2 * seed + 2)
    pairs = [Pairs(case.measured, case.target, mask=case.mask) for case in (train, watch)]
    network = cascade("laptop")
    plan = Plan(epochs=8, batch_size=4, learning_rate=3e-3, seed=seed)
    fit(network, *pairs, PairLoss("l1", ("mask",)), plan)
    return network.eval()


def sparse(domain: Domain, amount: float) -> Callable[[Scans], NDArray]:
    def reconstruct(case: Scans) -> NDArray:
        pairs = zip(case.measured.numpy(), case.mask.numpy(), strict=True)
        return np.stack([fista(y[None], single_coil(m), domain, amount, 60) for y, m in pairs])

    return reconstruct


def learned(network: Cascade) -> Callable[[Scans], NDArray]:
    def reconstruct(case: Scans) -> NDArray:
        with torch.no_grad():
            return network(case.measured, case.mask).numpy()

    return reconstruct


def measure(reconstruct: Callable[[Scans], NDArray], case: Scans) -> tuple[float, float]:
    """Mean NRMSE of the magnitude, CPU seconds per image."""
    start = time.process_time()
    images = reconstruct(case)
    seconds = (time.process_time() - start) / len(case)
    pairs = zip(np.abs(images), case.target.abs().numpy(), strict=True)
    return float(np.mean([nrmse(image, truth) for image, truth in pairs])), seconds


def main(seeds: int = 3) -> None:
    torch.set_num_threads(1)
    school = cohort_images(range(1000, 1030))
    methods = {
        "FISTA, wavelets": sparse(Wavelets(SHAPE, levels=3), 0.002),
        "FISTA, differences": sparse(Differences(), 0.002),
        **{f"cascade, seed {s}": learned(trained(school, s)) for s in range(seeds)},
    }
    exam = {contrast: exact_images(range(6), contrast) for contrast in ("T2", "T1")}
    for contrast, factor in (("T2", 3), ("T2", 6), ("T1", 3)):
        case = scanned(exam[contrast], 3, factor)
        start, _ = measure(lambda c: c.zero_filled.numpy(), case)
        found = {name: measure(method, case) for name, method in methods.items()}
        slow = found["FISTA, differences"][1]
        print(f"{contrast}, 1/{factor} of the points: zero filling {start:.3f}")
        for name, (error, seconds) in found.items():
            print(f"  {name:20s} error x {error / start:.2f}   time x {seconds / slow:.2f}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
