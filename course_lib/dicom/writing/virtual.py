"""CT and MR series of virtual patients: what a perfect scanner would see.

No noise, no artefact: scans with both come from imaging/ct and imaging/mr; whatever volume they
give, `write_ct` and `write_mr` write it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from course_lib.dicom.identity import Identity, identity_of
from course_lib.dicom.writing.ct import write_ct
from course_lib.dicom.writing.modules import Series
from course_lib.dicom.writing.mr import MRSettings, write_mr
from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.mr.sequences import GradientEcho, InversionRecovery, SpinEcho, weights
from course_lib.imaging.mr.slices import tissue_slice, weighted
from course_lib.patient.person import Patient
from course_lib.patient.solids import Part
from course_lib.patient.voxels import Grid, tissue_volumes


def chest_grid(
    patient: Patient, shape: tuple[int, int, int] = (32, 128, 128), field_mm: float = 400.0
) -> Grid:
    """A grid over the chest: shape (z, y, x); the field is field_mm wide, the slices reach from
    below the diaphragm to above the lungs."""
    bottom = min(patient.body.right_dome, patient.body.left_dome) - 60.0
    top = patient.body.apex + 20.0
    steps = (field_mm / shape[2], field_mm / shape[1], (top - bottom) / shape[0])
    first = tuple(-(n - 1) / 2 * step for n, step in zip(shape[:0:-1], steps[:2], strict=True))
    return Grid((first[0], first[1], bottom + steps[2] / 2), steps, shape)


def hounsfield_volume(
    parts: tuple[Part, ...], grid: Grid, energy_kev: float = 70.0
) -> NDArray[np.float32]:
    """(z, y, x) Hounsfield units at one photon energy: HU = 1000 (mu - water) / (water - air).

    Where solids overlap by a millimetre (bronchi at the hilum), their sum can fall below air in
    a few voxels of ten thousand; nothing is thinner than air, so these are set to -1000.
    """
    shares = tissue_volumes(parts, grid)
    mu = {name: float(linear_attenuation(name, energy_kev)) for name in (*shares, "water", "air")}
    total = np.full(grid.shape, mu["air"], np.float32)
    for name, share in shares.items():
        total += np.float32(mu[name] - mu["air"]) * share
    total = np.maximum(total, np.float32(mu["air"]))
    return (1000 * (total - mu["water"]) / (mu["water"] - mu["air"])).astype(np.float32)


def write_ct_of(
    folder: str | Path,
    patient: Patient,
    grid: Grid | None = None,
    identity: Identity | None = None,
    series: Series | None = None,
    energy_kev: float = 70.0,
    compression: str | None = None,
) -> list[Path]:
    """Write the noise-free CT of a virtual patient, one file per slice; returns the paths.

    The patient lies on the back with raised arms (imaging/ct/table.py), as for every chest CT.
    """
    grid = grid or chest_grid(patient)
    volume = hounsfield_volume(on_the_table(patient).solids, grid, energy_kev)
    identity = identity or identity_of(patient, description="CT chest")
    return write_ct(
        folder, volume, grid.spacing[::-1], identity, grid.first, series=series,
        compression=compression,
    )  # fmt: skip


def write_mr_of(
    folder: str | Path,
    parts: tuple[Part, ...],
    identity: Identity,
    heights_mm: tuple[float, ...],
    size: int = 128,
    field_mm: float = 240.0,
    settings: MRSettings | None = None,
    series: Series | None = None,
    compression: str | None = None,
) -> list[Path]:
    """Write noise-free axial MR slices of a head or body (its `parts`), one file per slice.

    heights_mm: z of the slices, rising in equal steps. The contrast follows the settings' signal
    equation; a turbo spin echo is drawn as a spin echo with the effective echo time.
    Raises ValueError when the heights are not equally spaced.
    """
    settings = settings or MRSettings()
    steps = np.diff(heights_mm) if len(heights_mm) > 1 else np.array([5.0])
    if steps.min() <= 0 or np.ptp(steps) > 1e-6:
        raise ValueError("The slices' heights must rise in equal steps.")
    signal = weights(_played(settings), sorted({p.tissue for p in parts}), settings.field_t)
    volume = np.stack(
        [weighted(tissue_slice(parts, z, field_mm, size), signal) for z in heights_mm]
    )
    pixel = field_mm / size
    corner = -(size - 1) / 2 * pixel
    return write_mr(
        folder, volume, (float(steps[0]), pixel, pixel), identity,
        (corner, corner, heights_mm[0]), settings, series, compression=compression,
    )  # fmt: skip


def _played(settings: MRSettings) -> SpinEcho | InversionRecovery | GradientEcho:
    """The pulse sequence that the settings describe."""
    if settings.ti_ms is not None:
        return InversionRecovery(settings.tr_ms, settings.te_ms, settings.ti_ms)
    if settings.sequence == "gradient echo":
        return GradientEcho(settings.tr_ms, settings.te_ms, settings.flip_deg)
    return SpinEcho(settings.tr_ms, settings.te_ms)


def finding_mask(parts: tuple[Part, ...], grid: Grid) -> NDArray[np.bool_]:
    """(z, y, x): voxels whose centre lies in one of the parts (a finding's, or an organ's)."""
    alone = tissue_volumes(
        tuple(Part(part.name, "water", "air", part.geometry) for part in parts), grid
    )
    return alone["water"] > 0.5
