"""CT series: one file per slice, Hounsfield units as 12-bit stored values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from course_lib.dicom.identity import Identity
from course_lib.dicom.writing.axial import axial_slices, volume_start
from course_lib.dicom.writing.elements import decimal, decimals, fill
from course_lib.dicom.writing.files import save_series, sealed
from course_lib.dicom.writing.modules import Series

INTERCEPT = -1024  # HU of the stored value 0; 12 bits then reach 3071 HU
WINDOWS = {"mediastinum": (40.0, 400.0), "lung": (-600.0, 1500.0)}  # centre, width in HU


@dataclass(frozen=True)
class CTSettings:
    """How the scan was made; kvp in kV, mas in mAs, kernel is the maker's name of the filter."""

    kvp: float = 120.0
    mas: float = 100.0
    kernel: str = "STANDARD"
    model: str = "CT of solids"


def stored_from_hu(hounsfield: ArrayLike) -> NDArray[np.uint16]:
    """Hounsfield units to stored values 0..4095 (slope 1, intercept -1024).

    Values outside -1024..3071 HU are clipped, as scanners do; without clipping they would wrap
    round, and metal would turn into air. Raises ValueError for NaN.
    """
    values = np.asarray(hounsfield, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("The Hounsfield units contain NaN; an integer cannot hold that.")
    return np.clip(np.rint(values - INTERCEPT), 0, 4095).astype(np.uint16)


def ct_slices(
    hounsfield: ArrayLike,
    spacing_mm: tuple[float, float, float],
    identity: Identity,
    first_position_mm: tuple[float, float, float] | None = None,
    settings: CTSettings | None = None,
    series: Series | None = None,
    thickness_mm: float | None = None,
    compression: str | None = None,
) -> list[Dataset]:
    """One data set per slice of an axial volume.

    Args:
        hounsfield: (z, y, x) in HU, z towards the head, y towards the back, x to the left.
        spacing_mm: (z, y, x) between voxel centres.
        identity: the person and the study.
        first_position_mm: (x, y, z) of the centre of voxel (0, 0, 0); the default puts the
            volume's middle at the origin.
        thickness_mm: of a slice; the spacing unless given (slices may overlap or leave gaps).
        compression: None, "rle", "jpeg-ls" or "jpeg-2000".

    Raises:
        ValueError: not a volume, spacing not positive, or values that cannot be stored.
    """
    volume = np.asarray(hounsfield)
    first = volume_start(volume, spacing_mm) if first_position_mm is None else first_position_mm
    stored = stored_from_hu(volume)
    settings, series = settings or CTSettings(), series or Series(description="CT chest")
    slices = axial_slices(
        stored, CTImageStorage, "CT", ["ORIGINAL", "PRIMARY", "AXIAL"], settings.model,
        identity, series, first, spacing_mm, thickness_mm,
    )  # fmt: skip
    for ds in slices:
        ct_module(ds, settings)
    return [sealed(ds, compression) for ds in slices]


def ct_module(ds: Dataset, settings: CTSettings) -> None:
    """CT Image (C.8.2.1) and VOI LUT (C.11.2)."""
    centres, widths = zip(*WINDOWS.values(), strict=True)
    fill(
        ds,
        RescaleIntercept=decimal(INTERCEPT),
        RescaleSlope="1",
        RescaleType="HU",
        KVP=decimal(settings.kvp),
        Exposure=round(settings.mas),
        ConvolutionKernel=settings.kernel,
        SliceLocation=ds.ImagePositionPatient[2],
        WindowCenter=decimals(centres),
        WindowWidth=decimals(widths),
        WindowCenterWidthExplanation=[name.upper() for name in WINDOWS],
    )


def write_ct(
    folder: str | Path,
    hounsfield: ArrayLike,
    spacing_mm: tuple[float, float, float],
    identity: Identity,
    first_position_mm: tuple[float, float, float] | None = None,
    settings: CTSettings | None = None,
    series: Series | None = None,
    thickness_mm: float | None = None,
    compression: str | None = None,
) -> list[Path]:
    """Write a CT series, one file per slice; arguments and errors as for `ct_slices`."""
    slices = ct_slices(
        hounsfield, spacing_mm, identity, first_position_mm, settings, series, thickness_mm,
        compression,
    )  # fmt: skip
    return save_series(slices, folder)
