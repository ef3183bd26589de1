"""Calibration against torchmetrics and scikit-learn on the same answers."""

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from torchmetrics.functional.classification import multiclass_calibration_error

from course_lib.evaluation.calibration_classes import confidence_error
from course_lib.evaluation.calibration_inputs import softmax
from course_lib.evaluation.calibration_scores import brier_classes, log_loss
from course_lib.evaluation.calibration_uncertainty import drawn_classes
from course_lib.evaluation.calibrators import TemperatureScaling
from course_lib.evaluation.calibrators_one_class import (
    IsotonicCalibration,
    PlattScaling,
    log_odds,
)


class Says(ClassifierMixin, BaseEstimator):
    """A classifier whose decision is its input."""

    def fit(self, inputs, classes):
        self.classes_ = np.unique(classes)
        self.n_features_in_ = inputs.shape[1]
        return self

    def decision_function(self, inputs):
        return inputs

    def predict(self, inputs):
        return self.classes_[inputs.argmax(1)]


@pytest.fixture(scope="module")
def answers():
    random = np.random.default_rng(3)
    z = random.normal(size=(800, 5)) * 1.3
    return 2.2 * z, drawn_classes(softmax(z), random)


def sklearns(method, scores, classes):
    """scikit-learn's calibrator, fitted on these scores."""
    says = FrozenEstimator(Says().fit(scores, classes))
    return CalibratedClassifierCV(says, method=method, cv=2, ensemble=False).fit(scores, classes)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
@pytest.mark.parametrize("bins", [5, 15, 40])
def test_calibration_error_equals_torchmetrics(answers, norm, bins):
    z, y = answers
    p = softmax(z)
    theirs = multiclass_calibration_error(
        torch.from_numpy(p), torch.from_numpy(y), num_classes=5, n_bins=bins, norm=norm
    )
    assert confidence_error(y, p, bins, norm=norm) == pytest.approx(float(theirs), abs=1e-6)


def test_scores_equal_scikit_learns(answers):
    z, y = answers
    p = softmax(z)
    assert log_loss(y, p) == pytest.approx(metrics.log_loss(y, p), abs=1e-9)
    theirs = metrics.brier_score_loss(y, p, labels=range(5), scale_by_half=False)
    assert brier_classes(y, p) == pytest.approx(theirs, abs=1e-9)


def test_calibrators_equal_scikit_learns(answers):
    z, y = answers
    ours = TemperatureScaling.fit(z, y).probability(z)
    assert ours == pytest.approx(sklearns("temperature", z, y).predict_proba(z), abs=2e-4)
    odds = log_odds(z)
    ours = PlattScaling.fit(z, y).probability(z)
    assert ours == pytest.approx(sklearns("sigmoid", odds, y).predict_proba(odds), abs=2e-4)
    ours = IsotonicCalibration.fit(z, y, floor=0).probability(z)
    assert ours == pytest.approx(sklearns("isotonic", odds, y).predict_proba(odds), abs=1e-9)
