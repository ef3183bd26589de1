"""U-Net's weighted loss: balanced classes, heavy gaps between touching neighbours."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.learning.separation import WeightedPixelLoss, separation_weights


def two_squares(gap: int) -> np.ndarray:
    instances = np.zeros((40, 60), dtype=int)
    instances[10:30, 10:25] = 1
    instances[10:30, 25 + gap : 40 + gap] = 2
    return instances


def test_gap_has_the_weight_of_equation_2():
    """In a gap of 3 pixels, the middle one is 2 pixels from both: 10 exp(-(2 + 2)^2 / 50)."""
    weights = separation_weights(two_squares(3), balance=False)
    assert weights[20, 26] == pytest.approx(1 + 10 * np.exp(-16 / 50))
    assert weights[20, 25] == pytest.approx(1 + 10 * np.exp(-((1 + 3) ** 2) / 50))
    assert weights[20, 15] == 1  # inside a cell
    assert weights[0, 0] < 1.01  # far from both


def test_narrow_gaps_weigh_more_than_wide_ones():
    middle = [separation_weights(two_squares(gap), balance=False)[20].max() for gap in (1, 5, 15)]
    assert middle[0] > middle[1] > middle[2]


def test_balance_gives_both_classes_half():
    instances = two_squares(10)
    weights = separation_weights(instances, w0=0.0)
    inside = weights[instances > 0].sum()
    assert inside == pytest.approx(weights[instances == 0].sum())
    assert weights.mean() == pytest.approx(1)


def test_fewer_than_two_instances_have_no_gap():
    empty, one = np.zeros((8, 8), int), np.zeros((8, 8), int)
    one[2:4, 2:4] = 7
    assert np.array_equal(separation_weights(empty), np.ones((8, 8)))
    assert len(np.unique(separation_weights(one))) == 2


class Fixed(nn.Module):
    """Gives the logits it was made with."""

    def __init__(self, logits: torch.Tensor):
        super().__init__()
        self.logits = logits

    def forward(self, x):
        return self.logits


def test_loss_is_the_weighted_mean_of_cross_entropy():
    model = Fixed(torch.zeros(1, 2, 2, 2))
    batch = {"input": torch.zeros(1, 1, 2, 2), "target": torch.zeros(1, 2, 2)}
    assert WeightedPixelLoss()(model, batch).item() == pytest.approx(np.log(2))
    batch["weight"] = torch.tensor([[[1.0, 3.0], [0.0, 0.0]]])
    assert WeightedPixelLoss()(model, batch).item() == pytest.approx(np.log(2))
    batch["weight"] = 2 * batch["weight"]
    assert WeightedPixelLoss()(model, batch).item() == pytest.approx(2 * np.log(2))


def test_sizes_must_agree():
    batch = {"input": torch.zeros(1, 1, 4, 4), "target": torch.zeros(1, 4, 4)}
    with pytest.raises(ValueError, match="central"):
        WeightedPixelLoss()(Fixed(torch.zeros(1, 2, 2, 2)), batch)
