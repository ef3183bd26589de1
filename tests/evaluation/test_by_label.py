"""The per-label table of a multi-label classifier."""

import numpy as np
import pytest

from course_lib.evaluation.by_label import auc_by_label
from course_lib.evaluation.delong import delong


def test_one_row_per_label_and_undefined_labels_stay_out_of_the_mean():
    random = np.random.default_rng(0)
    truth = (random.random((80, 3)) < 0.4).astype(float)
    truth[:, 2] = 0
    score = random.random((80, 3)) + 0.3 * truth
    known = random.random((80, 3)) < 0.8
    truth[~known] = np.nan
    table = auc_by_label(["mass", "nodule", "hernia"], truth, score, known)
    expected = delong(truth[:, 1], score[:, 1], known[:, 1])
    assert table.loc["nodule", "auc"] == expected.auc
    assert tuple(table.loc["nodule", ["low", "high"]]) == tuple(expected.interval)
    assert table.loc["nodule", "positives"] + table.loc["nodule", "negatives"] == known[:, 1].sum()
    assert np.isnan(table.loc["hernia", "auc"])
    assert table.loc["hernia", "positives"] == 0
    assert table["auc"].mean() == pytest.approx(table["auc"].iloc[:2].mean())


def test_columns_and_names_must_match():
    with pytest.raises(ValueError, match=r"\(cases, 2\)"):
        auc_by_label(["mass", "nodule"], np.zeros((5, 3)), np.zeros((5, 3)))
