"""The six intraclass correlations against the table of Shrout and Fleiss, and against theory."""

import numpy as np
import pytest

from course_lib.evaluation.intraclass import FORMS, icc, icc_table, mean_squares

# Shrout and Fleiss, Psychol Bull 1979;86:420, table 2: six targets, four judges.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
# Value as in the paper's table 4; limits as R's psych::ICC prints them.
PRINTED = {
    "1,1": (0.17, -0.133, 0.72),
    "2,1": (0.29, 0.019, 0.76),
    "3,1": (0.71, 0.342, 0.95),
    "1,k": (0.44, -0.884, 0.91),
    "2,k": (0.62, 0.071, 0.93),
    "3,k": (0.91, 0.676, 0.99),
}


@pytest.mark.parametrize("form", FORMS)
def test_table_of_shrout_and_fleiss(form):
    value, low, high = PRINTED[form]
    found = icc(JUDGES, form)
    assert found.value == pytest.approx(value, abs=0.0051)
    assert found.interval.low == pytest.approx(low, abs=0.0006)
    assert found.interval.high == pytest.approx(high, abs=0.0051)


def test_mean_squares_of_the_paper():
    ms = mean_squares(JUDGES)
    assert (ms.patients, ms.readers) == pytest.approx((11.24, 32.49), abs=0.005)
    assert (ms.error, ms.within) == pytest.approx((1.02, 6.26), abs=0.005)


def draw(random, n=60, k=3, bias=0.0):
    """Patients spread by 2, readers by ``bias``, error by 1."""
    patients, readers = random.normal(0, 2, (n, 1)), random.normal(0, 1, (1, k)) * bias
    return patients + readers + random.normal(0, 1, (n, k))


@pytest.mark.parametrize(("form", "truth"), [("1,1", 0.8), ("3,1", 0.8), ("3,k", 12 / 13)])
def test_intervals_hold_the_truth(form, truth):
    random = np.random.default_rng(0)
    limits = [icc(draw(random, n=25), form).interval for _ in range(500)]
    held = np.mean([low <= truth <= high for low, high in limits])
    assert 0.93 <= held <= 0.97


def test_absolute_agreement_holds_the_truth_when_readers_differ():
    random = np.random.default_rng(1)
    truth = 4 / (4 + 1 + 1)  # variances of patients, readers, error
    limits = [icc(draw(random, n=30, k=6, bias=1.0), "2,1").interval for _ in range(500)]
    held = np.mean([low <= truth <= high for low, high in limits])
    assert 0.92 <= held <= 0.98


def test_a_reader_who_always_reads_more_lowers_agreement_not_consistency():
    ratings = draw(np.random.default_rng(2))
    shifted = ratings + [0, 0, 3]
    assert icc(shifted, "3,1").value == pytest.approx(icc(ratings, "3,1").value)
    assert icc(shifted, "2,1").value < icc(ratings, "2,1").value - 0.1


def test_table_holds_all_forms():
    table = icc_table(JUDGES)
    assert list(table.index) == list(FORMS)
    assert (table["low"] < table["value"]).all() and (table["value"] < table["high"]).all()


def test_awkward_input():
    assert np.isnan(icc(np.ones((5, 3)), "2,1").value)
    assert icc([[1, 1], [2, 2], [3, 3]], "3,1").value == 1
    with pytest.raises(ValueError, match="missing"):
        icc([[1, np.nan], [2, 3]], "1,1")
    with pytest.raises(ValueError, match="at least 2 x 2"):
        icc([[1], [2]], "1,1")
    with pytest.raises(ValueError, match="The forms are"):
        icc(JUDGES, "4,1")
