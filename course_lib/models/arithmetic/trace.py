"""Run a model without computing anything, and write down what each of its layers does.

On PyTorch's "meta" device tensors have a shape but no numbers: any model runs in milliseconds and
without memory. A dispatch mode sees every operator and carries the receptive field along, and
hooks say which layer is at work.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_lib.models.arithmetic.operators import Axes, biased_values, macs, reach_after
from course_lib.models.arithmetic.reach import Reach

Shape = tuple[int, ...]


@dataclass
class Step:
    """One call of one operator: its layer, cost, and numbers of values in and out.

    `parameters` counts those it is the first to use, `biased` the values that get a bias.
    """

    layer: str
    operator: str
    macs: int
    parameters: int
    biased: int
    values_in: int
    values_out: int


@dataclass
class LayerCall:
    """What came out of a layer: shape (batch, channels, ...), and reach per axis of the picture."""

    name: str
    kind: str
    shape: Shape
    reach: Axes


@dataclass
class Trace(TorchDispatchMode):
    """Notes every operator while it is active; `begin` marks the picture it starts from."""

    steps: list[Step] = field(default_factory=list)
    calls: list[LayerCall] = field(default_factory=list)
    at_work: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def begin(self, picture: Tensor, parameters: Iterable[Tensor]) -> None:
        """`picture` (batch, channels, ...): each position sees itself. No parameter used yet."""
        picture.reach = (Reach(),) * (picture.ndim - 2)  # type: ignore[attr-defined]
        for parameter in parameters:
            parameter.unused = True  # type: ignore[attr-defined]

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func._schema.name.split("::")[1].rstrip("_")
        sources = [t for t in tree_leaves(args) if isinstance(t, Tensor)]
        results = [t for t in tree_leaves(out) if isinstance(t, Tensor)]
        if results:
            self._note(name, args, sources, results[0])
        seeing = [t for t in sources if hasattr(t, "reach")]
        for result in results:
            if seeing:
                result.reach = _joined(name, args, seeing, result)  # type: ignore[attr-defined]
        return out

    def _note(self, name: str, args: Sequence, sources: list[Tensor], result: Tensor) -> None:
        layer = self.at_work[-1] if self.at_work else ""
        new = [t for t in sources if getattr(t, "unused", False)]
        for parameter in new:
            parameter.unused = False  # type: ignore[attr-defined]
        learned = sum(parameter.numel() for parameter in new)
        values = sources[0].numel() if sources else 0
        cost, biased = macs(name, args, result), biased_values(name, args, result)
        self.steps.append(Step(layer, name, cost, learned, biased, values, result.numel()))


def _joined(name: str, args: Sequence, seeing: list[Tensor], result: Tensor) -> Axes:
    """The reach of one result: on every axis the longest way through any of the sources."""
    axes = [reach_after(name, args, t.reach, t, result) for t in seeing]  # type: ignore[attr-defined]
    joined = axes[0]
    for other in axes[1:]:
        joined = tuple(a.joined(b) for a, b in zip(joined, other, strict=True))
    return joined


@contextmanager
def _layers_reported(model: nn.Module, trace: Trace) -> Iterator[None]:
    """While this lasts, each layer tells `trace` when it begins and what it returns."""
    handles = []

    def begin(name: str):
        return lambda *_: trace.at_work.append(name)

    def end(name: str):
        def note(module: nn.Module, _, out) -> None:
            trace.at_work.pop()
            maps = [t for t in tree_leaves(out) if isinstance(t, Tensor)]
            if maps:
                reach = getattr(maps[-1], "reach", ())
                call = LayerCall(name, type(module).__name__, tuple(maps[-1].shape), reach)
                trace.calls.append(call)

        return note

    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(begin(name)))
        handles.append(module.register_forward_hook(end(name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode; afterwards every layer is as it was."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


def without_numbers(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters and buffers by name as shapes only (on the meta device)."""
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name: torch.empty_like(t, device="meta") for name, t in tensors.items()}


def picture_of(input_shape: Shape) -> Tensor:
    """An input without numbers. Raises ValueError unless it has batch, channels and axes."""
    if len(input_shape) < 3 or min(input_shape) < 1:
        raise ValueError(
            f"Give the input's shape as (batch, channels, height, width), not {input_shape}."
        )
    return torch.empty(*input_shape, device="meta")


def trace(model: nn.Module, input_shape: Shape) -> Trace:
    """Operators and layer calls of `model` (evaluation mode) for an input of `input_shape`.

    The model is left as it was. Raises ValueError for a shape without batch and channels, and
    whatever the model raises if the input does not fit it.
    """
    picture, tensors = picture_of(input_shape), without_numbers(model)
    notes = Trace()
    notes.begin(picture, [tensors[name] for name, _ in model.named_parameters()])
    with ExitStack() as stack:
        for context in (evaluating(model), _layers_reported(model, notes), torch.no_grad()):
            stack.enter_context(context)
        stack.enter_context(torch.device("meta"))
        stack.enter_context(notes)
        functional_call(model, tensors, (picture,))
    return notes
