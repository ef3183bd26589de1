"""The simulated reader keeps what it promises: measured rates approach the exact ones."""

import numpy as np
import pytest

from course_lib.evaluation.operating import confusion
from course_lib.evaluation.roc import auc
from course_lib.evaluation.simulated_reader import BinormalReader


@pytest.mark.parametrize("spread", [1.0, 1.6])
def test_measured_rates_approach_the_exact_ones(spread):
    reader = BinormalReader.with_auc(0.87, spread)
    truth, score = reader.read(40_000, 40_000, np.random.default_rng(0))
    assert reader.auc == pytest.approx(0.87)
    assert auc(truth, score) == pytest.approx(0.87, abs=0.004)
    counts = confusion(truth, score, 0.8)
    assert counts.sensitivity == pytest.approx(float(reader.sensitivity(0.8)), abs=0.008)
    assert counts.specificity == pytest.approx(float(reader.specificity(0.8)), abs=0.008)


def test_probability_is_the_share_of_ill_cases_with_that_score():
    reader = BinormalReader(1.5)
    truth, score = reader.read(30_000, 90_000, np.random.default_rng(1))
    near = np.abs(score - 1.0) < 0.05
    assert truth[near].mean() == pytest.approx(float(reader.probability(1.0, 0.25)), abs=0.02)


def test_same_seed_same_scores():
    reader = BinormalReader(1.0)
    first, second = (reader.read(5, 5, np.random.default_rng(4))[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_impossible_readers_are_refused():
    with pytest.raises(ValueError, match="spread"):
        BinormalReader(1.0, 0.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        BinormalReader.with_auc(1.0)
