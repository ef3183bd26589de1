"""Back projection written out: every ray's value is smeared back along the ray.

This is the loop to read. The fast way is the transpose in fourier.py; tests hold both together.
"""

import numpy as np

from course_lib.imaging.ct.rows import centred


def back_project(
    sinogram: np.ndarray,
    angles_deg: np.ndarray,
    spacing_mm: float,
    size: int,
    pixel_mm: float,
    centre_shift_mm: float = 0.0,
) -> np.ndarray:
    """Mean over all views of the value that belongs to each pixel: (size, size).

    Of a filtered sinogram, times pi, it is the slice in 1/mm; of a raw one it is the slice blurred
    by 1/r. centre_shift_mm: where the axis of rotation falls on the detector; if the axis is not
    where the program believes it to be, the program must be told.
    """
    x, y = np.meshgrid(centred(size, pixel_mm), centred(size, pixel_mm))
    detector_mm = centred(sinogram.shape[1], spacing_mm)
    total = np.zeros((size, size))
    for row, angle in zip(sinogram, np.deg2rad(angles_deg), strict=True):
        s = x * np.cos(angle) + y * np.sin(angle)  # where each pixel's shadow falls
        total += np.interp(s + centre_shift_mm, detector_mm, row, left=0, right=0)
    return total / len(sinogram)
