"""How a volume is cut: the slices as they are stored, and the two planes across them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.dicom.measure import unit_of_length
from course_lib.teaching.viewer.volume import Volume, letter

NAMES = ("sagittal", "coronal", "axial")  # planes across the patient's x, y and z axis
# Radiologists look from the feet, from the front, and from the left: where a picture's rows and
# columns should lead, for planes across x, y and z.
WANTED = {
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "axial": ((1, 0, 0), (0, 1, 0)),
}
Plane = dict[str, Any]


def planes_of(volume: Volume) -> list[Plane]:
    """The planes a volume can be shown in, the stored one first; plain data for the browser.

    axis, column_axis, row_axis: axes of the array (0: z) across, along the picture's rows and down;
    *_flip: whether they run backwards; columns, rows, slices: sizes; column_mm, row_mm: steps (1
    where unknown); length_unit; letters: left, top, right, bottom; start_mm, step_mm, along: the
    position of slice i is start_mm + i * step_mm on the patient's axis `along`.
    """
    own = _plane(volume, _own_name(volume), 0, (2, False), (1, False))
    cut = volume.directions is not None and volume.step_mm is not None and len(volume.values) > 1
    return [own, *(_across(volume, axis) for axis in (1, 2))] if cut else [own]


def _own_name(volume: Volume) -> str:
    if volume.directions is None:
        return "picture" if len(volume.values) == 1 else "slices"
    if volume.origin is None and len(volume.values) == 1:  # turned, but nowhere: a projection
        return "film"
    return NAMES[int(np.argmax(np.abs(volume.directions[0])))]


def _across(volume: Volume, axis: int) -> Plane:
    """The plane across `axis` of the array, laid as radiologists are used to see it."""
    directions = np.asarray(volume.directions)
    name = NAMES[int(np.argmax(np.abs(directions[axis])))]
    rest = [other for other in range(3) if other != axis]
    to_right, to_bottom = np.array(WANTED[name], float)
    column = max(rest, key=lambda other: abs(directions[other] @ to_right))
    row = rest[0] if column == rest[1] else rest[1]
    return _plane(
        volume,
        name,
        axis,
        (column, bool(directions[column] @ to_right < 0)),
        (row, bool(directions[row] @ to_bottom < 0)),
    )


def _plane(
    volume: Volume, name: str, axis: int, column: tuple[int, bool], row: tuple[int, bool]
) -> Plane:
    steps = _steps(volume)
    plane: Plane = {
        "name": name,
        "axis": axis,
        "column_axis": column[0],
        "column_flip": column[1],
        "row_axis": row[0],
        "row_flip": row[1],
        "slices": volume.values.shape[axis],
        "columns": volume.values.shape[column[0]],
        "rows": volume.values.shape[row[0]],
        "column_mm": steps[column[0]],
        "row_mm": steps[row[0]],
        "length_unit": unit_of_length(volume.scale),
        "letters": ["", "", "", ""],
    }
    if volume.directions is not None:
        right = volume.directions[column[0]] * (-1 if column[1] else 1)
        down = volume.directions[row[0]] * (-1 if row[1] else 1)
        plane["letters"] = [letter(-right), letter(-down), letter(right), letter(down)]
    return {**plane, **_position(volume, axis, steps[axis])}


def _steps(volume: Volume) -> tuple[float, float, float]:
    """mm per voxel along z, y, x; 1 where unknown, so that something can be drawn."""
    if volume.scale is None:
        return 1.0, 1.0, 1.0
    return volume.step_mm or 1.0, volume.scale.row_mm, volume.scale.column_mm


def _position(volume: Volume, axis: int, step: float) -> Plane:
    if volume.directions is None or volume.origin is None:
        return {"along": "", "start_mm": 0.0, "step_mm": 0.0}
    way = volume.directions[axis]
    main = int(np.argmax(np.abs(way)))
    return {
        "along": "xyz"[main],
        "start_mm": float(volume.origin[main]),
        "step_mm": float(step * way[main]),
    }


def cut(values: NDArray[Any], plane: Plane, index: int) -> NDArray[Any]:
    """Slice `index` of a (z, y, x) volume as the picture (rows, columns) of `plane`."""
    picture = np.take(values, index, plane["axis"])
    if plane["row_axis"] > plane["column_axis"]:  # what is left of the axes is in rising order
        picture = picture.T
    down = slice(None, None, -1 if plane["row_flip"] else None)
    return picture[down, :: -1 if plane["column_flip"] else 1]


def to_voxel(plane: Plane, index: int, point: Any) -> tuple[float, float, float]:
    """(z, y, x) in the array of a point (column, row) of slice `index` of `plane`."""
    voxel = [float(index)] * 3
    for side, at in zip(("column", "row"), point, strict=True):
        last = plane[f"{side}s"] - 1
        voxel[plane[f"{side}_axis"]] = last - at if plane[f"{side}_flip"] else float(at)
    return voxel[0], voxel[1], voxel[2]


def to_picture(plane: Plane, voxel: Any) -> tuple[float, float]:
    """(column, row) in `plane` of a point (z, y, x) of the array."""
    point = []
    for side in ("column", "row"):
        at = float(voxel[plane[f"{side}_axis"]])
        point.append(plane[f"{side}s"] - 1 - at if plane[f"{side}_flip"] else at)
    return point[0], point[1]
