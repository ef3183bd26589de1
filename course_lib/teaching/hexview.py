"""Bytes of a DICOM file as a picture: two hexadecimal digits each, coloured by what they mean."""

from collections.abc import Iterable

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from course_lib.dicom.parser import Element

# Light tints of the course's colours: black text stays readable on all of them.
TINTS = {
    "preamble": "#E8E8E8",
    "mark DICM": "#C9A3C1",
    "tag": "#F5C26B",
    "VR": "#9CD3F2",
    "reserved": "#D5E9F5",
    "length": "#F7EE9A",
    "value": "#A9DCC9",
    "item": "#EBB7D3",
}
ROW = 16  # bytes per line, as in every hex editor
Field = tuple[int, int, str]  # first byte, byte after the last, name of the tint


def hex_view(data: bytes, first: int, last: int, fields: Iterable[Field]) -> Figure:
    """The bytes `first` to `last` of `data`, `ROW` in a line, with their place and their letters.

    Bytes that belong to no field stay white.
    """
    tint = {at: name for start, end, name in fields for at in range(start, end)}
    start, end = first - first % ROW, min(last, len(data))
    lines = -(-(end - start) // ROW)
    fig, ax = plt.subplots(figsize=(9.2, 0.27 * lines + 0.6))
    for at in range(max(start, first), end):
        _byte(ax, data[at], (at - start) % ROW, (at - start) // ROW, TINTS.get(tint.get(at, "")))
    for line in range(lines):
        ax.text(-0.4, line + 0.5, f"{start + line * ROW:6d}", ha="right", va="center", color="0.4")
    ax.set(xlim=(-2.4, ROW + 9), ylim=(lines, -0.1))
    ax.set_axis_off()
    used = [name for name in TINTS if name in {tint.get(at) for at in range(first, end)}]
    fig.legend(
        handles=[Patch(color=TINTS[name], label=name) for name in used],
        loc="outside upper center",
        ncols=len(used),
    )
    return fig


def fields_of(data: bytes, elements: Iterable[Element]) -> list[Field]:
    """Where tags, VRs, lengths and values of `elements` lie in `data`, those in sequences, too."""
    fields: list[Field] = []
    for element in elements:
        fields += _head(data, element)
        if element.items:
            for item in element.items:
                fields.append((item.start, item.start + 8, "item"))
                fields += fields_of(data, item.elements)
                if not item.elements:
                    fields.append((item.start + 8, item.end, "value"))
                elif item.elements[-1].end < item.end:  # the delimiter of an open length
                    fields.append((item.end - 8, item.end, "item"))
            if element.items[-1].end < element.end:
                fields.append((element.end - 8, element.end, "item"))
        else:
            fields.append((element.at, element.end, "value"))
    return fields


def _head(data: bytes, element: Element) -> list[Field]:
    start, at = element.start, element.at
    fields: list[Field] = [(start, start + 4, "tag")]
    if at - start == 12:
        fields += [(start + 4, start + 6, "VR"), (start + 6, start + 8, "reserved")]
        return [*fields, (start + 8, at, "length")]
    if data[start + 4 : start + 6] == element.vr.encode():
        return [*fields, (start + 4, start + 6, "VR"), (start + 6, at, "length")]
    return [*fields, (start + 4, at, "length")]


def _byte(ax: Axes, value: int, column: int, line: int, tint: str | None) -> None:
    if tint:
        ax.add_patch(Rectangle((column, line + 0.06), 1, 0.88, color=tint, linewidth=0))
    style: dict = {"va": "center", "ha": "center", "family": "DejaVu Sans Mono"}
    ax.text(column + 0.5, line + 0.5, f"{value:02X}", fontsize=9.5, **style)
    letter = chr(value) if 32 < value < 127 else "·"
    grey = "black" if letter != "·" else "0.7"
    ax.text(ROW + 0.8 + 0.5 * column, line + 0.5, letter, fontsize=9.5, color=grey, **style)
