"""One slice as a PNG: what a stored notebook keeps of the viewer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from course_lib.dicom.pixels import Window, apply_window
from course_lib.teaching.viewer.coding import MASK_COLOURS

OPACITY = 0.4
LONG_SIDE = 480  # pixels of the longer side
INK = (220, 220, 220)


def start_picture(
    values: NDArray[Any],
    labels: NDArray[np.uint8] | None,
    window: Sequence[float],
    plane: dict[str, Any],
    index: int,
    negative: bool = False,
) -> bytes:
    """PNG of one cut slice (rows, columns) with its masks, letters, window and number."""
    grey = grey_of(values, window, negative)
    colour = np.repeat((grey * 255)[..., None], 3, -1)
    if labels is not None:
        colour = overlaid(colour, labels)
    picture = Image.fromarray(np.rint(colour).astype(np.uint8))
    tall, wide = plane["rows"] * plane["row_mm"], plane["columns"] * plane["column_mm"]
    scale = LONG_SIDE / max(tall, wide)
    size = max(1, round(wide * scale)), max(1, round(tall * scale))
    framed = Image.new("RGB", (size[0] + 44, size[1] + 60))
    framed.paste(picture.resize(size, Image.Resampling.BICUBIC), (22, 30))
    _write_round(framed, plane, f"{plane['name']} {index + 1} / {plane['slices']}", window)
    buffer = io.BytesIO()
    framed.save(buffer, format="png")
    return buffer.getvalue()


def grey_of(values: NDArray[Any], window: Sequence[float], negative: bool) -> NDArray[np.float64]:
    """Values to 0..1 by (centre, width): the standard's linear window, from dicom.pixels."""
    # For a map of fractions a width below 1 is usual: the standard's "exact" form allows it.
    function = "LINEAR" if window[1] >= 2 else "LINEAR_EXACT"
    grey = apply_window(np.asarray(values, np.float64), Window(window[0], window[1], function))
    return 1 - grey if negative else grey


def overlaid(colour: NDArray[np.float64], labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The picture (H, W, 3), 0 to 255, with each mask's colour laid over it."""
    for number, name in enumerate(MASK_COLOURS):
        ink = np.array(ImageColor.getrgb(name), float)
        chosen = (labels >> number & 1).astype(bool)
        colour[chosen] = (1 - OPACITY) * colour[chosen] + OPACITY * ink
    return colour


def _write_round(
    picture: Image.Image, plane: dict[str, Any], where: str, window: Sequence[float]
) -> None:
    """Letters at the four sides, the slice's number above, the window below."""
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    wide, tall = picture.size
    left, top, right, bottom = plane["letters"]
    for text, place, anchor in (
        (left, (11, tall / 2), "mm"),
        (right, (wide - 11, tall / 2), "mm"),
        (top, (wide / 2, 15), "mm"),
        (bottom, (wide / 2, tall - 15), "mm"),
        (where, (6, 15), "lm"),
        (f"C {window[0]:g}  W {window[1]:g}", (6, tall - 15), "lm"),
    ):
        pen.text(place, text, fill=INK, font=font, anchor=anchor)
