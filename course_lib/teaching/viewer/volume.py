"""What the viewer shows: a volume or a film, where it lies and in which scale."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.frames import find, frame_count
from course_lib.dicom.measure import at_object
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import file_windows, modality_values
from course_lib.dicom.series import Series, read_series, unit_of
from course_lib.dicom.spacing import Spacing, spacing_of
from course_lib.dicom.stored import is_colour, stored_values
from course_lib.imaging.radiography import Radiograph

LETTERS = {"L": (1, 0, 0), "P": (0, 1, 0), "H": (0, 0, 1)}
OPPOSITE = {"L": "R", "P": "A", "H": "F"}
FILM_AXES = {"PA": "LF", "AP": "LF", "LAT": "PF"}  # where a row and a column of the film lead to


@dataclass(frozen=True)
class Volume:
    """values (z, y, x) in `unit`; a film is one slice.

    scale: size of a pixel in the slices and where it holds, None if unknown. step_mm: from slice to
    slice. directions (3, 3): unit vectors (LPS) along z, y and x of the array, None if unknown.
    origin (3,) mm: centre of voxel (0, 0, 0). windows: name -> (centre, width). negative: low
    values are shown bright (MONOCHROME1).
    """

    values: NDArray[Any]
    unit: str
    scale: Spacing | None = None
    step_mm: float | None = None
    directions: NDArray[np.float64] | None = None
    origin: NDArray[np.float64] | None = None
    windows: dict[str, tuple[float, float]] | None = None
    negative: bool = False


def volume_of(source: Any, spacing_mm: Any = None, unit: str | None = None) -> Volume:
    """A volume from an array, a Series, a Radiograph, a DICOM data set, a file or a folder.

    spacing_mm: for arrays, (row, column) or (z, row, column); a (z, y, x) array with a spacing is
    taken to lie in patient axes (x to Left, y to Posterior, z to the Head). Without it there is no
    scale. Raises ValueError for other shapes or sources, UnreadableFile for damaged files.
    """
    if isinstance(source, str | Path):
        source = read_series(source) if Path(source).is_dir() else open_dicom(source)
    if isinstance(source, Series):
        volume = _of_series(source)
    elif isinstance(source, Radiograph):
        volume = _of_film(source)
    elif isinstance(source, Dataset):
        volume = _of_dataset(source)
    else:
        volume = _of_array(np.asarray(source), spacing_mm)
    if not np.all(np.isfinite(volume.values)):
        raise ValueError("The picture holds values that are not finite; replace them before.")
    return replace(volume, unit=unit or volume.unit)


def with_magnification(volume: Volume, magnification: float) -> Volume:
    """The volume with the scale of an object that the film shows magnified (see `at_object`)."""
    if volume.scale is None:
        raise ValueError("There is no scale to correct: the pixel size is unknown.")
    return replace(volume, scale=at_object(volume.scale, magnification))


def letter(direction: NDArray[np.float64]) -> str:
    """Letters of a direction in the patient, the strongest first: "L", "A", "HP", ..."""
    names = []
    for axis in np.argsort(-np.abs(direction)):
        name = "LPH"[axis]
        if abs(direction[axis]) > 0.3:
            names.append(name if direction[axis] > 0 else OPPOSITE[name])
    return "".join(names)


def direction(name: str) -> NDArray[np.float64]:
    """Unit vector (LPS) of a letter L, R, A, P, H or F."""
    sign = 1.0 if name in LETTERS else -1.0
    positive = {v: k for k, v in OPPOSITE.items()}.get(name, name)
    return sign * np.array(LETTERS[positive], float)


def _of_series(series: Series) -> Volume:
    along_row, along_column = np.asarray(series.orientation, float)
    between, row, column = series.spacing_mm
    windows = file_windows(series.header)
    return Volume(
        series.values,
        series.unit,
        Spacing(row, column, "patient"),
        float(between) if np.isfinite(between) and series.tilt_deg < 0.5 else None,  # else sheared
        np.array([np.cross(along_row, along_column), along_column, along_row]),
        np.asarray(series.origin, float),
        {"file": (windows[0].center, windows[0].width)} if windows else None,
    )


def _of_film(film: Radiograph) -> Volume:
    scale = Spacing(film.spacing_mm, film.spacing_mm, "detector")
    axes = _film_directions(*FILM_AXES[film.view])
    return Volume(film.pixels[None], "grey value", scale, None, axes)


def _of_dataset(dataset: Dataset) -> Volume:
    if is_colour(dataset):
        raise ValueError("The viewer measures grey pictures; this one is in colour.")
    negative = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
    if find(dataset, 0, "PlanePositionSequence", "ImagePositionPatient"):
        with suppress(UnreadableFile):  # frames that are no stack in space are shown as they come
            return replace(_of_series(read_series([dataset])), negative=negative)
    windows = file_windows(dataset)
    turn = [str(name)[:1] for name in dataset.get("PatientOrientation") or []]
    known = len(turn) == 2 and all(name in tuple("LRAPHF") for name in turn)
    frames = [
        modality_values(dataset, stored_values(dataset, number), number)
        for number in range(frame_count(dataset))
    ]
    return Volume(
        np.stack(frames),
        unit_of(dataset),
        spacing_of(dataset),
        directions=_film_directions(*turn) if known else None,
        windows={"file": (windows[0].center, windows[0].width)} if windows else None,
        negative=negative,
    )


def _of_array(values: NDArray[Any], spacing_mm: Any) -> Volume:
    if values.ndim not in (2, 3) or 0 in values.shape or values.dtype.kind not in "biuf":
        raise ValueError(
            f"Give a grey picture (y, x) or a volume (z, y, x) of numbers; this is {values.dtype} "
            f"of shape {values.shape}."
        )
    if spacing_mm is None:
        return Volume(values.reshape((-1, *values.shape[-2:])), "value")
    steps = np.atleast_1d(np.asarray(spacing_mm, float))
    if steps.size not in (2, 3) or not (np.all(np.isfinite(steps)) and np.all(steps > 0)):
        raise ValueError("spacing_mm is (row, column) or (z, row, column): positive lengths in mm.")
    scale = Spacing(float(steps[-2]), float(steps[-1]), "patient")
    if values.ndim == 2:
        return Volume(values[None], "value", scale)
    if steps.size != 3:
        raise ValueError("A volume (z, y, x) needs three spacings: (z, row, column).")
    return Volume(values, "value", scale, float(steps[0]), np.eye(3)[::-1])


def _film_directions(along_row: str, along_column: str) -> NDArray[np.float64]:
    """Directions of z, y, x of a film from the letters its rows and columns lead to."""
    x, y = direction(along_row), direction(along_column)
    return np.array([np.cross(x, y), y, x])
