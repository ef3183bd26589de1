"""Calibration: the worked example, sklearn, and probabilities that are known to be right."""

import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from course_lib.evaluation.calibration import (
    brier,
    brier_parts,
    brier_skill,
    calibration_error,
    reliability,
)
from course_lib.evaluation.simulated_reader import BinormalReader


def test_known_answers(real_data):
    known = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    example = known["ece_2bins"]
    for norm in ("l1", "l2", "max"):
        found = calibration_error(example["y"], example["p"], bins=2, norm=norm)
        assert found == pytest.approx(example[norm], abs=5e-8)


@pytest.mark.parametrize(("by", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_bins_as_in_sklearn(by, strategy):
    random = np.random.default_rng(0)
    p = random.random(500)
    truth = random.random(500) < p**1.5
    observed, promised = calibration_curve(truth, p, n_bins=8, strategy=strategy)
    points = reliability(truth, p, 8, by)
    np.testing.assert_allclose([point.promised for point in points], promised)
    np.testing.assert_allclose([point.observed for point in points], observed)
    assert sum(point.cases for point in points) == 500


def test_equal_probabilities_stay_together_and_edges_have_a_home():
    points = reliability([0, 1, 1, 0], [0.5, 0.5, 0.5, 0.5], bins=4, by="mass")
    assert len(points) == 1 and points[0].observed == 0.5
    points = reliability([0, 0, 1, 1], [0.0, 0.5, 0.5, 1.0], bins=2)
    assert [point.cases for point in points] == [1, 3]


def test_brier_as_in_sklearn_and_in_parts():
    random = np.random.default_rng(1)
    p = random.integers(0, 5, size=400) / 4
    truth = random.random(400) < 0.2 + 0.5 * p
    assert brier(truth, p) == pytest.approx(brier_score_loss(truth, p))
    parts = brier_parts(truth, p, bins=5)  # one probability per bin: the parts are exact
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(
        brier(truth, p)
    )
    assert brier_skill(truth, np.full(400, truth.mean())) == pytest.approx(0)
    assert brier_skill(truth, truth.astype(float)) == 1


def test_true_probabilities_are_calibrated_and_others_are_not():
    reader, random = BinormalReader.with_auc(0.85), np.random.default_rng(2)
    truth, score = reader.read(2000, 8000, random)
    right, wrong = reader.probability(score, 0.2), reader.probability(score, 0.5)
    assert calibration_error(truth, right) < 0.015
    assert calibration_error(truth, wrong) > 0.15
    assert brier(truth, right) < brier(truth, wrong)


def test_few_cases_per_bin_look_worse_than_they_are():
    reader, random = BinormalReader.with_auc(0.85), np.random.default_rng(3)

    def mean_error(cases):
        errors = []
        for _ in range(50):
            truth, score = reader.read(cases // 5, cases - cases // 5, random)
            errors.append(calibration_error(truth, reader.probability(score, 0.2)))
        return np.mean(errors)

    assert mean_error(50) > 3 * mean_error(2000)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="need a sigmoid"):
        brier([0, 1], [-2.0, 3.0])
    with pytest.raises(ValueError, match="at least one bin"):
        reliability([0, 1], [0.2, 0.3], bins=0)
    with pytest.raises(ValueError, match="'width' or in 'mass'"):
        reliability([0, 1], [0.2, 0.3], by="number")
    with pytest.raises(ValueError, match="'l1'"):
        calibration_error([0, 1], [0.2, 0.3], norm="l3")
    assert np.isnan(brier([], [])) and np.isnan(calibration_error([], []))
    assert np.isnan(brier_skill([1, 1], [0.2, 0.9])) and np.isnan(brier_parts([], [])).all()
