"""Back-propagation on single numbers and on matrices gives torch's gradients to 1e-10."""

import math

import numpy as np
import pytest
import torch

from course_lib.models.basics import losses
from course_lib.models.basics.backpropagation import (
    backward,
    forward,
    loss_and_gradients,
    make_layers,
    train,
)
from course_lib.models.basics.descent import descend, largest_rate, numerical_gradient
from course_lib.models.basics.scalar_autograd import Value, ingredients, neuron

RNG = np.random.default_rng(0)


def long_formula(a, b, c):
    """Uses every operation, and `a` several times."""
    d = (a * b + c) ** 2 / (1.0 + (-a).exp()) - 3.0
    e = d.tanh() + (b * b + 0.5).log() - (c / b).sigmoid() * 2.0
    return (2.0 - e).relu() * a + 1.0 / a - a


def test_scalar_gradients_are_torchs():
    numbers = [0.7, -1.3, 0.4]
    values = [Value(x) for x in numbers]
    long_formula(*values).backward()
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    result = long_formula(*tensors)
    result.backward()
    assert long_formula(*values).data == pytest.approx(result.item(), abs=1e-12)
    for value, tensor in zip(values, tensors, strict=True):
        assert value.grad == pytest.approx(tensor.grad.item(), abs=1e-10)


def test_a_value_used_twice_collects_both_paths_and_backward_starts_afresh():
    x = Value(3.0)
    y = x * x + x
    y.backward()
    y.backward()
    assert x.grad == 7 and y.grad == 1


def test_every_value_comes_after_its_ingredients_even_in_deep_graphs():
    x = Value(1.0, "x")
    deep = x
    for _ in range(5000):  # deeper than Python's own stack
        deep = deep + x
    order = ingredients(deep)
    place = {id(v): i for i, v in enumerate(order)}
    assert all(place[id(part)] < place[id(v)] for v in order for part, _ in v.made_of)
    deep.backward()
    assert x.grad == 5001


def test_no_logarithm_of_zero():
    with pytest.raises(ValueError, match="no logarithm of 0"):
        Value(0.0).log()


def scalar_network(layers, x):
    """The same network, one Value per weight; returns (output, weights, biases)."""
    rows, kept = list(x), []
    for layer in layers:
        w = [[Value(v) for v in row] for row in layer.weights]
        b = [Value(v) for v in layer.bias]
        rows = [neuron(rows, wi, bi, layer.activation.name) for wi, bi in zip(w, b, strict=True)]
        kept.append((w, b))
    return rows, kept


@pytest.mark.parametrize("hidden", ["tanh", "sigmoid", "relu"])
def test_scalars_and_matrices_agree(hidden):
    layers = make_layers((3, 4, 2), RNG, hidden)
    x, t = RNG.normal(size=3), RNG.normal(size=2)
    outputs, kept = scalar_network(layers, x)
    error = sum((o - v) ** 2 for o, v in zip(outputs, t, strict=True))
    error.backward()
    value, gradients = loss_and_gradients(layers, x[None], t[None], losses.squared_error)
    assert error.data == pytest.approx(value, abs=1e-12)
    for (w, b), gradient in zip(kept, gradients, strict=True):
        grads = [[v.grad for v in row] for row in w]
        assert np.allclose(grads, gradient.weights, atol=1e-10)
        assert np.allclose([v.grad for v in b], gradient.bias, atol=1e-10)


