"""The picture of a computation: numbers forward in blue, gradients backward in orange."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.models.basics.scalar_autograd import Value, ingredients
from course_lib.teaching.figures import COLOURS

WIDE, HIGH = 1.7, 1.0  # distance between columns and rows, in the drawing's units
HALF_BOX = (0.65, 0.36)


def graph_picture(result: Value, revealed: int | None = None, size=(10.0, 4.2)) -> Figure:
    """All values that `result` was made of, left to right, as boxes joined by arrows.

    Each box holds the value's name or operation, its number, and its gradient. revealed: for how
    many boxes, from the result back, the gradient is written (None: all). Call
    `result.backward()` before.
    """
    order = ingredients(result)
    places = places_of(order)
    shown = {id(v) for v in order[::-1][: len(order) if revealed is None else revealed]}
    fig, ax = plt.subplots(figsize=size)
    for value in order:
        for part, _ in value.made_of:
            _arrow(ax, places[id(part)], places[id(value)], {id(part), id(value)} <= shown)
    for value in order:
        _box(ax, value, places[id(value)], id(value) in shown)
    xs, ys = zip(*places.values(), strict=True)
    ax.set(xlim=(min(xs) - 0.8, max(xs) + 0.8), ylim=(min(ys) - 0.6, max(ys) + 0.6))
    ax.set_axis_off()
    return fig


def places_of(order: list[Value]) -> dict[int, tuple[float, float]]:
    """id -> (x, y). Each value stands just left of the first that uses it; rows follow its parts.

    `order` as `ingredients` gives it: the result last.
    """
    column = {id(order[-1]): 0}
    for value in reversed(order):
        for part, _ in value.made_of:
            column[id(part)] = max(column.get(id(part), 0), column[id(value)] + 1)
    row: dict[int, float] = {}
    leaves = 0
    for value in order:
        rows = [row[id(part)] for part, _ in value.made_of]
        row[id(value)] = sum(rows) / len(rows) if rows else float(leaves)
        leaves += not rows
    for number in set(column.values()):
        _spread([v for v in order if column[id(v)] == number], row)
    return {id(v): (-WIDE * column[id(v)], -HIGH * row[id(v)]) for v in order}


def _spread(values: list[Value], row: dict[int, float]) -> None:
    """Move the values of one column apart, so that no two boxes overlap, keeping their middle."""
    values.sort(key=lambda v: row[id(v)])
    middle = sum(row[id(v)] for v in values) / len(values)
    for before, value in zip(values, values[1:], strict=False):
        row[id(value)] = max(row[id(value)], row[id(before)] + 1.0)
    moved = sum(row[id(v)] for v in values) / len(values) - middle
    for value in values:
        row[id(value)] -= moved


def _box(ax: Axes, value: Value, place: tuple[float, float], with_gradient: bool) -> None:
    (x, y), (half_width, half_height) = place, HALF_BOX
    corner = (x - half_width, y - half_height)
    colour = "#eaf3fa" if value.made_of else "#f4f4f4"
    ax.add_patch(plt.Rectangle(corner, 2 * half_width, 2 * half_height, fc=colour, ec="#777777"))
    title = value.name or value.sign
    if value.name and value.sign:
        title = f"{value.name} = {value.sign}"
    ax.text(x, y + 0.19, title or "number", ha="center", va="center", fontsize=9, weight="bold")
    ax.text(x, y - 0.02, f"{value.data:.3g}", ha="center", va="center", color=COLOURS[0])
    if with_gradient:
        text = f"{_plain(value.grad):.3g}"
        ax.text(x, y - 0.24, text, ha="center", va="center", color=COLOURS[1])


def _plain(number: float) -> float:
    """Without the minus sign of minus zero."""
    return number + 0.0


def _arrow(ax: Axes, start: tuple, end: tuple, with_gradient: bool) -> None:
    style = {"arrowstyle": "->", "color": COLOURS[1] if with_gradient else "#999999"}
    if with_gradient:  # the gradient flows from the result back
        start, end = end, start
    side = HALF_BOX[0] if end[0] > start[0] else -HALF_BOX[0]
    ax.annotate("", (end[0] - side, end[1]), (start[0] + side, start[1]), arrowprops=style)
