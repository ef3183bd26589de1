"""Pairs of images: what reaches the model, and what is minimised."""

import pytest
import torch
from torch import nn

from course_lib.learning.pairs import PairLoss, Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit


def test_a_network_learns_the_factor_between_input_and_target():
    inputs = torch.randn(64, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    model = nn.Conv2d(1, 1, 1)
    pairs = Pairs(inputs, 3 * inputs)
    fit(model, pairs, pairs, PairLoss(), Plan(epochs=40, batch_size=16, learning_rate=0.1))
    assert model.weight.item() == pytest.approx(3, abs=0.05)


def test_further_arrays_reach_the_model_in_the_order_asked_for():
    class Add(nn.Module):
        def forward(self, x, mask, scale):
            return x * mask + scale

    batch = {"input": torch.ones(2, 3), "target": torch.full((2, 3), 5.0)}
    batch |= {"mask": torch.full((2, 3), 2.0), "scale": torch.full((2, 3), 1.0)}
    assert PairLoss("l1", ("mask", "scale"))(Add(), batch).item() == pytest.approx(2)


def test_complex_images_are_compared_in_both_parts():
    batch = {"input": torch.tensor([[3 + 4j]]), "target": torch.tensor([[0j]])}
    assert PairLoss("l2")(nn.Identity(), batch).item() == pytest.approx((9 + 16) / 2)


def test_what_does_not_fit_together_is_said():
    with pytest.raises(ValueError, match="Every input needs its target"):
        Pairs(torch.zeros(3, 1), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="'l1' or 'l2'"):
        PairLoss("huber")
    with pytest.raises(ValueError, match="must be alike"):
        PairLoss()(nn.Flatten(), {"input": torch.zeros(1, 2, 2), "target": torch.zeros(1, 2, 2)})
