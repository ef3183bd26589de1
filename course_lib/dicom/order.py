"""In which order slices lie in the patient, and how far apart they are.

File names and instance numbers are only names: some scanners count from the head, some from the
feet, some interleave. The truth is the position of every slice along the normal of its plane.
Source: DICOM PS3.3, C.7.6.2.1.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.frames import find, frame_count

SAME_PLACE_MM = 0.001  # two slices nearer than this lie on each other
SAME_DIRECTION = 1e-3  # headers round direction cosines to four digits or so
UNEVEN = 0.1  # share of the spacing by which a slice may miss its place: positions are rounded


@dataclass(frozen=True)
class Plane:
    """Where one frame lies.

    position: (3,) mm, centre of its first pixel. directions: (2, 3) unit vectors, along a row
    (to the next column) and along a column (to the next row). All in patient axes (LPS).
    """

    dataset: Dataset
    frame: int
    position: NDArray[np.float64]
    directions: NDArray[np.float64]

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit vector out of the plane: towards the head for an axial slice."""
        return np.cross(self.directions[0], self.directions[1])


@dataclass(frozen=True)
class Stack:
    """Planes in the order in which they lie in the patient, along their normal.

    spacing_mm: from one slice to the next, along the normal (nan for a single slice).
    step: (3,) mm from the first pixel of a slice to that of the next one. It leaves the normal if
        the gantry was tilted. gaps: the numbers of slices after which something is missing.
    """

    planes: tuple[Plane, ...]
    spacing_mm: float
    step: NDArray[np.float64]
    gaps: tuple[int, ...]

    @property
    def tilt_deg(self) -> float:
        """Angle between the step and the normal: 0, or the tilt of the gantry."""
        length = float(np.linalg.norm(self.step))
        if not length > 0:
            return 0.0
        share = abs(float(self.step @ self.planes[0].normal)) / length
        return float(np.degrees(np.arccos(min(share, 1.0))))


def planes_of(dataset: Dataset) -> list[Plane]:
    """The planes of all frames of a file, classic (one) or enhanced (many).

    Raises:
        UnreadableFile: position or orientation is missing or impossible.
    """
    return [_plane(dataset, frame) for frame in range(frame_count(dataset))]


def order_slices(datasets: Sequence[Dataset], allow_gaps: bool = False) -> Stack:
    """Sort the slices of one series by their position in the patient.

    Args:
        datasets: headers of one series; enhanced files bring one plane per frame.
        allow_gaps: accept missing slices; `Stack.gaps` then says where.

    Raises:
        UnreadableFile: nothing to sort, several series or orientations, two slices in one place,
            a missing slice.
    """
    if not datasets:
        raise UnreadableFile(None, "there are no slices to sort")
    _refuse_several_series(datasets)
    planes = [plane for dataset in datasets for plane in planes_of(dataset)]
    _refuse_several_orientations(planes)
    distances = np.array([plane.position for plane in planes]) @ planes[0].normal
    order = np.argsort(distances, kind="stable")
    planes = [planes[i] for i in order]
    if len(planes) == 1:
        return Stack(tuple(planes), float("nan"), np.full(3, np.nan), ())
    differences = np.diff(distances[order])
    _refuse_same_place(planes, differences)
    spacing = float(np.median(differences))
    gaps = _gaps(planes, differences, spacing, allow_gaps)
    if not gaps:  # all slices together tell the spacing more exactly than any two
        spacing = round(float(differences.mean()), 6)  # a nanometre; hides rounding in sums
    steps = np.diff([plane.position for plane in planes], axis=0)
    step = np.median(steps, axis=0) if gaps else steps.mean(axis=0)
    return Stack(tuple(planes), spacing, step, gaps)


def _plane(dataset: Dataset, frame: int) -> Plane:
    place = find(dataset, frame, "PlanePositionSequence", "ImagePositionPatient")
    turn = find(dataset, frame, "PlaneOrientationSequence", "ImageOrientationPatient")
    position, directions = _numbers(place, 3), _numbers(turn, 6)
    if position is None or directions is None:
        missing = "ImagePositionPatient" if position is None else "ImageOrientationPatient"
        raise UnreadableFile(name_of(dataset), f"its place is unknown: {missing} is missing or odd")
    row, column = directions.reshape(2, 3)
    lengths = np.array([np.linalg.norm(row), np.linalg.norm(column)])
    if np.any(np.abs(lengths - 1) > 0.01) or abs(row @ column) > 0.01:
        raise UnreadableFile(
            name_of(dataset), "the directions of its rows and columns are not at right angles"
        )
    return Plane(dataset, frame, position, np.stack([row, column]) / lengths[:, None])


def _refuse_several_series(datasets: Sequence[Dataset]) -> None:
    series = sorted({str(dataset.get("SeriesInstanceUID", "none")) for dataset in datasets})
    if len(series) > 1:
        names = ", ".join(series[:4]) + (", ..." if len(series) > 4 else "")
        raise UnreadableFile(None, f"the slices belong to {len(series)} series ({names})")


def _refuse_several_orientations(planes: list[Plane]) -> None:
    first = planes[0]
    for plane in planes:
        if np.max(np.abs(plane.directions - first.directions)) > SAME_DIRECTION:
            raise UnreadableFile(
                name_of(plane.dataset),
                f"it is turned against {name_of(first.dataset) or 'the first slice'}; "
                "leave scout views out and read each orientation by itself",
            )


def _refuse_same_place(planes: list[Plane], differences: NDArray[np.float64]) -> None:
    twice = np.flatnonzero(differences < SAME_PLACE_MM)
    if twice.size:
        first, second = planes[twice[0]], planes[twice[0] + 1]
        raise UnreadableFile(
            name_of(second.dataset),
            f"it lies where {name_of(first.dataset) or 'another slice'} lies "
            f"({twice.size} such pairs): a copy, or another echo or time point",
        )


def _gaps(
    planes: list[Plane], differences: NDArray[np.float64], spacing: float, allowed: bool
) -> tuple[int, ...]:
    """Slices after which the distance to the next one is not the usual one."""
    uneven = np.flatnonzero(np.abs(differences - spacing) > UNEVEN * spacing)
    if uneven.size and not allowed:
        first = int(uneven[0])
        where = ", ".join(f"{value:g}" for value in planes[first].position)
        raise UnreadableFile(
            name_of(planes[first].dataset),
            f"after this slice, at ({where}) mm, the next one is {differences[first]:.4g} mm away "
            f"instead of {spacing:.4g} mm: slices are missing",
        )
    return tuple(int(i) for i in uneven)


def _numbers(value: object, count: int) -> NDArray[np.float64] | None:
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return numbers if numbers.shape == (count,) and np.all(np.isfinite(numbers)) else None


def name_of(dataset: Dataset) -> str | None:
    """The name of the file a data set came from, if it came from one."""
    name = getattr(dataset, "filename", None)
    return str(name) if name else None
