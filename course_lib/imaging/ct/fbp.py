"""Filtered back projection, the method of almost every CT scanner for forty years."""

import numpy as np

from course_lib.imaging.ct.filters import filter_sinogram
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.rows import centred


def fbp(
    sinogram: np.ndarray,
    angles_deg: np.ndarray,
    spacing_mm: float,
    size: int,
    pixel_mm: float,
    window: str = "ram-lak",
    projector: ParallelProjector | None = None,
) -> np.ndarray:
    """Picture (size, size) in 1/mm from a parallel-beam sinogram (views, detectors).

    f(x, y) = integral over theta from 0 to pi of the filtered projection at x cos + y sin.
    angles_deg: views spread evenly over 180 (or 360) degrees. window: see filters.WINDOWS.
    projector: one built for the same geometry saves time when many slices are made. Pixels that
    some views do not see (outside the circle as wide as the detector) are set to 0.
    Raises ValueError if sinogram and angles do not fit.
    """
    sinogram = np.asarray(sinogram, np.float32)
    if sinogram.ndim != 2 or len(angles_deg) != sinogram.shape[0]:
        raise ValueError(
            f"The sinogram has shape {sinogram.shape}, but there are {len(angles_deg)} angles; "
            "rows must be views."
        )
    if projector is None:
        projector = ParallelProjector(size, pixel_mm, angles_deg, sinogram.shape[1], spacing_mm)
    filtered = filter_sinogram(
        sinogram, spacing_mm, window, _sharpening(angles_deg, len(sinogram[0]))
    )
    # The transpose sums length in pixel (mm) times value; an area mean over pixels is wanted.
    weight = np.pi / len(angles_deg) * spacing_mm / pixel_mm**2
    picture = projector.back_project(filtered) * np.float32(weight)
    squared = centred(size, pixel_mm) ** 2
    picture[squared[:, None] + squared > (sinogram.shape[1] * spacing_mm / 2) ** 2] = 0
    return picture


def _sharpening(angles_deg: np.ndarray, detectors: int) -> float:
    """How much of the projector's blur by its detector cells to take back: 1 is all.

    Details of the size of a cell need pi / 2 times as many views as cells (Kak and Slaney, chapter
    5). With fewer views, detail that they cannot carry would only appear as streaks.
    """
    views = len(np.unique(np.round(np.mod(angles_deg, 180), 6)))
    return min(1.0, views / (np.pi / 2 * detectors))
