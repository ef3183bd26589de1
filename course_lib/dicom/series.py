"""Read a series: many files, one volume with its place in the patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset
from tqdm.auto import tqdm

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.frames import find
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.order import Stack, name_of, order_slices
from course_lib.dicom.pixels import modality_values
from course_lib.dicom.spacing import spacing_of
from course_lib.dicom.stored import stored_values

Source = str | Path | Iterable[str | Path | Dataset]
MANY = 32  # from this number of files on, a bar shows how far we are


@dataclass(frozen=True)
class Series:
    """A volume and where it lies.

    values: float32 (z, y, x): slice, row, column; for axial slices z runs from feet to head.
    spacing_mm: (z, y, x), between voxel centres; z comes from the slices' positions.
    origin: (3,) mm, centre of voxel (0, 0, 0) in patient axes (LPS).
    orientation: (2, 3) unit vectors along rows and along columns. step: (3,) mm to the next slice.
    unit: "HU" in CT, "signal" in MR, or what RescaleType or Units say.
    header: the first slice's header, without pixels.
    """

    values: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    origin: NDArray[np.float64]
    orientation: NDArray[np.float64]
    step: NDArray[np.float64]
    unit: str
    header: Dataset
    tilt_deg: float = 0.0

    def to_patient(self, voxels: ArrayLike) -> NDArray[np.float64]:
        """Voxel indices (..., 3) as (z, y, x) to patient positions (..., 3) as (x, y, z) in mm.

        Source: DICOM PS3.3, equation C.7.6.2.1-1.
        """
        z, y, x = np.moveaxis(np.asarray(voxels, np.float64), -1, 0)[..., None]
        _, row_mm, column_mm = self.spacing_mm
        along_row, along_column = self.orientation
        step = np.nan_to_num(self.step)
        return self.origin + x * column_mm * along_row + y * row_mm * along_column + z * step


def read_series(source: Source, series_uid: str | None = None, allow_gaps: bool = False) -> Series:
    """Read one series into a volume, slices sorted by their position in the patient.

    Args:
        source: a folder (files in it that are no DICOM images are left out), or files, or data
            sets with pixels.
        series_uid: which series, if there are several.
        allow_gaps: accept missing slices (the spacing is then the usual distance).

    Raises:
        UnreadableFile: no images, several series, slices that do not fit together, damaged files.
    """
    headers = _chosen(image_headers(source), series_uid, source)
    stack = order_slices(headers, allow_gaps)
    _refuse_different_grids(headers)
    first = stack.planes[0]
    values = _volume(stack)
    pixel = spacing_of(first.dataset, first.frame)
    if pixel is None:
        raise UnreadableFile(name_of(first.dataset), "its PixelSpacing is missing or odd")
    between = stack.spacing_mm if len(values) > 1 else _thickness(first.dataset, first.frame)
    header = Dataset()
    header.update({e.tag: e for e in first.dataset if e.keyword != "PixelData"})
    return Series(
        values,
        (between, pixel.row_mm, pixel.column_mm),
        first.position,
        first.directions,
        stack.step,
        unit_of(first.dataset),
        header,
        stack.tilt_deg,
    )


def image_headers(source: Source) -> list[Dataset]:
    """Headers of all DICOM images of a folder or a list of files or data sets, in given order.

    In a folder, what is no DICOM image (notes, DICOMDIR, reports) is passed over; a file that was
    named is an error if it cannot be read.
    """
    if isinstance(source, str | Path) and Path(source).is_dir():
        files: list = sorted(path for path in Path(source).rglob("*") if path.is_file())
        headers = [_header_or_none(path) for path in _with_bar(files, "headers")]
        return [header for header in headers if header is not None]
    items = [source] if isinstance(source, str | Path | Dataset) else list(source)
    return [
        item if isinstance(item, Dataset) else open_dicom(item, header_only=True)
        for item in _with_bar(items, "headers")
    ]


def series_in(source: Source) -> dict[str, int]:
    """SeriesInstanceUID -> number of image files, in the order of first appearance."""
    counts: dict[str, int] = {}
    for header in image_headers(source):
        uid = str(header.get("SeriesInstanceUID", ""))
        counts[uid] = counts.get(uid, 0) + 1
    return counts


def unit_of(dataset: Dataset) -> str:
    """What the values of a file mean after its rescale slope and intercept."""
    named = find(dataset, 0, "PixelValueTransformationSequence", "RescaleType")
    if dataset.get("Modality") == "CT" and named in (None, "HU", "US"):
        return "HU"  # C.8.2.1.1.2: HU unless the file says something else
    if dataset.get("Modality") == "MR" and named in (None, "US"):
        return "signal"
    return str(named or dataset.get("Units") or "stored value")


def _header_or_none(path: Path) -> Dataset | None:
    try:
        header = open_dicom(path, header_only=True)
    except UnreadableFile as error:
        if "not a DICOM file" in error.reason or "is empty" in error.reason:
            return None
        if "before any useful" in error.reason:  # a DICOMDIR has neither class nor rows
            return None
        raise
    return header if "Rows" in header else None


def _chosen(headers: list[Dataset], series_uid: str | None, source: Source) -> list[Dataset]:
    folder = source if isinstance(source, str | Path) else None
    if series_uid is not None:
        headers = [h for h in headers if h.get("SeriesInstanceUID") == series_uid]
    if not headers:
        which = f"of series {series_uid} " if series_uid else ""
        raise UnreadableFile(folder, f"there are no DICOM images {which}here")
    uids = list(dict.fromkeys(str(h.get("SeriesInstanceUID", "")) for h in headers))
    if len(uids) > 1:
        raise UnreadableFile(
            folder,
            f"there are {len(uids)} series here; choose one with series_uid=, "
            f"for example {uids[0]!r}",
        )
    return headers


def _refuse_different_grids(headers: Sequence[Dataset]) -> None:
    def grid(header: Dataset) -> tuple:
        spacing = spacing_of(header)
        size = (spacing.row_mm, spacing.column_mm) if spacing else None
        return header.get("Rows"), header.get("Columns"), size

    first = grid(headers[0])
    for header in headers[1:]:
        if grid(header) != first:
            raise UnreadableFile(
                name_of(header), "its rows, columns or pixel spacing differ from the other slices"
            )


def _volume(stack: Stack) -> NDArray[np.float32]:
    """Modality values of all planes, float32 (z, y, x); every file is opened once."""
    first = stack.planes[0].dataset
    values = np.empty((len(stack.planes), first.Rows, first.Columns), np.float32)
    opened: dict[int, Dataset] = {}
    for z, plane in enumerate(_with_bar(stack.planes, "slices")):
        header, name = plane.dataset, name_of(plane.dataset)
        if id(header) not in opened:
            opened.clear()  # hold one file at a time, all its frames with it
            opened[id(header)] = header if "PixelData" in header or not name else open_dicom(name)
        dataset = opened[id(header)]
        values[z] = modality_values(dataset, stored_values(dataset, plane.frame), plane.frame)
    return values


def _thickness(dataset: Dataset, frame: int) -> float:
    """SliceThickness in mm: all that one slice alone can tell about z; nan if it does not."""
    try:
        return float(find(dataset, frame, "PixelMeasuresSequence", "SliceThickness"))
    except (TypeError, ValueError):
        return float("nan")


def _with_bar(items: Sequence, what: str) -> Iterable:
    return tqdm(items, desc=what, leave=False) if len(items) >= MANY else items
