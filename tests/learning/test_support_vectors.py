"""The second classifier: kept as numbers, it answers as scikit-learn does."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from course_lib.learning.support_vectors import fit_support_vectors


def two_clouds(n=120, seed=0):
    random = np.random.default_rng(seed)
    abnormal = random.random(n) < 0.7
    features = random.normal(size=(n, 6)) * [1, 5, 0.1, 1, 1, 2] + 3
    features[abnormal, :2] += [1.0, -6.0]
    return features, abnormal


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_our_numbers_give_scikit_learns_decisions(kernel):
    features, abnormal = two_clouds()
    machine = SVC(C=2.0, kernel=kernel, class_weight="balanced")
    theirs = make_pipeline(StandardScaler(), machine).fit(features, abnormal)
    ours = fit_support_vectors(features, abnormal, kernel, penalty=2.0)
    new, _ = two_clouds(50, seed=1)
    assert np.allclose(ours.decision(new), theirs.decision_function(new), atol=1e-9)


def test_a_linear_machine_is_w_times_x_plus_b():
    features, abnormal = two_clouds()
    machine = fit_support_vectors(features, abnormal, "linear")
    w = machine.weights @ machine.vectors
    standard = (features - machine.mean) / machine.deviation
    assert np.allclose(machine.decision(features), standard @ w + machine.bias)


def test_a_feature_that_never_changes_does_no_harm():
    features, abnormal = two_clouds()
    features[:, 3] = 7.0
    decision = fit_support_vectors(features, abnormal).decision(features)
    assert np.isfinite(decision).all()
    assert decision[abnormal].mean() > decision[~abnormal].mean()


def test_one_class_alone_is_refused():
    features, _ = two_clouds()
    with pytest.raises(ValueError, match="normal and abnormal"):
        fit_support_vectors(features, np.ones(len(features), dtype=bool))
