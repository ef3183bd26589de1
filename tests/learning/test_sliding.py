"""A sliding classifier sees what the cut-out window sees; marks keep their distance."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.learning.classes import class_probabilities
from course_lib.learning.sliding import marks_of, sliding_answers


def tiny_classifier():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))


def test_every_answer_is_that_of_the_window_cut_out():
    model, picture = tiny_classifier(), np.random.default_rng(0).random((20, 26), np.float32)
    answers = sliding_answers(model, picture, 8, step=3)
    assert answers.probabilities.shape == (5, 7, 3)
    row, column = answers.row_centres[2], answers.column_centres[4]
    cut = picture[row - 4 : row + 4, column - 4 : column + 4]
    alone = class_probabilities(model, cut[None, None])[0]
    assert answers.probabilities[2, 4] == pytest.approx(alone, abs=1e-6)


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        sliding_answers(tiny_classifier(), np.zeros((6, 30)), 8)


def test_marks_fall_in_score_and_keep_their_distance():
    scores = np.random.default_rng(1).random((9, 9))
    places = np.arange(9) * 4
    marks = marks_of(scores, places, places, radius=10, lowest=0.3)
    assert marks[0].score == scores.max()
    assert all(a.score >= b.score >= 0.3 for a, b in zip(marks, marks[1:], strict=False))
    for i, a in enumerate(marks):
        for b in marks[i + 1 :]:
            assert np.hypot(a.row - b.row, a.column - b.column) > 10
    assert marks_of(scores, places, places, 10, lowest=2.0) == []
