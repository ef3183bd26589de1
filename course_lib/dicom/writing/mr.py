"""MR series: magnitude images with the settings that made their contrast."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from course_lib.dicom.identity import Identity
from course_lib.dicom.writing.axial import axial_slices, volume_start
from course_lib.dicom.writing.elements import decimal, fill
from course_lib.dicom.writing.files import save_series, sealed
from course_lib.dicom.writing.modules import Series

LARMOR_MHZ_PER_T = 42.577478518  # gyromagnetic ratio of the proton over 2 pi
SEQUENCES = {
    "spin echo": ("SE", "NONE"),
    "turbo spin echo": ("SE", "SK"),
    "gradient echo": ("GR", "SP"),
    "inversion recovery": (["SE", "IR"], "NONE"),
}  # name -> ScanningSequence, SequenceVariant


@dataclass(frozen=True)
class MRSettings:
    """How the image was made; times in ms, field in tesla, flip angle in degrees.

    sequence: "spin echo", "turbo spin echo", "gradient echo" or "inversion recovery" (needs TI).
    """

    tr_ms: float = 500.0
    te_ms: float = 15.0
    ti_ms: float | None = None
    flip_deg: float = 90.0
    field_t: float = 3.0
    sequence: str = "spin echo"
    echo_train: int = 1
    model: str = "MR of solids"

    def __post_init__(self) -> None:
        if self.sequence not in SEQUENCES:
            raise ValueError(f"Sequence must be one of {', '.join(SEQUENCES)}: {self.sequence!r}.")
        if (self.sequence == "inversion recovery") != (self.ti_ms is not None):
            raise ValueError("An inversion recovery, and only that, has an inversion time ti_ms.")


def mr_slices(
    magnitude: ArrayLike,
    spacing_mm: tuple[float, float, float],
    identity: Identity,
    first_position_mm: tuple[float, float, float] | None = None,
    settings: MRSettings | None = None,
    series: Series | None = None,
    thickness_mm: float | None = None,
    compression: str | None = None,
) -> list[Dataset]:
    """One data set per slice of an axial magnitude volume (z, y, x).

    MR values have no fixed unit: the volume's greatest value becomes 4095, and the same factor is
    used for all slices. Other arguments as for `ct_slices`.
    Raises ValueError for negative, complex or non-finite values.
    """
    volume = np.asarray(magnitude)
    first = volume_start(volume, spacing_mm) if first_position_mm is None else first_position_mm
    if np.iscomplexobj(volume) or not np.isfinite(volume).all() or volume.min() < 0:
        raise ValueError("MR pixels must be magnitudes: real, finite, not negative (use np.abs).")
    stored = np.rint(volume * (4095 / max(float(volume.max()), 1e-30))).astype(np.uint16)
    settings, series = settings or MRSettings(), series or Series(description="MR")
    slices = axial_slices(
        stored, MRImageStorage, "MR", ["ORIGINAL", "PRIMARY", "OTHER"], settings.model,
        identity, series, first, spacing_mm, thickness_mm,
    )  # fmt: skip
    window = float(np.percentile(stored, 99.5)) or 1.0
    for ds in slices:
        mr_module(ds, settings)
        fill(ds, WindowCenter=decimal(window / 2), WindowWidth=decimal(max(window, 1.0)))
    return [sealed(ds, compression) for ds in slices]


def mr_module(ds: Dataset, settings: MRSettings) -> None:
    """MR Image (C.8.3.1)."""
    scanning, variant = SEQUENCES[settings.sequence]
    fill(
        ds,
        ScanningSequence=scanning,
        SequenceVariant=variant,
        ScanOptions=None,
        MRAcquisitionType="2D",
        RepetitionTime=decimal(settings.tr_ms),
        EchoTime=decimal(settings.te_ms),
        EchoTrainLength=settings.echo_train,
        MagneticFieldStrength=decimal(settings.field_t),
        ImagingFrequency=decimal(round(LARMOR_MHZ_PER_T * settings.field_t, 6)),
        ImagedNucleus="1H",
        FlipAngle=decimal(settings.flip_deg),
        SliceLocation=ds.ImagePositionPatient[2],
    )
    if settings.ti_ms is not None:
        ds.InversionTime = decimal(settings.ti_ms)


def write_mr(
    folder: str | Path,
    magnitude: ArrayLike,
    spacing_mm: tuple[float, float, float],
    identity: Identity,
    first_position_mm: tuple[float, float, float] | None = None,
    settings: MRSettings | None = None,
    series: Series | None = None,
    thickness_mm: float | None = None,
    compression: str | None = None,
) -> list[Path]:
    """Write an MR series, one file per slice; arguments and errors as for `mr_slices`."""
    slices = mr_slices(
        magnitude, spacing_mm, identity, first_position_mm, settings, series, thickness_mm,
        compression,
    )  # fmt: skip
    return save_series(slices, folder)
