"""Losses and scales of regression: known values, gradients, unknown targets."""

import numpy as np
import pytest
import torch

from course_lib.learning.regression import NumberLoss, Scale, predicted_values


@pytest.mark.parametrize(
    ("penalty", "expected"), [("squared", 29 / 3), ("absolute", 7 / 3), ("huber", 6 / 3)]
)
def test_penalties_have_their_textbook_values(penalty, expected):
    answers = torch.tensor([[0.0], [2.0], [5.0]])  # Huber: 0, 2 - 1/2 and 5 - 1/2
    assert float(NumberLoss(penalty).between(answers, torch.zeros(3, 1))) == pytest.approx(expected)


def test_least_for_the_mean_and_for_the_median():
    ages = torch.tensor([[20.0], [30.0], [40.0], [50.0], [1957.0]])
    said = torch.arange(10.0, 1000.0)
    best = {}
    for penalty in ("squared", "absolute", "huber"):
        loss = NumberLoss(penalty)
        best[penalty] = float(min(said, key=lambda s: loss.between(torch.full_like(ages, s), ages)))
    assert best["squared"] == pytest.approx(float(ages.mean()), abs=1)
    assert best["absolute"] == 40
    assert abs(best["huber"] - 40) <= 1


def test_what_is_not_known_has_neither_loss_nor_gradient():
    answers = torch.zeros(2, 2, requires_grad=True)
    targets = torch.tensor([[1.0, float("nan")], [float("nan"), 3.0]])
    loss = NumberLoss("squared").between(answers, targets)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(5)
    assert answers.grad.tolist() == [[-1.0, 0.0], [0.0, -3.0]]
    nothing = NumberLoss("huber").between(answers, torch.full((2, 2), float("nan")))
    assert float(nothing.detach()) == 0


def test_a_scale_goes_there_and_back():
    values = np.random.default_rng(0).normal([50, 0.5], [16, 0.09], (40, 2))
    scale = Scale.of(values)
    small = scale.small(values)
    assert small.mean(0).abs().max() < 1e-5 and (small.std(0, correction=0) - 1).abs().max() < 1e-5
    assert scale.large(small.numpy()) == pytest.approx(values, rel=1e-4)


def test_an_untrained_answer_of_zero_is_the_mean():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    torch.nn.init.zeros_(model[1].weight)
    torch.nn.init.zeros_(model[1].bias)
    scale = Scale.of([[20, 1.0], [60, 3.0]])
    assert predicted_values(model, np.ones((3, 1, 2, 2)), scale) == pytest.approx(
        np.tile([40, 2.0], (3, 1))
    )


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="squared, absolute, huber"):
        NumberLoss("cubic")
    with pytest.raises(ValueError, match="above 0"):
        NumberLoss("huber", 0)
    with pytest.raises(ValueError, match="one output per number"):
        NumberLoss().between(torch.zeros(3, 1), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="differ"):
        Scale.of([[1.0], [1.0]])
