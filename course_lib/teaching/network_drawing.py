"""Pictures of networks: maps that shrink and grow deep, and the paths of a module."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from course_lib.models.arithmetic.trace import LayerCall, Shape, trace
from course_lib.teaching.figures import COLOURS

# Layers that change neither the number of maps nor their size are not drawn.
_UNSEEN = {"ReLU", "Tanh", "Dropout", "Identity", "BatchNorm2d", "LocalResponseNorm", "ScaledTanh"}
_KINDS = {"convolution": COLOURS[0], "pooling": COLOURS[4], "full": COLOURS[1]}


def visible_layers(model: nn.Module, input_shape: Shape) -> list[LayerCall]:
    """The layers of `model` that give new maps, in order, modules of layers taken as one.

    Only direct children of the model and of its `features` and `classifier` are looked at.
    input_shape is (batch, channels, height, width).
    """
    seen: list[LayerCall] = []
    for call in trace(model, input_shape).calls:
        place = call.name.removeprefix("features.").removeprefix("classifier.")
        inside = "." in place or place in ("", "features", "classifier")
        same = bool(seen) and "Pool" in call.kind and call.shape == seen[-1].shape
        if not inside and not same and call.kind not in _UNSEEN:
            seen.append(call)
    return seen


def map_sizes(model: nn.Module, input_shape: Shape, title: str = "") -> Figure:
    """One block per layer: as high as its maps are, as thick as they are many.

    Thickness goes with the square root of the number of maps, so that three and a thousand fit.
    Numbers above: maps; below: their side in pixels, where it changes.
    """
    layers = [("input", tuple(input_shape))]
    layers += [(_kind(call), call.shape) for call in visible_layers(model, input_shape)]
    thickness = [shape[1] ** 0.5 for _, shape in layers]
    fig, ax = plt.subplots(figsize=(10, 3.6))
    picture, gap = input_shape[2], 0.35 * sum(thickness) / len(thickness)
    place, last_side = 0.0, 0
    for (kind, shape), width in zip(layers, thickness, strict=True):
        side = shape[2] if len(shape) == 4 else 1
        height, middle = max(side, picture / 60), place + width / 2
        colour = _KINDS.get(kind, "#777777")
        ax.add_patch(Rectangle((place, -height / 2), width, height, color=colour, alpha=0.85))
        ax.text(middle, height / 2 + picture / 60, str(shape[1]), ha="center", fontsize=7)
        if side != last_side:
            ax.text(middle, -height / 2 - picture / 18, str(side), ha="center", fontsize=7)
        place, last_side = place + width + gap, side
    _finish(ax, place, picture, title)
    return fig


def _kind(call: LayerCall) -> str:
    if "Pool" in call.kind or call.kind == "SubSampling":
        return "pooling"
    return "convolution" if len(call.shape) == 4 else "full"


def _finish(ax: Axes, width: float, side: int, title: str) -> None:
    ax.set(xlim=(-4, width), ylim=(-0.66 * side, 0.62 * side), title=title)
    ax.set_axis_off()
    names = {"full": "fully connected", "convolution": "convolution, or module of them"}
    for kind, colour in _KINDS.items():
        ax.plot([], [], "s", color=colour, label=names.get(kind, kind))
    ax.legend(loc="upper right", ncols=3, fontsize=8)


def module_paths(ax: Axes, paths: Sequence[Sequence[str]], title: str) -> None:
    """Draw a module on `ax`: its input below, its paths side by side, where they join above.

    Each path lists the texts of its boxes from the input upwards.
    """
    highest, middle = max(len(path) for path in paths), (len(paths) - 1) / 2
    top = highest + 1.4
    _box(ax, middle, 0, "maps below", "#dddddd")
    _box(ax, middle, top, "joined", "#dddddd")
    for x, path in enumerate(paths):
        line = [(middle, 0.3), (x, 0.9), (x, highest + 0.5), (middle, top - 0.3)]
        ax.plot(*zip(*line, strict=True), color="#777777", lw=1, zorder=1)
        for y, text in enumerate(path):
            colour = COLOURS[4] if "pool" in text or "mean" in text else COLOURS[5]
            _box(ax, x, 1.2 + y, text, colour)
    ax.set(xlim=(-0.6, len(paths) - 0.4), ylim=(-0.5, top + 0.5), title=title)
    ax.set_axis_off()


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    ax.add_patch(Rectangle((x - 0.44, y - 0.3), 0.88, 0.6, color=colour, zorder=2))
    ax.text(x, y, text, ha="center", va="center", fontsize=8, zorder=3)
