"""Activations and losses of one neuron: derivatives are exact, extremes do not overflow."""

import numpy as np
import pytest
import torch

from course_lib.models.basics import losses
from course_lib.models.basics.activations import (
    ACTIVATIONS,
    activation,
    sigmoid,
    sigmoid_slope,
    softmax,
    softmax_slopes,
)
from course_lib.models.basics.descent import numerical_gradient

Z = np.array([-30.0, -3.0, -0.4, 0.2, 1.0, 5.0, 30.0])
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_those_of_torch(name):
    z = torch.tensor(Z, requires_grad=True)
    y = z * 1 if name == "identity" else getattr(torch, name)(z)
    y.sum().backward()
    assert np.allclose(activation(name).value(Z), y.detach(), atol=1e-12)
    assert np.allclose(activation(name).slope(Z), z.grad, atol=1e-12)


def test_unknown_activation_is_named():
    with pytest.raises(ValueError, match=r"'gelu'; there are: .*relu"):
        activation("gelu")


def test_sigmoid_has_slope_a_quarter_and_never_overflows():
    with np.errstate(over="raise"):
        assert sigmoid([-1000.0, 0.0, 1000.0]).tolist() == [0.0, 0.5, 1.0]
    assert sigmoid_slope(np.linspace(-9, 9, 181)).max() == 0.25


def test_softmax_adds_up_to_one_and_forgets_a_common_shift():
    z = RNG.normal(size=(3, 5))
    assert np.allclose(softmax(z).sum(1), 1)
    assert np.allclose(softmax(z + 1000), softmax(z))
    columns = [numerical_gradient(lambda v, i=i: softmax(v)[i], z[0]) for i in range(5)]
    assert np.allclose(softmax_slopes(z[0]), columns, atol=1e-9)


PAIRS = {
    "squared_error": lambda z, t: ((z - t) ** 2).sum(1).mean(),
    "sigmoid_squared_error": lambda z, t: ((torch.sigmoid(z) - t) ** 2).sum(1).mean(),
    "sigmoid_cross_entropy": lambda z, t: (
        torch.nn.functional.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1).mean()
    ),
    "softmax_cross_entropy": torch.nn.functional.cross_entropy,
}


@pytest.mark.parametrize("name", PAIRS)
def test_losses_and_gradients_are_those_of_torch(name):
    z, t = RNG.normal(size=(6, 4)), np.eye(4)[[0, 1, 2, 3, 0, 1]]
    value, gradient = getattr(losses, name)(z, t)
    logits = torch.tensor(z, requires_grad=True)
    peer = PAIRS[name](logits, torch.tensor(t))
    peer.backward()
    assert value == pytest.approx(peer.item(), abs=1e-12)
    assert np.allclose(gradient, logits.grad, atol=1e-12)
    ours = numerical_gradient(lambda v: getattr(losses, name)(v, t)[0], z)
    assert np.allclose(gradient, ours, atol=1e-8)


def test_cross_entropy_gradient_is_p_minus_y():
    z, t = np.array([[2.0, 0.0, -1.0]]), np.array([[0.0, 1.0, 0.0]])
    assert np.allclose(losses.softmax_cross_entropy(z, t)[1], softmax(z) - t, atol=1e-15)


def test_certain_and_wrong_learns_with_cross_entropy_but_not_with_squared_error():
    wrong = np.array([[-12.0]])
    assert abs(losses.sigmoid_squared_error(wrong, [[1.0]])[1]) < 2e-5
    assert losses.sigmoid_cross_entropy(wrong, [[1.0]])[1] == pytest.approx(-1, abs=1e-5)
    assert losses.sigmoid_cross_entropy([[-800.0]], [[1.0]])[0] == 800


def test_impossible_targets_are_refused():
    with pytest.raises(ValueError, match="add up to one"):
        losses.softmax_cross_entropy([[1.0, 2.0]], [[1.0, 1.0]])
    with pytest.raises(ValueError, match=r"\(2,\)"):
        losses.squared_error([1.0, 2.0], [1.0, 2.0])
