"""MR reconstruction against sigpy in the same process: time and error, on exact k-space.

    python -m benchmarks.mr_reconstruction

Eight coils, 256 x 256, a virtual head whose k-space comes from its solids (no inverse crime), with
noise. Both sides get the same data, maps and masks; for compressed sensing each gets the best of
the same ladder of regularisation strengths. Times are processor time, the median of five runs after
one to warm up. The error is the root mean square against the noise-free, fully sampled image,
relative to it, within the head.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import sigpy.mri

from course_lib.imaging.mr.coils import head_coil
from course_lib.imaging.mr.compressed import fista
from course_lib.imaging.mr.encoding import Encoding
from course_lib.imaging.mr.exact import BodySlice, coil_kspace
from course_lib.imaging.mr.fourier import centre_crop, to_image
from course_lib.imaging.mr.grappa import calibrate, fill
from course_lib.imaging.mr.noise import add_noise, nrmse, root_sum_of_squares, simple_image
from course_lib.imaging.mr.sampling import every, variable_density
from course_lib.imaging.mr.sense import cg_sense, unfold
from course_lib.imaging.mr.sparsity import Wavelets
from course_lib.imaging.mr.tissues import SILENT, relaxation
from course_lib.patient.head import head_parts

N, FOV_MM, NOISE = 256, 240.0, 0.004
REPEATS, CG_STEPS, CS_STEPS = 5, 30, 50
LADDER = (1e-3, 2e-3, 3e-3, 5e-3)  # of the brightest pixel


def head_slice() -> BodySlice:
    """A T2-weighted slice through a virtual head."""
    parts = head_parts(3, age=45)
    weights = {"air": 0.0}
    for tissue in {part.tissue for part in parts} | {part.displaces for part in parts}:
        if tissue not in SILENT:
            r = relaxation(tissue, 3.0)
            weights[tissue] = r.pd * (1 - np.exp(-4000 / r.t1_ms)) * np.exp(-90 / r.t2_ms)
    return BodySlice(parts, weights, 12.0, 4.0)


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Median processor time of `work` in ms, and its result."""
    result = work()
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return 1000 * float(np.median(spent)), result


def main() -> None:
    """Measure and print."""
    coils = head_coil(8, FOV_MM)
    exact = coil_kspace(head_slice(), (N, N), coils)
    maps = coils.maps((N, N))
    maps /= root_sum_of_squares(maps)  # as sigpy's own calibration delivers them
    truth = root_sum_of_squares(to_image(exact))
    body = truth > 0.05 * truth.max()
    noisy = add_noise(exact, NOISE, seed=0)
    print(f"{'':34} {'ours':>10} {'sigpy':>10} {'ratio':>7} {'error':>8} {'sigpy':>8}")

    def row(name: str, ours: Callable, peer: Callable | None) -> None:
        mine = timed(ours)
        error = nrmse(np.abs(mine[1]), truth, body)
        if peer is None:
            print(f"{name:34} {mine[0]:7.0f} ms {'-':>10} {'-':>7} {error:8.4f} {'-':>8}")
            return
        other = timed(peer)
        theirs = nrmse(np.abs(other[1]), truth, body)
        ratio = other[0] / mine[0]
        print(f"{name:34} {mine[0]:7.0f} ms {other[0]:7.0f} ms {ratio:6.1f}x", end=" ")
        print(f"{error:8.4f} {theirs:8.4f}")

    for factor in (2, 4):
        mask = every((N, N), factor, acs=0)
        data = (noisy * mask).astype(np.complex64)
        compare_sense(row, f"CG-SENSE, R = {factor}, {CG_STEPS} steps", data, maps, mask)
        row(f"SENSE by unfolding, R = {factor}", lambda d=data, f=factor: unfold(d, maps, f), None)
        acs = centre_crop(noisy, 24)
        with_acs = noisy * every((N, N), factor, acs=24)
        row(
            f"GRAPPA, R = {factor}, 24 ACS lines",
            lambda a=acs, d=with_acs, f=factor: simple_image(fill(d, calibrate(a, f))),
            None,
        )  # fmt: skip
    mask = variable_density((N, N), 4, 16, seed=1)
    data = (noisy * mask).astype(np.complex64)
    compare_sense(row, f"CG-SENSE, random, R = 4, {CG_STEPS} steps", data, maps, mask)
    compare_wavelets(row, data, maps, mask, truth, body)


def compare_sense(row: Callable, name: str, data: np.ndarray, maps: np.ndarray, mask) -> None:
    """One row: conjugate gradients of both."""
    weights = np.broadcast_to(mask, data.shape).astype(np.float32)
    row(
        name,
        lambda: cg_sense(data, Encoding(maps, mask), CG_STEPS),
        lambda: sigpy.mri.app.SenseRecon(
            data, maps, weights=weights, max_iter=CG_STEPS, show_pbar=False
        ).run(),
    )


def compare_wavelets(row: Callable, data, maps, mask, truth, body) -> None:
    """One row: FISTA with wavelets, each side at its best strength."""
    weights = np.broadcast_to(mask, data.shape).astype(np.float32)
    brightest = float(np.abs(Encoding(maps, mask).adjoint(data)).max())
    plain, spun = Wavelets((N, N), spin=False), Wavelets((N, N))

    def ours(amount: float, wavelets: Wavelets = plain) -> np.ndarray:
        return fista(data, Encoding(maps, mask), wavelets, amount, CS_STEPS)

    def peer(amount: float) -> np.ndarray:
        return sigpy.mri.app.L1WaveletRecon(
            data, maps, lamda=amount * brightest, weights=weights, max_iter=CS_STEPS,
            show_pbar=False,
        ).run()  # fmt: skip

    best = [
        min(LADDER, key=lambda a, m=method: nrmse(np.abs(m(a)), truth, body))
        for method in (ours, peer)
    ]
    name = f"FISTA, wavelets, R = 4, {CS_STEPS} steps"
    row(name, lambda: ours(best[0]), lambda: peer(best[1]))
    row("  the same with cycle spinning", lambda: ours(best[0], spun), lambda: peer(best[1]))
    print(f"strengths chosen: ours {best[0]:g}, sigpy {best[1]:g} of the brightest pixel")


if __name__ == "__main__":
    main()
