"""Reverse-mode automatic differentiation on single numbers: what every framework does inside.

A `Value` remembers which values it was made of and how steeply it answers to each of them (the
local slopes). `backward` walks from the result back to the inputs and multiplies slopes along the
way: the chain rule, once per edge. Source: Rumelhart, Hinton, Williams, "Learning representations
by back-propagating errors", Nature 323:533-536, 1986.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


class Value:
    """A number in a computation: `data`, its `name` or `sign` (+, x, tanh, ...), and, after
    `backward()` on the result, `grad`: how much the result changes per unit of this value."""

    def __init__(self, data: float, name: str = "", sign: str = "", made_of: Sequence = ()):
        self.data, self.name, self.sign = float(data), name, sign
        self.made_of: tuple[tuple[Value, float], ...] = tuple(made_of)  # (value, local slope)
        self.grad = 0.0

    def __add__(self, other: Value | float) -> Value:
        other = as_value(other)
        return Value(self.data + other.data, sign="+", made_of=[(self, 1.0), (other, 1.0)])

    def __mul__(self, other: Value | float) -> Value:
        other = as_value(other)
        slopes = [(self, other.data), (other, self.data)]
        return Value(self.data * other.data, sign="×", made_of=slopes)

    def __pow__(self, power: float) -> Value:
        slope = power * self.data ** (power - 1)
        return Value(
            self.data**power,
            sign="square" if power == 2 else f"^{power:g}",
            made_of=[(self, slope)],
        )

    def __neg__(self) -> Value:
        return self * -1.0

    def __sub__(self, other: Value | float) -> Value:
        other = as_value(other)
        return Value(self.data - other.data, sign="-", made_of=[(self, 1.0), (other, -1.0)])

    def __truediv__(self, other: Value | float) -> Value:
        return self * as_value(other) ** -1.0

    def __radd__(self, other: float) -> Value:
        return as_value(other) + self

    def __rmul__(self, other: float) -> Value:
        return as_value(other) * self

    def __rsub__(self, other: float) -> Value:
        return as_value(other) - self

    def __rtruediv__(self, other: float) -> Value:
        return as_value(other) / self

    def exp(self) -> Value:
        """e to this power; it is its own slope."""
        y = math.exp(self.data)
        return Value(y, sign="exp", made_of=[(self, y)])

    def log(self) -> Value:
        """Natural logarithm; ValueError for a number that is not positive."""
        if self.data <= 0:
            raise ValueError(f"There is no logarithm of {self.data:g}.")
        return Value(math.log(self.data), sign="log", made_of=[(self, 1.0 / self.data)])

    def tanh(self) -> Value:
        """Hyperbolic tangent."""
        y = math.tanh(self.data)
        return Value(y, sign="tanh", made_of=[(self, 1.0 - y * y)])

    def sigmoid(self) -> Value:
        """1 / (1 + e^-z)."""
        y = 0.5 * (1.0 + math.tanh(0.5 * self.data))
        return Value(y, sign="sigmoid", made_of=[(self, y * (1.0 - y))])

    def relu(self) -> Value:
        """max(0, z)."""
        return Value(max(0.0, self.data), sign="relu", made_of=[(self, float(self.data > 0))])

    def backward(self) -> None:
        """Set `grad` of this value (1) and of everything it was made of."""
        order = ingredients(self)
        for value in order:
            value.grad = 0.0
        self.grad = 1.0
        for value in reversed(order):  # every value after all that use it
            for part, slope in value.made_of:
                part.grad += slope * value.grad  # += : it may be used several times

    def __repr__(self) -> str:
        return (
            f"Value({self.data:.4g}, grad={self.grad:.4g}{', ' + self.name if self.name else ''})"
        )


def as_value(number: Value | float) -> Value:
    """`number` as a Value; Values stay what they are."""
    return number if isinstance(number, Value) else Value(number)


def ingredients(result: Value) -> list[Value]:
    """All values that `result` was made of, itself last, every one after its own ingredients."""
    order: list[Value] = []
    seen: set[int] = set()
    waiting = [(result, False)]
    while waiting:  # a list instead of recursion: graphs may be deeper than Python's stack
        value, done = waiting.pop()
        if done:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            waiting.append((value, True))
            waiting.extend((part, False) for part, _ in reversed(value.made_of))
    return order


def neuron(
    inputs: Sequence[Value | float],
    weights: Sequence[Value],
    bias: Value,
    activation: str = "tanh",
) -> Value:
    """Weighted sum plus bias, then the activation ("tanh", "sigmoid", "relu" or "identity")."""
    total = bias
    for x, w in zip(inputs, weights, strict=True):
        total = total + w * x
    return total if activation == "identity" else getattr(total, activation)()
