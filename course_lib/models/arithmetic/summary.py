"""One table of a whole network: shapes, parameters, multiply-adds, memory, receptive fields."""

from dataclasses import dataclass
from math import inf, prod
from typing import NamedTuple

import pandas as pd
from torch import nn

from course_lib.models.arithmetic.operators import Axes
from course_lib.models.arithmetic.trace import LayerCall, Shape, Trace, trace

BYTES = 4  # of one number in single precision


@dataclass(frozen=True)
class Row:
    """One layer. Reach per axis of the picture, (height, width); see `reach.Reach`."""

    name: str
    kind: str
    shape: Shape
    parameters: int
    macs: int
    reach: Axes

    @property
    def values(self) -> int:
        """Numbers in the output: what has to be held while the next layer works."""
        return prod(self.shape)

    @property
    def receptive_field(self) -> float:
        """Pixels along the longest axis; infinite where every position sees the whole picture."""
        return max((axis.size for axis in self.reach), default=inf)

    @property
    def stride(self) -> float:
        """Pixels of the picture between neighbouring positions; 0 where only one is left."""
        return max((axis.stride for axis in self.reach), default=0)

    @property
    def is_map(self) -> bool:
        """Does it still have positions, more than one, along the picture's axes?"""
        axes = len(self.reach)
        return axes > 0 and len(self.shape) == axes + 2 and max(self.shape[2:]) > 1


@dataclass(frozen=True)
class Table:
    """The layers of a model in the order in which they finish; `blocks` are layers of layers."""

    rows: tuple[Row, ...]
    blocks: tuple[Row, ...] = ()
    last_map_name: str = ""

    @property
    def parameters(self) -> int:
        """Learned numbers of all layers."""
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-adds of all convolutions and matrix products."""
        return sum(row.macs for row in self.rows)

    @property
    def values(self) -> int:
        """Numbers in all outputs together."""
        return sum(row.values for row in self.rows)

    @property
    def last_map(self) -> Row:
        """The last output that is still a map: its receptive field is "the network's".

        Raises ValueError if no layer returns a map of more than one position.
        """
        if not self.last_map_name:
            raise ValueError("No layer of this model returns a map: give a larger input.")
        return self.row(self.last_map_name)

    def row(self, name: str) -> Row:
        """The layer or block called `name`. Raises KeyError with the names there are."""
        for row in self.rows + self.blocks:
            if row.name == name:
                return row
        raise KeyError(f"No layer {name!r}; there are {', '.join(r.name for r in self.rows)}.")

    def frame(self) -> pd.DataFrame:
        """As a data frame; memory is that of the layer's output in MB (single precision)."""
        return pd.DataFrame(
            {
                "layer": row.name,
                "kind": row.kind,
                "output": " x ".join(map(str, row.shape[1:])),
                "parameters": row.parameters,
                "MACs": row.macs,
                "MB": row.values * BYTES / 1e6,
                "sees": "all" if row.receptive_field == inf else f"{row.receptive_field:g}",
                "stride": f"{row.stride:g}",
            }
            for row in self.rows
        )

    def __str__(self) -> str:
        head = self.frame().to_string(index=False, float_format=lambda v: f"{v:.3g}")
        return f"{head}\ntogether: {self.parameters:,} parameters, {self.macs:,} multiply-adds"


def summary(model: nn.Module, input_shape: Shape) -> Table:
    """Table of `model` for an input of `input_shape` (batch, channels, height, width).

    Each layer gives one row, and so does a block that itself uses parameters or multiplies; a
    layer used several times is listed where it was used last. Parameters that this pass does not
    use (auxiliary classifiers) do not count. Nothing is computed (meta device).
    Raises ValueError for a bad shape.
    """
    notes = trace(model, input_shape)
    costs = _costs(notes)
    modules = dict(model.named_modules())
    final = {call.name: call for call in notes.calls}
    calls = [call for call in notes.calls if call is final[call.name]]
    rows = [_row(call, costs.get(call.name, Cost(0, 0))) for call in calls]
    layers = [row for row in rows if _is_layer(modules[row.name]) or row.macs or row.parameters]
    blocks = [row for row in rows if row not in layers and row.name]
    maps = [row.name for row in rows if row.is_map and row.name]
    return Table(tuple(layers), tuple(blocks), maps[-1] if maps else "")


def count_macs(model: nn.Module, input_shape: Shape) -> int:
    """Multiply-adds of all convolutions and matrix products for one pass."""
    return sum(step.macs for step in trace(model, input_shape).steps)


class Cost(NamedTuple):
    """Parameters and multiply-adds of a layer itself, without the layers inside it."""

    parameters: int
    macs: int


def _costs(notes: Trace) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    for step in notes.steps:
        before = costs.get(step.layer, Cost(0, 0))
        costs[step.layer] = Cost(before.parameters + step.parameters, before.macs + step.macs)
    return costs


def _is_layer(module: nn.Module) -> bool:
    return not any(True for _ in module.children())


def _row(call: LayerCall, cost: Cost) -> Row:
    return Row(call.name, call.kind, call.shape, cost.parameters, cost.macs, call.reach)