@pytest.mark.parametrize("hidden", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("last", ["identity", "sigmoid"])
def test_matrices_agree_with_torch_and_with_differences(hidden, last):
    layers = make_layers((5, 7, 6, 3), RNG, hidden, last)
    x, t = RNG.normal(size=(9, 5)), RNG.normal(size=(9, 3))
    value, gradients = loss_and_gradients(layers, x, t, losses.squared_error)
    tensors = [
        [torch.tensor(p, requires_grad=True) for p in (la.weights, la.bias)] for la in layers
    ]
    y = torch.tensor(x, requires_grad=True)
    inputs = y
    for layer, (w, b) in zip(layers, tensors, strict=True):
        net = y @ w.T + b
        y = (
            net
            if layer.activation.name == "identity"
            else getattr(torch, layer.activation.name)(net)
        )
    loss = ((y - torch.tensor(t)) ** 2).sum(1).mean()
    loss.backward()
    assert value == pytest.approx(loss.item(), abs=1e-12)
    for gradient, (w, b) in zip(gradients, tensors, strict=True):
        assert np.allclose(gradient.weights, w.grad, atol=1e-10)
        assert np.allclose(gradient.bias, b.grad, atol=1e-10)
    assert np.allclose(gradients[0].inputs, inputs.grad, atol=1e-10)

    def at(weights):
        kept, layers[0].weights = layers[0].weights, weights
        answer = loss_and_gradients(layers, x, t, losses.squared_error)[0]
        layers[0].weights = kept
        return answer

    differences = numerical_gradient(at, layers[0].weights)
    assert np.allclose(gradients[0].weights, differences, atol=1e-7)


def test_rumelharts_delta_is_minus_ours():
    """delta_j = (t - o) f'(net) at the output, f' sum delta_k w_kj below (for half the error)."""
    layers = make_layers((2, 3, 1), RNG, "sigmoid", "sigmoid")
    steps = forward(layers, RNG.normal(size=(1, 2)))
    target, out = 0.9, steps[1].outputs
    ours = backward(layers, steps, out - target)  # gradient of (t - o)^2 / 2
    last = (target - out) * out * (1 - out)
    hidden = steps[0].outputs * (1 - steps[0].outputs) * (last @ layers[1].weights)
    assert np.allclose(last, -ours[1].net) and np.allclose(hidden, -ours[0].net)


def test_a_network_with_a_hidden_layer_learns_xor():
    x, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    layers = make_layers((2, 4, 1), np.random.default_rng(1))
    history = train(layers, x, t, losses.sigmoid_cross_entropy, 0.3, 800, momentum=0.9)
    assert ((forward(layers, x)[-1].outputs > 0) == t).all()
    assert history[0] > 0.4 and history[-1] < 0.01 and len(history) == 801


def test_same_seed_same_bits():
    one, two = (make_layers((4, 3, 1), np.random.default_rng(7)) for _ in range(2))
    assert all((a.weights == b.weights).all() for a, b in zip(one, two, strict=True))
    with pytest.raises(ValueError, match="input and an output"):
        make_layers((4,), np.random.default_rng(0))


def test_descent_on_a_bowl_multiplies_the_distance_by_one_minus_rate_times_curvature():
    bowl = np.diag([1.0, 10.0])
    path = descend(lambda x: bowl @ x, [1.0, 1.0], 0.15, 20)
    assert np.allclose(path[-1], [(1 - 0.15) ** 20, (1 - 1.5) ** 20])
    limit = largest_rate(bowl)
    assert limit == pytest.approx(0.2)
    assert abs(descend(lambda x: bowl @ x, [1.0, 1.0], 0.99 * limit, 400)[-1]).max() < 0.01
    exploded = descend(lambda x: bowl @ x, [1.0, 1.0], 5 * limit, 400)
    assert np.isfinite(exploded).all() and abs(exploded[-1]).max() > 1e90


def test_momentum_is_faster_in_a_narrow_valley():
    valley = np.diag([1.0, 100.0])
    rate = 0.9 * largest_rate(valley)
    plain, heavy = (descend(lambda x: valley @ x, [1.0, 1.0], rate, 150, m)[-1] for m in (0, 0.8))
    assert np.linalg.norm(heavy) < 0.01 * np.linalg.norm(plain)
    with pytest.raises(ValueError, match="momentum"):
        descend(lambda x: x, [1.0], 0.1, 1, momentum=1.0)


def test_ten_layers_of_sigmoids_lose_the_gradient_and_relus_do_not():
    sizes = (10,) * 10 + (1,)
    share = {}
    for hidden, spread in (("sigmoid", 1.0), ("relu", math.sqrt(2))):
        layers = make_layers(sizes, np.random.default_rng(0), hidden, spread=spread)
        x = np.random.default_rng(1).normal(size=(50, 10))
        steps = forward(layers, x)
        gradients = backward(layers, steps, np.ones_like(steps[-1].outputs) / 50)
        norms = [np.linalg.norm(g.net) for g in gradients]
        share[hidden] = norms[0] / norms[-1]
    assert share["sigmoid"] < 1e-4 and share["relu"] > 0.05
