"""What one layer costs: learned numbers and multiply-adds (MACs), layer by layer, by hand.

A multiply-add is one multiplication and the addition of its result to a sum. Many texts call two
of them "two operations", some call one of them "one FLOP": always ask which.
"""

from collections.abc import Sequence
from math import prod


def convolution_parameters(
    inputs: int, outputs: int, kernel: Sequence[int], groups: int = 1, bias: bool = True
) -> int:
    """Weights (kernel area * inputs / groups * outputs) and one bias per output channel.

    Raises ValueError if `groups` does not divide both channel counts.
    """
    if inputs % groups or outputs % groups:
        raise ValueError(f"{groups} groups cannot share {inputs} inputs and {outputs} outputs.")
    return prod(kernel) * (inputs // groups) * outputs + (outputs if bias else 0)


def convolution_macs(
    inputs: int, outputs: int, kernel: Sequence[int], out_size: Sequence[int], groups: int = 1
) -> int:
    """Every weight is used once at every position of the output map. Biases are not counted."""
    weights = convolution_parameters(inputs, outputs, kernel, groups, bias=False)
    return weights * prod(out_size)


def transposed_macs(
    inputs: int, outputs: int, kernel: Sequence[int], in_size: Sequence[int], groups: int = 1
) -> int:
    """Turned round: every weight is used once at every position of the *input* map."""
    return convolution_macs(inputs, outputs, kernel, in_size, groups)


def linear_parameters(inputs: int, outputs: int, bias: bool = True) -> int:
    """Every input is connected with every output."""
    return inputs * outputs + (outputs if bias else 0)


def linear_macs(inputs: int, outputs: int) -> int:
    """One multiply-add per weight."""
    return inputs * outputs


def locally_connected_parameters(
    inputs: int, outputs: int, kernel: Sequence[int], out_size: Sequence[int], bias: bool = True
) -> int:
    """Windows like a convolution's, but every position has weights and a bias of its own."""
    return convolution_parameters(inputs, outputs, kernel, bias=bias) * prod(out_size)
