"""What a perfect scanner would show: the slice itself, to judge reconstructions by."""

import numpy as np

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.rows import centred
from course_lib.imaging.ct.sinogram import between
from course_lib.patient.solids import Part
from course_lib.patient.voxels import Grid, tissue_volumes


def attenuation_slice(
    parts: tuple[Part, ...],
    z_mm: float,
    size: int,
    pixel_mm: float,
    energy_kev: float,
    oversample: int = 3,
) -> np.ndarray:
    """Attenuation (size, size) in 1/mm at one energy in the plane z = z_mm.

    Rows run to posterior, columns to the patient's left, the middle of the picture is x = y = 0.
    Each pixel is the mean over oversample x oversample points.
    """
    fine = pixel_mm / oversample
    first = float(centred(size * oversample, fine)[0])
    grid = Grid((first, first, z_mm), (fine, fine, 1.0), (1, size * oversample, size * oversample))
    shares = tissue_volumes(between(parts, z_mm, z_mm), grid)
    total = np.zeros(grid.shape[1:])
    for tissue, share in shares.items():
        total += float(linear_attenuation(tissue, energy_kev)) * share[0]
    return total.reshape(size, oversample, size, oversample).mean(axis=(1, 3))
