"""What CT and MR series have in common: axial slices, one data set each, at known places."""

from __future__ import annotations

from numpy.typing import NDArray
from pydicom.dataset import Dataset

from course_lib.dicom.identity import Identity
from course_lib.dicom.writing.files import new_file
from course_lib.dicom.writing.modules import (
    AXIAL,
    Series,
    equipment_module,
    image_module,
    patient_module,
    pixel_module,
    plane_module,
    series_module,
    study_module,
)


def axial_slices(
    stored: NDArray,
    sop_class: str,
    modality: str,
    image_type: list[str],
    model: str,
    identity: Identity,
    series: Series,
    first_position_mm: tuple[float, float, float],
    spacing_mm: tuple[float, float, float],
    thickness_mm: float | None = None,
) -> list[Dataset]:
    """A data set for each slice of stored values (z, y, x), complete but for the modality's module.

    image_type: value of Image Type. model: of the scanner. Others as for `ct.ct_slices`.
    """
    x, y, z = first_position_mm
    slices = []
    for index, pixels in enumerate(stored):
        ds = new_file(sop_class)
        position = (x, y, z + index * spacing_mm[0])
        patient_module(ds, identity)
        study_module(ds, identity)
        series_module(ds, identity, series, modality)
        equipment_module(ds, identity, model)
        image_module(ds, identity, series, index + 1, image_type)
        plane_module(ds, identity, position, spacing_mm[1:], thickness_mm or spacing_mm[0], AXIAL)
        pixel_module(ds, pixels)
        slices.append(ds)
    return slices


def volume_start(
    volume: NDArray, spacing_mm: tuple[float, float, float]
) -> tuple[float, float, float]:
    """(x, y, z) of voxel (0, 0, 0) that puts the volume's middle at the origin, mm.

    Raises ValueError unless the volume has three axes and the spacing three positive numbers.
    """
    if volume.ndim != 3 or volume.size == 0:
        raise ValueError(f"A series needs a volume (z, y, x), got the shape {volume.shape}.")
    if len(spacing_mm) != 3 or not all(step > 0 for step in spacing_mm):
        raise ValueError(f"Spacing must be three positive numbers (z, y, x), got {spacing_mm}.")
    z, y, x = (-(n - 1) / 2 * s for n, s in zip(volume.shape, spacing_mm, strict=True))
    return x, y, z
