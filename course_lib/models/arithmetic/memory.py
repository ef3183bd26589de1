"""How much memory does training take? Predicted by rules, and measured.

Four things lie in memory: the weights, their gradients, what the optimiser remembers, and the
activations that back-propagation will need again. For pictures the last is by far the largest.
Everything in bytes, for numbers of 4 bytes (single precision); buffers that a library uses while
it computes come on top.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_lib.models.arithmetic.trace import Shape, picture_of, without_numbers

# Numbers an optimiser keeps per weight.
OPTIMISER_STATES = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2}


@dataclass(frozen=True)
class Memory:
    """Bytes that one training step needs."""

    weights: int
    gradients: int
    optimiser: int
    activations: int

    @property
    def total(self) -> int:
        """All four together."""
        return self.weights + self.gradients + self.optimiser + self.activations


def training_memory(model: nn.Module, input_shape: Shape, optimiser: str = "adam") -> Memory:
    """Memory to train `model` with batches of `input_shape` (batch, channels, height, width).

    Activations by the rules of `KEPT`. Raises ValueError for an unknown optimiser.
    """
    if optimiser not in OPTIMISER_STATES:
        raise ValueError(f"No optimiser {optimiser!r}; choose from {', '.join(OPTIMISER_STATES)}.")
    learned = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    states = OPTIMISER_STATES[optimiser] * learned
    return Memory(weights, learned, states, predicted_activations(model, input_shape))


# Which tensors does an operator need on the way back? (its inputs, its outputs) -> those.
# max pooling keeps where the largest value was, as 8-byte whole numbers.
KEPT: dict[str, Callable[[Sequence, Sequence[Tensor]], list]] = {
    "convolution": lambda args, outs: [args[0]],
    "addmm": lambda args, outs: [args[1]],
    "mm": lambda args, outs: [args[0]],
    "relu": lambda args, outs: [outs[0]],
    "relu_": lambda args, outs: [outs[0]],
    "sigmoid": lambda args, outs: [outs[0]],
    "tanh": lambda args, outs: [outs[0]],
    "silu": lambda args, outs: [args[0]],
    "silu_": lambda args, outs: [args[0].clone()],  # the input, since the output overwrites it
    "hardtanh": lambda args, outs: [args[0]],
    "mul": lambda args, outs: _partners(*args),
    "mul_": lambda args, outs: _partners(*args),
    "div": lambda args, outs: [args[1], *_partners(*args)],  # for the numerator: the denominator
    "pow": lambda args, outs: [args[0]],
    "native_batch_norm": lambda args, outs: [args[0], outs[1], outs[2]],
    "cudnn_batch_norm": lambda args, outs: [args[0], outs[1], outs[2]],
    "max_pool2d_with_indices": lambda args, outs: [args[0], outs[1]],
    "avg_pool2d": lambda args, outs: [args[0]],
    "avg_pool3d": lambda args, outs: [args[0]],
    "_adaptive_avg_pool2d": lambda args, outs: [args[0]],
    "native_dropout": lambda args, outs: [outs[1]],
}


def _partners(a, b) -> list:
    """A product's gradient for one factor needs the other factor."""
    learns_a, learns_b = (getattr(t, "requires_grad", False) for t in (a, b))
    return [b] * learns_a + [a] * learns_b


class _Keeper(TorchDispatchMode):
    """Collects the storages that the rules of KEPT name, each once, weights excepted."""

    def __init__(self, weights: set[int]) -> None:
        super().__init__()
        self.weights = weights
        self.kept: dict[int, Tensor] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func._schema.name.split("::")[1]
        outs = [t for t in tree_leaves(out) if isinstance(t, Tensor)]
        for tensor in KEPT.get(name, lambda args, outs: [])(args, outs):
            _keep(tensor, self.weights, self.kept)
        return out


def predicted_activations(model: nn.Module, input_shape: Shape) -> int:
    """Bytes that a forward pass of `model` leaves for the way back, by the rules of KEPT."""
    picture, tensors = picture_of(input_shape), _learning(model)
    keeper = _Keeper({_storage(t) for t in tensors.values()})
    with torch.device("meta"), keeper:
        functional_call(model, tensors, (picture,))
    return sum(t.untyped_storage().nbytes() for t in keeper.kept.values())


def measured_activations(model: nn.Module, input_shape: Shape) -> int:
    """The same measured: bytes of what PyTorch really saves for the way back."""
    picture, tensors = picture_of(input_shape), _learning(model)
    weights: set[int] = {_storage(t) for t in tensors.values()}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        _keep(tensor, weights, kept)
        return tensor

    with torch.device("meta"), saved_tensors_hooks(pack, lambda tensor: tensor):
        functional_call(model, tensors, (picture,))
    return sum(t.untyped_storage().nbytes() for t in kept.values())


def _learning(model: nn.Module) -> dict[str, Tensor]:
    """Shapes of parameters and buffers; those that learn want a gradient."""
    tensors = without_numbers(model)
    for name, parameter in model.named_parameters():
        tensors[name].requires_grad_(parameter.requires_grad)
    return tensors


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _keep(tensor, weights: set[int], kept: dict[int, Tensor]) -> None:
    """Note a tensor's storage once. Views share it; keeping the tensor keeps the key unique."""
    if isinstance(tensor, Tensor) and _storage(tensor) not in weights:
        kept[_storage(tensor)] = tensor
