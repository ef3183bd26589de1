"""A network's weights as a dictionary of tensors, and the arithmetic that a server needs."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


def weights_of(model: nn.Module) -> Weights:
    """A copy of all parameters and buffers of a model, by name."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def average(weights: Sequence[Weights], shares: Sequence[float]) -> Weights:
    """The sum of share_k * w_k. Shares are taken as they are: a mean needs shares that sum to 1.

    Raises ValueError if there is nothing to average, or the weights do not fit together.
    """
    if not weights or len(weights) != len(shares):
        raise ValueError(f"{len(weights)} sets of weights and {len(shares)} shares: no average.")
    for other in weights[1:]:
        check_alike(other, weights[0])
    return _each(lambda *values: _weighted(values, shares), *weights)


def plus(a: Weights, b: Weights, factor: float = 1.0) -> Weights:
    """a + factor * b."""
    check_alike(b, a)
    return _each(lambda x, y: (x + factor * y).to(x.dtype), a, b)


def difference(a: Weights, b: Weights) -> Weights:
    """a - b: what an update changed."""
    return plus(a, b, -1.0)


def squared_distance(a: Weights, b: Weights) -> float:
    """The sum of all squared differences, |a - b|^2."""
    gap = as_vector(a).double() - as_vector(b).double()
    return float(gap @ gap)


def as_vector(weights: Weights) -> Tensor:
    """All numbers in one row (P,), in the order of the dictionary."""
    if not weights:
        raise ValueError("There are no weights.")
    rows = [value.reshape(-1) for value in weights.values()]
    return torch.cat([row if row.is_floating_point() else row.float() for row in rows])


def from_vector(vector: Tensor, like: Weights) -> Weights:
    """The reverse of ``as_vector``; ValueError if the number of numbers is another."""
    sizes = [value.numel() for value in like.values()]
    if vector.dim() != 1 or len(vector) != sum(sizes):
        raise ValueError(f"These weights have {sum(sizes)} numbers, not {tuple(vector.shape)}.")
    parts = vector.split(sizes)
    return {
        name: part.reshape(value.shape).to(value.dtype)
        for (name, value), part in zip(like.items(), parts, strict=True)
    }


def number_of_bytes(weights: Weights) -> int:
    """What has to be sent, without envelopes: 4 bytes for each float32."""
    return sum(value.numel() * value.element_size() for value in weights.values())


def check_alike(weights: Weights, like: Weights) -> None:
    """Raise ValueError that says which name or shape differs."""
    if weights.keys() != like.keys():
        odd = sorted(weights.keys() ^ like.keys())
        raise ValueError(f"These weights belong to another network: {', '.join(odd[:3])}.")
    for name, value in weights.items():
        if value.shape != like[name].shape:
            raise ValueError(
                f"{name} has the shape {tuple(value.shape)} instead of {tuple(like[name].shape)}."
            )


def _weighted(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """In double precision, so that the order of the clients does not matter; counters rounded."""
    total = sum(share * value.double() for share, value in zip(shares, values, strict=True))
    assert isinstance(total, Tensor)
    return (total if values[0].is_floating_point() else total.round()).to(values[0].dtype)


def _each(function: Callable[..., Tensor], *weights: Weights) -> Weights:
    return {name: function(*(w[name] for w in weights)) for name in weights[0]}
