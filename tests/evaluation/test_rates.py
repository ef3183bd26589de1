"""The family of the confusion matrix: against sklearn, papers and its own identities."""

import json
from math import inf, isnan, sqrt

import numpy as np
import pytest
from sklearn import metrics

from course_lib.evaluation.operating import Confusion
from course_lib.evaluation.rates import RATES, f_beta, find, value

COUNTS = Confusion(tp=20, fn=10, fp=180, tn=1820)


def columns(c):
    """The same counts as 0/1 columns of truth and call, for sklearn."""
    truth = np.repeat([1, 1, 0, 0], [c.tp, c.fn, c.fp, c.tn])
    return truth, np.repeat([1, 0, 1, 0], [c.tp, c.fn, c.fp, c.tn])


@pytest.mark.parametrize(
    ("rate", "peer"),
    [
        ("recall", metrics.recall_score),
        ("precision", metrics.precision_score),
        ("accuracy", metrics.accuracy_score),
        ("balanced accuracy", metrics.balanced_accuracy_score),
        ("F1", metrics.f1_score),
        ("threat score", metrics.jaccard_score),
        ("MCC", metrics.matthews_corrcoef),
        ("kappa", metrics.cohen_kappa_score),
    ],
)
def test_rates_are_those_of_sklearn(rate, peer):
    random = np.random.default_rng(0)
    for cells in random.integers(1, 60, size=(20, 4)):
        c = Confusion(*(int(x) for x in cells))
        assert value(c, rate) == pytest.approx(peer(*columns(c)))


def test_likelihood_ratios_and_fowlkes_mallows_as_in_sklearn():
    """sklearn's Fowlkes-Mallows counts pairs of cases; ours is of calls, so by formula."""
    positive, negative = metrics.class_likelihood_ratios(*columns(COUNTS))
    assert value(COUNTS, "LR+") == pytest.approx(positive)
    assert value(COUNTS, "LR-") == pytest.approx(negative)
    assert value(COUNTS, "FM") == pytest.approx(sqrt(20 / 200 * 20 / 30))


def test_f_beta_as_in_sklearn():
    for beta in (0.5, 1, 2):
        assert f_beta(COUNTS, beta) == pytest.approx(
            metrics.fbeta_score(*columns(COUNTS), beta=beta)
        )
    assert isnan(f_beta(Confusion(0, 0, 0, 7), 2))
    with pytest.raises(ValueError, match="above 0"):
        f_beta(COUNTS, 0)


def test_figures_of_the_known_answers(real_data):
    known = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    expected = known["confusion_20_10_180_1820_tp_fn_fp_tn"]
    for rate, key in (("LR+", "lr_plus"), ("DOR", "dor"), ("MCC", "mcc"), ("KAPPA", "kappa")):
        assert value(COUNTS, rate) == pytest.approx(expected[key], rel=3e-6)


def test_accuracy_and_f1_can_flatter_where_mcc_does_not():
    """The example of Chicco and Jurman (BMC Genomics 2020): 90 found, 4 false alarms, 5 missed."""
    flattered = Confusion(tp=90, fp=4, fn=5, tn=1)
    assert value(flattered, "ACC") == 0.91
    assert value(flattered, "F1") == pytest.approx(0.952381, abs=5e-7)
    assert value(flattered, "MCC") == pytest.approx(0.135242, abs=5e-7)


@pytest.mark.parametrize(
    ("tp", "fn", "fp", "tn", "expected"),
    [  # the four classifiers of the lecture: TPR, FPR, PPV, F1, ACC to two decimals
        (63, 37, 28, 72, (0.63, 0.28, 0.69, 0.66, 0.68)),
        (77, 23, 77, 23, (0.77, 0.77, 0.50, 0.61, 0.50)),
        (24, 76, 88, 12, (0.24, 0.88, 0.21, 0.23, 0.18)),
        (76, 24, 12, 88, (0.76, 0.12, 0.86, 0.81, 0.82)),
    ],
)
def test_worked_example_of_the_roc_plane(tp, fn, fp, tn, expected):
    c = Confusion(tp=tp, fn=fn, fp=fp, tn=tn)
    found = [value(c, rate) for rate in ("TPR", "FPR", "PPV", "F1", "ACC")]
    assert found == pytest.approx(expected, abs=0.005 + 1e-12)


def test_identities_hold_for_any_counts():
    """MCC by the formula with FDR at its end (not DOR); MCC² = BM MK; PT at its own PPV; ..."""
    for cells in np.random.default_rng(1).integers(1, 40, size=(50, 4)):
        c = Confusion(*(int(x) for x in cells))
        v = {row.symbol: row.value(c) for row in RATES}
        formula = sqrt(v["TPR"] * v["TNR"] * v["PPV"] * v["NPV"])
        formula -= sqrt(v["FNR"] * v["FPR"] * v["FOR"] * v["FDR"])
        assert v["MCC"] == pytest.approx(formula)
        assert v["BM"] * v["MK"] == pytest.approx(v["MCC"] ** 2)
        assert v["DOR"] == pytest.approx(v["LR+"] / v["LR-"])
        assert v["F1"] == pytest.approx(2 * v["CSI"] / (1 + v["CSI"]))
        assert v["PT"] == pytest.approx(1 / (1 + sqrt(v["LR+"])))
        assert v["TPR"] + v["FNR"] == v["PPV"] + v["FDR"] == pytest.approx(1)
        for row in RATES:
            assert row.lowest <= v[row.symbol] <= row.highest


def test_a_row_is_found_by_any_of_its_names_and_names_are_unique():
    assert find("Sensitivity") is find("recall") is find("tpr") is find("true positive rate")
    names = [n for row in RATES for n in {row.symbol.lower(), row.name, *row.synonyms}]
    assert len(names) == len(set(names))
    with pytest.raises(ValueError, match="there are: TPR"):
        find("goodness")


def test_nothing_in_the_denominator():
    """0 of 0 is undefined; something against nothing is infinite; never 0, never an exception."""
    perfect, nobody_ill = Confusion(tp=5, fp=0, fn=0, tn=5), Confusion(tp=0, fp=2, fn=0, tn=5)
    assert value(perfect, "LR+") == value(perfect, "DOR") == inf
    assert value(perfect, "LR-") == 0
    for rate in ("TPR", "LR+", "LR-", "BM", "BA", "FM", "MCC", "PT"):
        assert isnan(value(nobody_ill, rate)), rate
    assert value(nobody_ill, "PPV") == 0
    nothing = Confusion(0, 0, 0, 0)
    assert all(isnan(row.value(nothing)) for row in RATES)
    assert value(nobody_ill, "PREV") == 0


def test_counts_can_be_pooled_and_are_never_negative():
    assert Confusion(1, 2, 3, 4) + Confusion(10, 20, 30, 40) == Confusion(11, 22, 33, 44)
    with pytest.raises(ValueError, match="negative"):
        Confusion(1, -2, 3, 4)
