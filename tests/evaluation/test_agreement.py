"""Kappas against statsmodels, sklearn and published tables."""

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from course_lib.evaluation.agreement import (
    cohen_kappa,
    fleiss_kappa,
    kappa_of_table,
    specific_agreement,
)

TABLE = np.array([[44, 5, 1], [7, 20, 3], [9, 5, 6]])
# Fleiss 1971 as printed in many books: 10 subjects, 14 raters, 5 categories.
FOURTEEN_RATERS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_cohen_as_in_statsmodels(weights):
    peer = pytest.importorskip("statsmodels.stats.inter_rater")
    expected = peer.cohens_kappa(TABLE, wt=weights)
    ours = kappa_of_table(TABLE, weights)
    assert ours.value == pytest.approx(expected.kappa)
    assert ours.standard_error == pytest.approx(expected.std_kappa)
    assert ours.error_without_agreement == pytest.approx(expected.std_kappa0)
    assert ours.interval == pytest.approx((expected.kappa_low, expected.kappa_upp))


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_cohen_as_in_sklearn(weights):
    random = np.random.default_rng(0)
    first = random.integers(1, 6, size=200)
    second = np.clip(first + random.integers(-1, 2, size=200), 1, 5)
    ours = cohen_kappa(first, second, weights)
    assert ours.value == pytest.approx(cohen_kappa_score(first, second, weights=weights))


def test_order_of_categories_matters_with_weights():
    first, second = ["mild", "severe", "none", "mild"], ["severe", "severe", "none", "mild"]
    grades = ["none", "mild", "severe"]
    right = cohen_kappa(first, second, "quadratic", grades).value
    assert right != cohen_kappa(first, second, "quadratic").value
    assert right == pytest.approx(cohen_kappa([1, 2, 0, 1], [2, 2, 0, 1], "quadratic").value)


def test_standard_error_is_what_repeated_studies_show():
    """Kappa of 2,000 studies drawn from one table spreads as the formula says."""
    share = TABLE.ravel() / TABLE.sum()
    draws = np.random.default_rng(0).multinomial(100, share, size=2000)
    for weights in (None, "quadratic"):
        values = [kappa_of_table(d.reshape(3, 3), weights).value for d in draws]
        assert np.std(values) == pytest.approx(
            kappa_of_table(TABLE, weights).standard_error, rel=0.06
        )


def test_fleiss_of_the_known_answers(real_data):
    known = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    assert fleiss_kappa(FOURTEEN_RATERS).value == pytest.approx(
        known["fleiss_kappa_wikipedia"], abs=5e-8
    )


def test_fleiss_as_in_statsmodels():
    peer = pytest.importorskip("statsmodels.stats.inter_rater")
    ours = fleiss_kappa(FOURTEEN_RATERS)
    assert ours.value == pytest.approx(peer.fleiss_kappa(np.array(FOURTEEN_RATERS)))
    assert ours.value == pytest.approx(0.2099307, abs=5e-8)


def test_fleiss_errors_are_what_repeated_studies_show():
    random = np.random.default_rng(1)
    true = random.choice(3, size=(400, 40), p=[0.5, 0.3, 0.2])

    def study(truth, agree):
        same = random.random((len(truth), 5)) < agree
        read = np.where(same, truth[:, None], random.choice(3, size=same.shape, p=[0.5, 0.3, 0.2]))
        return fleiss_kappa((read[..., None] == np.arange(3)).sum(1))

    agreeing = [study(truth, 0.7) for truth in true]
    assert np.std([k.value for k in agreeing]) == pytest.approx(
        np.mean([k.standard_error for k in agreeing]), rel=0.12
    )
    guessing = [study(truth, 0.0) for truth in true]
    assert np.std([k.value for k in guessing]) == pytest.approx(
        np.mean([k.error_without_agreement for k in guessing]), rel=0.12
    )


def test_the_kappa_paradox():
    """Same share of equal answers, very different kappas: with rare findings chance does well."""
    balanced, rare = [[45, 5], [5, 45]], [[1, 5], [5, 89]]
    assert kappa_of_table(balanced).observed == kappa_of_table(rare).observed == 0.9
    assert kappa_of_table(balanced).value == pytest.approx(0.8)
    assert kappa_of_table(rare).value < 0.12
    assert specific_agreement(rare) == pytest.approx((2 / 12, 178 / 188))
    assert np.isnan(specific_agreement([[0, 0], [0, 9]])[0])


def test_all_in_one_category_is_undefined():
    assert np.isnan(cohen_kappa(["no"] * 5, ["no"] * 5).value)
    assert np.isnan(fleiss_kappa([[3, 0], [3, 0]]).value)


def test_perfect_agreement_claims_no_certainty():
    perfect = kappa_of_table([[5, 0], [0, 5]])
    assert perfect.value == 1 and np.isnan(perfect.interval).all()


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="missing"):
        cohen_kappa([0, 1, np.nan], [0, 1, 1])
    with pytest.raises(ValueError, match="same number of readers"):
        fleiss_kappa([[3, 0], [2, 0]])
    with pytest.raises(ValueError, match="square"):
        kappa_of_table([[1, 2, 3]])
    with pytest.raises(ValueError, match="at least one case"):
        kappa_of_table([[0, 0], [0, 0]])
    with pytest.raises(ValueError, match="'linear'"):
        kappa_of_table(TABLE, "cubic")
    with pytest.raises(ValueError, match="2x2"):
        specific_agreement(TABLE)
