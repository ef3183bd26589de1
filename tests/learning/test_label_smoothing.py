"""Soft labels are PyTorch's, and auxiliary classifiers count in training only."""

import pytest
import torch
from torch import nn

from course_lib.learning.label_smoothing import (
    ClassLoss,
    smoothed_cross_entropy,
    smoothed_targets,
)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothed_cross_entropy_is_pytorchs(smoothing):
    torch.manual_seed(0)
    logits, target = torch.randn(6, 4), torch.tensor([0, 3, 1, 1, 2, 0])
    expected = nn.functional.cross_entropy(logits, target, label_smoothing=smoothing)
    torch.testing.assert_close(smoothed_cross_entropy(logits, target, smoothing), expected)


def test_smoothed_targets_are_probabilities():
    wanted = smoothed_targets(torch.tensor([1, 0]), 5, 0.1)
    torch.testing.assert_close(wanted.sum(1), torch.ones(2))
    torch.testing.assert_close(wanted[0], torch.tensor([0.02, 0.92, 0.02, 0.02, 0.02]))


def test_smoothing_bounds_the_best_logits():
    """The loss is least where softmax equals the smoothed label, not at infinite logits."""
    logits = torch.zeros(1, 3, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(400):
        optimiser.zero_grad()
        smoothed_cross_entropy(logits, torch.tensor([2]), 0.1).backward()
        optimiser.step()
    expected = smoothed_targets(torch.tensor([2]), 3, 0.1)
    torch.testing.assert_close(logits.detach().softmax(1), expected, rtol=1e-2, atol=1e-3)


class Helped(nn.Module):
    """A model with two auxiliary classifiers whose logits are known."""

    def forward(self, x, auxiliaries=False):
        return (x, 2 * x, 3 * x) if auxiliaries else x


def test_auxiliaries_are_weighted_and_only_in_training():
    x, target = torch.randn(5, 3), torch.arange(5) % 3
    cross_entropy = nn.functional.cross_entropy
    batch, model, loss = {"image": x, "target": target}, Helped(), ClassLoss(auxiliary=0.3)
    extra = cross_entropy(2 * x, target) + cross_entropy(3 * x, target)
    torch.testing.assert_close(loss(model.train(), batch), cross_entropy(x, target) + 0.3 * extra)
    torch.testing.assert_close(loss(model.eval(), batch), cross_entropy(x, target))


def test_another_measure_can_be_given():
    loss = ClassLoss(measure=lambda logits, target: logits.sum() + target.sum())
    batch = {"image": torch.ones(2, 3), "target": torch.tensor([1, 2])}
    assert loss(nn.Identity(), batch) == 9


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="from 0 to below 1"):
        smoothed_targets(torch.tensor([0]), 2, 1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        smoothed_targets(torch.tensor([2]), 2)
