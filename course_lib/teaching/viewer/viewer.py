"""The viewer: a canvas in the notebook that scrolls, windows, zooms and measures.

viewer = view(series)                     # a Series, a film, a DICOM file, or an array with spacing
viewer.measurements[-1]["length"]         # what was measured with the mouse, in millimetres
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import anywidget
import numpy as np
import traitlets
from IPython.core.getipython import get_ipython

from course_lib.dicom.measure import angle, length, region, unit_of_length
from course_lib.dicom.spacing import Spacing
from course_lib.teaching.viewer.coding import MASK_COLOURS, bits, coded, presets
from course_lib.teaching.viewer.picture import start_picture
from course_lib.teaching.viewer.planes import cut, planes_of
from course_lib.teaching.viewer.volume import Volume, volume_of, with_magnification
from course_lib.teaching.widgets import show_widget

# One module in the browser, in this order.
SCRIPTS = ("measure.js", "picture.js", "tools.js", "page.js", "viewer.js")
KINDS = {"length": 2, "angle": 3, "rectangle": 2, "ellipse": 2}  # points of each


def _source(*names: str) -> str:
    folder = files("course_lib.teaching.viewer")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class Viewer(anywidget.AnyWidget):
    """The widget behind `view`. What the user does comes back in its traits.

    measurements: list of dicts: kind, plane, slice, points (z, y, x in voxels) and length, degrees,
    or mean, sd, minimum, maximum, pixels, area, with unit. window: [centre, width]. plane, index:
    what is shown. magnification: by how much a film enlarges the object that is measured.
    """

    _esm = _source(*SCRIPTS)
    _css = _source("viewer.css")
    about = traitlets.Dict().tag(sync=True)
    pixels = traitlets.Bytes().tag(sync=True)
    labels = traitlets.Bytes().tag(sync=True)
    window = traitlets.List(traitlets.Float()).tag(sync=True)
    plane = traitlets.Unicode().tag(sync=True)
    index = traitlets.Int().tag(sync=True)
    magnification = traitlets.Float(1.0).tag(sync=True)
    measurements = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(
        self,
        volume: Volume,
        masks: Mapping[str, Any],
        windows: Mapping[str, tuple[float, float]],
        alt: str,
    ) -> None:
        self.volume, self.alt = volume, alt
        self.planes = {plane["name"]: plane for plane in planes_of(volume)}
        codes, slope, intercept = coded(volume.values)
        self._labels = bits(masks, volume.values.shape)
        chosen = {**windows, **(volume.windows or {}), **presets(volume.values, volume.unit)}
        first = next(iter(self.planes.values()))
        about = {
            "shape": list(volume.values.shape),
            "slope": slope,
            "intercept": intercept,
            "unit": volume.unit,
            "negative": volume.negative,
            "known": volume.scale is not None,
            "magnified": volume.scale is not None and volume.scale.plane == "detector",
            "planes": list(self.planes.values()),
            "windows": {name: list(map(float, pair)) for name, pair in chosen.items()},
            "masks": [[name, MASK_COLOURS[i]] for i, name in enumerate(masks)],
            "alt": alt,
        }
        super().__init__(
            about=about,
            pixels=codes.astype("<i2", copy=False).tobytes(),
            labels=self._labels.tobytes(),
            window=list(map(float, next(iter(chosen.values())))),
            plane=first["name"],
            index=first["slices"] // 2,
        )
        self._shown_at: object = None

    def go(self, plane: str, index: int) -> None:
        """Show slice `index` (from 0) of a plane; ValueError if there is no such slice."""
        if plane not in self.planes:
            raise ValueError(f"There is no plane {plane!r}; choose from {', '.join(self.planes)}.")
        if not 0 <= index < self.planes[plane]["slices"]:
            last = self.planes[plane]["slices"] - 1
            raise ValueError(f"The {plane} slices are 0 to {last}; {index} was asked for.")
        with self.hold_sync():
            self.plane, self.index = plane, int(index)

    def measure(self, kind: str, points: Sequence[Sequence[float]], index: int = -1) -> dict:
        """What the mouse would measure between points (column, row) of the present plane.

        kind: "length", "angle" (arm, vertex, arm), "rectangle" or "ellipse" (two corners). index:
        the slice, default the one shown. Raises ValueError for another kind or number of points.
        """
        if kind not in KINDS or len(points) != KINDS[kind]:
            known = ", ".join(f"{name} ({count} points)" for name, count in KINDS.items())
            raise ValueError(f"Measure one of: {known}; got {kind!r} with {len(points)}.")
        plane = self.planes[self.plane]
        index = self.index if index < 0 else index
        scale, unit = self._scale(plane)
        if kind == "length":
            return {"kind": kind, "length": length(points[0], points[1], scale), "unit": unit}
        if kind == "angle":
            degrees = angle(points[0], points[1], points[2], scale)
            return {"kind": kind, "degrees": degrees, "unit": "degrees"}
        found = region(cut(self.volume.values, plane, index), kind, points[0], points[1], scale)
        return {"kind": kind, **vars(found), "unit": f"{self.volume.unit}, area in {unit} squared"}

    def picture(self) -> bytes:
        """PNG of what is shown now, without measurements."""
        plane = self.planes[self.plane]
        labels = cut(self._labels, plane, self.index) if self._labels.size else None
        values = cut(self.volume.values, plane, self.index)
        return start_picture(
            values, labels, self.window, plane, self.index, negative=self.volume.negative
        )

    def show(self) -> None:
        """Show the viewer here (again); a stored notebook keeps the present picture."""
        self._shown_at = _cell()
        show_widget(self, self.picture(), self.alt)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        found = super()._repr_mimebundle_(**options)
        return dict(found[0]) if found else {}  # without the second part, metadata

    def _ipython_display_(self) -> None:
        # The last line of a cell is displayed once more by itself: `view` has done so already.
        if self._shown_at is None or self._shown_at != _cell():
            self.show()

    def _scale(self, plane: dict[str, Any]) -> tuple[Spacing | None, str]:
        volume = self.volume
        if volume.scale is None:
            return None, unit_of_length(None)
        if self.about["magnified"] and self.magnification > 1:
            corrected = with_magnification(volume, self.magnification).scale
            return corrected, "mm at the object"
        scale = Spacing(plane["row_mm"], plane["column_mm"], volume.scale.plane)
        return scale, unit_of_length(scale)


def view(
    source: Any,
    spacing_mm: Any = None,
    masks: Mapping[str, Any] | None = None,
    windows: Mapping[str, tuple[float, float]] | None = None,
    unit: str | None = None,
    alt: str = "",
) -> Viewer:
    """Show a picture or a volume to scroll through, window, zoom and measure; returns the viewer.

    Args:
        source: a Series, a Radiograph, a DICOM data set, file or folder, or an array: (y, x), or
            (z, y, x) with z towards the head.
        spacing_mm: of an array, (row, column) or (z, row, column); without it lengths are pixels.
        masks: name -> bool array of the same shape, shown in colour over the picture; at most 8.
        windows: name -> (centre, width), offered first. unit: of the values, as "HU".
        alt: what the picture shows, for people who cannot see it.

    Raises:
        ValueError: the source, a spacing, a mask or a window cannot be used, or alt is empty.
        UnreadableFile: a file is damaged.
    """
    if not alt.strip():
        raise ValueError("Every picture needs alt text: what does it show?")
    for name, (_, width) in (windows or {}).items():
        if not (math.isfinite(width) and width > 0):
            raise ValueError(f"Window {name!r} needs a width above 0, got {width:g}.")
    volume = volume_of(source, spacing_mm, unit)
    viewer = Viewer(volume, masks or {}, windows or {}, alt)
    if os.environ.get("COURSE_TRY_WIDGETS"):  # the tests draw every plane
        _try_planes(viewer)
    viewer.show()
    return viewer


def patient_point(viewer: Viewer, point: Sequence[float]) -> np.ndarray:
    """(3,) mm, patient axes: where a measurement's point (z, y, x) lies.

    Raises ValueError where the picture's place in the patient is unknown.
    """
    volume = viewer.volume
    if volume.origin is None or volume.directions is None or volume.scale is None:
        raise ValueError("The place of this picture in the patient is unknown.")
    steps = np.array([volume.step_mm or 0.0, volume.scale.row_mm, volume.scale.column_mm])
    return volume.origin + (np.asarray(point, float) * steps) @ volume.directions


def _try_planes(viewer: Viewer) -> None:
    start = viewer.plane, viewer.index
    for name, plane in viewer.planes.items():
        viewer.go(name, plane["slices"] - 1)
        viewer.picture()
    viewer.go(*start)


def _cell() -> object:
    shell = get_ipython()
    return shell.execution_count if shell else None
