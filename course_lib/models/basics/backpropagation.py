"""A multi-layer perceptron and its back-propagation, written out in matrices.

One layer: net = inputs W^T + b, output = f(net). Backwards, with delta = dLoss/dnet,

    delta          = (delta of the next layer  W_next) * f'(net)
    dLoss/dW       = delta^T inputs,      dLoss/db = sum of delta over cases

Source: Rumelhart, Hinton, Williams 1985 and Nature 323:533-536, 1986. Their delta has the opposite
sign, (target - output) f', which is why they *add* eta * delta * input.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.models.basics.activations import Activation, activation

Array = NDArray[np.float64]
Loss = Callable[[Array, Array], tuple[float, Array]]


@dataclass
class Layer:
    """A row of neurons: weights (out, in), bias (out,), activation."""

    weights: Array
    bias: Array
    activation: Activation


@dataclass(frozen=True)
class Step:
    """What one layer saw and did: inputs (n, in), net (n, out), outputs (n, out)."""

    inputs: Array
    net: Array
    outputs: Array


@dataclass(frozen=True)
class LayerGradient:
    """dLoss/d...: weights (out, in), bias (out,), net (n, out; the deltas), inputs (n, in)."""

    weights: Array
    bias: Array
    net: Array
    inputs: Array


def make_layers(
    sizes: Sequence[int],
    rng: np.random.Generator,
    hidden: str = "tanh",
    last: str = "identity",
    spread: float = 1.0,
) -> list[Layer]:
    """Layers between rows of `sizes` neurons, e.g. (2, 4, 1); weights are normal with standard
    deviation spread / sqrt(inputs), biases zero. Raises ValueError with fewer than two sizes."""
    if len(sizes) < 2:
        raise ValueError("A network needs at least an input and an output size.")
    layers = []
    for place, (ins, outs) in enumerate(zip(sizes, sizes[1:], strict=False)):
        name = last if place == len(sizes) - 2 else hidden
        weights = rng.normal(0.0, spread / np.sqrt(ins), (outs, ins))
        layers.append(Layer(weights, np.zeros(outs), activation(name)))
    return layers


def forward(layers: Sequence[Layer], inputs: ArrayLike) -> list[Step]:
    """Run (n, in) cases through all layers; the answer is the last step's `outputs`."""
    steps, x = [], np.asarray(inputs, float)
    for layer in layers:
        net = x @ layer.weights.T + layer.bias
        steps.append(Step(x, net, layer.activation.value(net)))
        x = steps[-1].outputs
    return steps


def backward(
    layers: Sequence[Layer], steps: Sequence[Step], gradient: ArrayLike
) -> list[LayerGradient]:
    """Gradients of all layers, first layer first, from dLoss/doutputs (n, out) of the last."""
    found, at_output = [], np.asarray(gradient, float)
    for layer, step in zip(reversed(layers), reversed(steps), strict=True):
        delta = at_output * layer.activation.slope(step.net)
        at_output = delta @ layer.weights
        found.append(LayerGradient(delta.T @ step.inputs, delta.sum(0), delta, at_output))
    return found[::-1]


def loss_and_gradients(
    layers: Sequence[Layer], inputs: ArrayLike, targets: ArrayLike, loss: Loss
) -> tuple[float, list[LayerGradient]]:
    """Forward, loss, backward: all that one step of learning needs."""
    steps = forward(layers, inputs)
    value, gradient = loss(steps[-1].outputs, np.asarray(targets, float))
    return value, backward(layers, steps, gradient)


def train(
    layers: Sequence[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    loss: Loss,
    rate: float,
    steps: int,
    momentum: float = 0.0,
) -> Array:
    """Change `layers` by `steps` steps of gradient descent; returns the (steps + 1,) losses."""
    velocity = [(np.zeros_like(la.weights), np.zeros_like(la.bias)) for la in layers]
    losses = []
    for _ in range(steps):
        value, gradients = loss_and_gradients(layers, inputs, targets, loss)
        losses.append(value)
        for place, (layer, gradient) in enumerate(zip(layers, gradients, strict=True)):
            v_weights = momentum * velocity[place][0] - rate * gradient.weights
            v_bias = momentum * velocity[place][1] - rate * gradient.bias
            layer.weights += v_weights
            layer.bias += v_bias
            velocity[place] = (v_weights, v_bias)
    losses.append(loss_and_gradients(layers, inputs, targets, loss)[0])
    return np.array(losses)
