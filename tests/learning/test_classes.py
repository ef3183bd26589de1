"""Pictures of one class each: they fit the loss, and their probabilities add up."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.learning.classes import Pictures, class_probabilities
from course_lib.learning.label_smoothing import ClassLoss


def test_pictures_feed_the_loss():
    data = Pictures(np.zeros((5, 1, 4, 4)), [0, 1, 2, 0, 1])
    batch = {key: torch.stack([data[i][key] for i in range(5)]) for key in data[0]}
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    assert ClassLoss()(model, batch).item() > 0
    with pytest.raises(ValueError, match="do not belong together"):
        Pictures(np.zeros((5, 1, 4, 4)), [0, 1])


def test_probabilities_are_those_of_the_model_at_rest():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(16, 3))
    pictures = np.random.default_rng(0).normal(size=(7, 1, 4, 4))
    got = class_probabilities(model, pictures, batch_size=3)
    assert got.shape == (7, 3) and np.allclose(got.sum(1), 1)
    weights, bias = (p.detach().numpy() for p in model[2].parameters())
    logits = pictures.reshape(7, 16) @ weights.T + bias
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(got, expected, atol=1e-5)
