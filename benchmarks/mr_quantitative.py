"""Quantitative MR beside plain ways of doing the same: CPU time and error, in one run.

    python -m benchmarks.mr_quantitative

Peers: scipy.optimize.curve_fit, voxel by voxel (T2 fit); a thousand isochromats (echo train);
division with numpy's complex FFT (susceptibility).
"""

import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import curve_fit

from course_lib.imaging.mr import epg, relaxometry, spins, susceptibility


def cpu(work: Callable[[], object]) -> tuple[object, float]:
    """What `work` returns, and the CPU seconds it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def t2_fit(voxels: int = 600) -> tuple[str, float, float, str]:
    """All voxels at once against one call for each voxel."""
    te = np.arange(1, 17) * 12.0
    clean = np.exp(-te / 70.0)[None].repeat(voxels, 0)
    data = relaxometry.magnitude(clean, 0.02, np.random.default_rng(0))
    ours, fast = cpu(lambda: relaxometry.fit_nonlinear(data, te).t2_ms)
    theirs, slow = cpu(lambda: np.array([
        curve_fit(lambda t, s0, t2: s0 * np.exp(-t / t2), te, echoes, p0=(1.0, 60.0))[0][1]
        for echoes in data
    ]))  # fmt: skip
    apart = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
    return "T2 fit against curve_fit", fast, slow, f"largest difference {apart:.1e} ms"


def echo_train(echoes: int = 64) -> tuple[str, float, float, str]:
    """A phase graph against a thousand spins."""

    def brute() -> np.ndarray:
        turn = np.arange(1000) / 5.0
        train, found = spins.at_rest(900.0, 80.0, np.zeros(1000)).pulse(90, "y"), []
        for _ in range(echoes):
            train = train.wait(5.0, turn).pulse(130.0, "x").wait(5.0, turn)
            found.append(train.signal.real)
        return np.array(found)

    ours, fast = cpu(lambda: epg.spin_echo_train(900.0, 80.0, echoes, 10.0, 130.0))
    theirs, slow = cpu(brute)
    apart = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
    return "echo train against 1000 spins", fast, slow, f"largest difference {apart:.1e}"


def dipole_division(size: int = 128) -> tuple[str, float, float, str]:
    """TKD by real single-precision transforms against numpy's complex double ones."""
    field = np.random.default_rng(0).normal(size=(size,) * 3).astype(np.float32)

    def plain() -> np.ndarray:
        axes = np.meshgrid(*[np.fft.fftfreq(size)] * 3, indexing="ij")
        square = sum(axis**2 for axis in axes)
        square[0, 0, 0] = 1.0
        kernel = 1 / 3 - axes[0] ** 2 / square
        inverse = np.where(kernel < 0, -1.0, 1.0) / np.maximum(np.abs(kernel), 0.15)
        inverse[0, 0, 0] = 0.0
        return np.fft.ifftn(np.fft.fftn(field) * inverse).real

    ours, fast = cpu(lambda: susceptibility.truncated_division(field))
    theirs, slow = cpu(plain)
    apart = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
    return f"dipole division {size}^3 against numpy", fast, slow, f"largest difference {apart:.1e}"


if __name__ == "__main__":
    print(f"{'what':<40}{'ours, s':>9}{'peer, s':>9}{'ratio':>8}   agreement")
    for name, ours, peer, agreement in (t2_fit(), echo_train(), dipole_division()):
        print(f"{name:<40}{ours:9.3f}{peer:9.3f}{peer / ours:8.1f}   {agreement}")
