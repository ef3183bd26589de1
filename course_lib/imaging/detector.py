"""The flat panel: from a spectrum and a body's path lengths to a noisy electronic image.

Beer and Lambert for every energy, then a scintillator that absorbs part of the photons and turns
their energy into charge (energy-integrating detector). Two sums over the energies are enough: the
mean signal and its variance, because photons arrive independently (compound Poisson).
Left out: K fluorescence that escapes from the scintillator, and the Swank noise of its light.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.spectrum import BIN_KEV, Spectrum

PathLengths = Mapping[str, NDArray[np.floating]]  # tissue name -> mm along each ray

_CHUNK = 512  # rays at a time: they stay in the cache, and BLAS does not wake its other threads
_BODY_WATER_MM = 100.0  # hardening assumed when neighbouring energies are merged


@dataclass(frozen=True)
class Detector:
    """An indirect flat panel.

    thickness_mm of solid `scintillator` (needles fill about 3/4 of a 0.6 mm layer of CsI);
    noise_kev: standard deviation of the electronics, in absorbed keV per pixel.
    """

    scintillator: str = "cesium_iodide"
    thickness_mm: float = 0.45
    noise_kev: float = 500.0

    def absorbed_share(self, energies_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the photons that the scintillator absorbs (quantum detection efficiency)."""
        attenuation = linear_attenuation(self.scintillator, energies_kev)
        return 1 - np.exp(-attenuation * self.thickness_mm)


PANEL = Detector()  # general radiography: chest, bone
MAMMOGRAPHY_PANEL = Detector(thickness_mm=0.16, noise_kev=50.0)


def transmit(
    path_lengths: PathLengths,
    spectrum: Spectrum,
    weights: NDArray[np.float64] | None = None,
    groups: int | None = 24,
) -> NDArray[np.float32]:
    """Polychromatic Beer-Lambert law: what reaches the detector along every ray, per mm2.

    path_lengths: arrays of one common shape (...), mm. weights: what one photon counts at each
    energy, shape (n,) or (n, k); without it photons are counted. Returns shape (...) or (..., k).
    groups: energies are merged into so many for speed (24 stay within 1 % for bodies up to
    300 mm of water; None keeps all). ValueError for arrays of different shapes.
    """
    lengths, shape = _stacked(path_lengths)
    counts = np.ones_like(spectrum.fluence) if weights is None else np.asarray(weights)
    table = spectrum.fluence[:, None] * BIN_KEV * counts.reshape(len(counts), -1)
    attenuation = np.stack(
        [linear_attenuation(name, spectrum.energies_kev) for name in path_lengths]
    )
    attenuation, table = _merge(attenuation, table, spectrum.energies_kev, groups)
    # float32 carries seven digits: far below the noise, and twice as fast.
    minus_mu, table = (-attenuation.T).astype(np.float32), table.T.astype(np.float32)
    out = np.empty((table.shape[0], lengths.shape[1]), dtype=np.float32)
    for start in range(0, lengths.shape[1], _CHUNK):
        part = slice(start, start + _CHUNK)
        exponents = minus_mu @ lengths[:, part]
        out[:, part] = table @ np.exp(exponents, out=exponents)
    return out[0].reshape(shape) if counts.ndim == 1 else out.T.reshape(*shape, -1)


def _stacked(path_lengths: PathLengths) -> tuple[NDArray[np.float32], tuple[int, ...]]:
    """Path lengths as (tissues, rays) and the common shape of the image."""
    arrays = [np.asarray(lengths, dtype=np.float32) for lengths in path_lengths.values()]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        raise ValueError(f"path_lengths need one common shape, but have {sorted(shapes)}.")
    return np.stack([array.ravel() for array in arrays]), shapes.pop()


def _merge(
    attenuation: NDArray[np.float64],
    table: NDArray[np.float64],
    energies_kev: NDArray[np.float64],
    groups: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Merge neighbouring energies; each group attenuates like its mean photon behind a body.

    Plain averages would let the many soft photons speak that never reach the detector.
    """
    present = table[:, 0] > 1e-9 * table[:, 0].max()
    attenuation, table, energies = attenuation[:, present], table[present], energies_kev[present]
    if groups is None or groups >= len(energies):
        return attenuation, table
    in_water = _BODY_WATER_MM * linear_attenuation("water", energies)
    behind = table[:, 0] * np.exp(
        -np.minimum(in_water, 500)
    )  # 500: keeps the softest photons above 0
    edges = np.linspace(energies[0], energies[-1], groups + 1)[1:-1]
    which = np.searchsorted(edges, energies, side="right")
    member = np.eye(groups)[which]  # (energies, groups), 1 where an energy belongs to a group
    member = member[:, member.any(axis=0)]
    merged = (attenuation * behind) @ member / (behind @ member)
    return merged, member.T @ table


def expose(
    path_lengths: PathLengths,
    spectrum: Spectrum,
    detector: Detector = PANEL,
    pixel_mm: float = 0.15,
    groups: int | None = 24,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean absorbed energy per pixel (keV) and its variance (keV2), primary photons only.

    The variance of a sum of independent photons is their number times the mean of E squared.
    """
    energies = spectrum.energies_kev
    absorbed = detector.absorbed_share(energies) * pixel_mm**2
    weights = np.stack([absorbed * energies, absorbed * energies**2], axis=1)
    both = transmit(path_lengths, spectrum, weights, groups)
    return both[..., 0], both[..., 1]


def open_field(
    spectrum: Spectrum, detector: Detector = PANEL, pixel_mm: float = 0.15
) -> tuple[float, float]:
    """Mean (keV) and variance (keV2) of a pixel that sees the tube directly."""
    energies = spectrum.energies_kev
    absorbed = spectrum.fluence * BIN_KEV * detector.absorbed_share(energies) * pixel_mm**2
    return float(absorbed @ energies), float(absorbed @ energies**2)


def add_noise(
    mean: NDArray[np.floating],
    variance: NDArray[np.floating],
    rng: np.random.Generator,
    noise_kev: float = 0.0,
) -> NDArray[np.float32]:
    """One noisy image (keV) with the given mean and variance per pixel.

    Quanta: a Poisson number of equal portions, portion = variance / mean; this has exactly the
    wanted mean and variance. Electronics: a normal error of `noise_kev` on top.
    """
    mean, variance = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    portion = np.divide(variance, mean, out=np.ones_like(mean), where=mean > 0)
    signal = (rng.poisson(mean / portion) * portion).astype(np.float32)
    if noise_kev > 0:
        signal += noise_kev * rng.standard_normal(mean.shape, dtype=np.float32)
    return signal
