"""Which points of k-space are measured: masks (rows, columns), and paths of radial and spiral.

Rows are phase-encoding lines: each costs one repetition (TR), so leaving out rows saves time.
Columns are the readout: leaving out columns saves nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.fourier import to_image

Mask = NDArray[np.bool_]


def centre_lines(count: int, lines: int) -> Mask:
    """(count,) True for the `lines` lines around k = 0: the autocalibration signal (ACS)."""
    mask = np.zeros(count, bool)
    start = count // 2 - lines // 2
    mask[start : start + lines] = True
    return mask


def every(shape: tuple[int, int], factor: int, acs: int = 0) -> Mask:
    """(rows, columns): every `factor`-th line, k = 0 among them, and `acs` lines in the middle.

    Raises ValueError when factor is below 1.
    """
    if factor < 1:
        raise ValueError(f"The acceleration factor is a whole number from 1 on, got {factor}.")
    lines = (np.arange(shape[0]) - shape[0] // 2) % factor == 0
    return _spread(lines | centre_lines(shape[0], acs), shape)


def variable_density(
    shape: tuple[int, int], factor: float, acs: int = 16, power: float = 2.0, *, seed: int
) -> Mask:
    """(rows, columns): rows / factor lines by chance, denser near the centre, `acs` in the middle.

    A line's chance falls with (1 - |k| / k_max) ** power (Lustig, MRM 58 (2007) 1182); power 0 is
    uniform chance. Raises ValueError when the middle alone has more lines than are allowed.
    """
    wanted = round(shape[0] / factor)
    lines = centre_lines(shape[0], acs)
    if wanted < acs:
        raise ValueError(
            f"{acs} middle lines are more than the {wanted} that factor {factor} allows."
        )
    chance = _density(shape[0], power) * ~lines
    rng = np.random.default_rng(seed)
    lines[rng.choice(shape[0], wanted - acs, replace=False, p=chance / chance.sum())] = True
    return _spread(lines, shape)


def variable_density_points(
    shape: tuple[int, int], factor: float, acs: int = 16, power: float = 2.0, *, seed: int
) -> Mask:
    """(rows, columns): single points by chance, for 3-D scans (rows and columns both cost time).

    Arguments as in `variable_density`; the middle square has acs x acs points.
    """
    mask = centre_lines(shape[0], acs)[:, None] & centre_lines(shape[1], acs)[None, :]
    wanted = round(mask.size / factor) - int(mask.sum())
    if wanted < 0:
        raise ValueError(f"The middle square alone is larger than factor {factor} allows.")
    chance = np.outer(_density(shape[0], power), _density(shape[1], power)) * ~mask
    rng = np.random.default_rng(seed)
    mask.flat[rng.choice(mask.size, wanted, replace=False, p=(chance / chance.sum()).ravel())] = (
        True
    )
    return mask


def partial(shape: tuple[int, int], fraction: float = 5 / 8) -> Mask:
    """(rows, columns): the first `fraction` of all lines, more than half, so beyond k = 0.

    Raises ValueError for a fraction outside (0.5, 1].
    """
    if not 0.5 < fraction <= 1:
        raise ValueError(
            f"Partial Fourier measures between 1/2 and all of k-space, got {fraction:g}."
        )
    return _spread(np.arange(shape[0]) < round(fraction * shape[0]), shape)


def radial_path(spokes: int, samples: int, golden: bool = False) -> NDArray[np.float64]:
    """(spokes, samples, 2): kx, ky in units of k_max on spokes through the centre.

    Evenly turned over 180 degrees, or by the golden angle (111.25 degrees; Winkelmann 2007).
    """
    step = np.pi * (np.sqrt(5) - 1) / 2 if golden else np.pi / spokes
    angle = np.arange(spokes) * step
    radius = np.linspace(-1, 1, samples)
    return radius[None, :, None] * np.stack([np.cos(angle), np.sin(angle)], -1)[:, None, :]


def spiral_path(arms: int, samples: int, turns: float = 8.0) -> NDArray[np.float64]:
    """(arms, samples, 2): kx, ky in units of k_max on Archimedean spirals from the centre."""
    along = np.linspace(0, 1, samples)
    angle = 2 * np.pi * (turns * along[None, :] + np.arange(arms)[:, None] / arms)
    return along[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)


def on_grid(path: NDArray, shape: tuple[int, int]) -> Mask:
    """(rows, columns) True where a path (..., 2) passes: a picture of it, and a mask."""
    mask = np.zeros(shape, bool)
    columns, rows = (
        np.clip(np.round(path[..., axis] * (n // 2)).astype(int) + n // 2, 0, n - 1)
        for axis, n in ((0, shape[1]), (1, shape[0]))
    )
    mask[rows, columns] = True
    return mask


def point_spread(mask: Mask) -> NDArray[np.complex64]:
    """(rows, columns): what a single bright pixel in the middle becomes; its height there is 1."""
    spread = to_image(mask.astype(np.complex64))
    return spread / spread[mask.shape[0] // 2, mask.shape[1] // 2]


def _density(count: int, power: float) -> NDArray[np.float64]:
    far = np.abs(np.arange(count) - count // 2) / (count // 2 + 1)
    return (1 - far) ** power


def _spread(lines: Mask, shape: tuple[int, int]) -> Mask:
    return np.repeat(lines[:, None], shape[1], axis=1)
