"""Kappa, rates, precision-recall and calibration on real labels and on a real network's scores."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss

from course_lib.evaluation.agreement import cohen_kappa, kappa_of_table
from course_lib.evaluation.averages import average, confusion_by_label, confusion_matrix
from course_lib.evaluation.calibration import brier, calibration_error
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.precision_recall import average_precision
from course_lib.evaluation.published import published
from course_lib.evaluation.rate_intervals import rates_table
from course_lib.evaluation.rates import value


@pytest.fixture(scope="module")
def pneumothorax(real_data):
    """4,376 films of ChestX-ray14: label mined from the report, and adjudicated by radiologists."""
    table = pd.read_csv(real_data / "nih" / "adjudicated_labels_2019.csv.gz")
    mined = table["Finding Labels"].str.contains("Pneumothorax").to_numpy()
    return mined, (table["Pneumothorax"] == "YES").to_numpy()


def test_labels_mined_from_reports_agree_moderately_with_radiologists(pneumothorax):
    mined, adjudicated = pneumothorax
    table = confusion_matrix(adjudicated, mined, [True, False])
    assert table.sum() == 4376 and table[0, 0] == 109
    assert table[0, 1] == table[1, 0] == 129
    assert published("nih_pneumothorax_labels")["films"].tolist() == table.ravel().tolist()
    kappa = cohen_kappa(adjudicated, mined)
    assert kappa.value == pytest.approx(0.427, abs=5e-4)
    assert kappa.value == kappa_of_table(table).value
    assert kappa.observed > 0.94, "94 % equal, and yet fewer than half of the findings are shared"


def test_kappas_error_is_that_of_the_bootstrap(pneumothorax):
    mined, adjudicated = pneumothorax
    drawn = bootstrap(lambda a, b: cohen_kappa(a, b).value, adjudicated, mined, rounds=200)
    assert np.ptp(drawn) == pytest.approx(np.ptp(cohen_kappa(adjudicated, mined).interval), rel=0.2)


@pytest.fixture(scope="module")
def scores(real_data):
    """Truths and probabilities (22433, 14) of a public reproduction of CheXNet."""
    folder = real_data / "known_answers"
    predicted = pd.read_csv(folder / "chexnet_repro_preds.csv.gz").set_index("Image Index")
    found = pd.read_csv(folder / "chexnet_repro_labels.csv.gz").set_index("Image Index")
    found = found.loc[predicted.index, "Finding Labels"].str.split("|")
    names = [column.removeprefix("prob_") for column in predicted]
    truth = np.array([[name in labels for name in names] for labels in found])
    return truth, predicted.to_numpy(dtype=float)


def test_average_precision_and_brier_of_all_findings_as_in_sklearn(scores):
    truth, probability = scores
    for k in range(truth.shape[1]):
        column = truth[:, k], probability[:, k]
        assert average_precision(*column) == pytest.approx(average_precision_score(*column))
        assert brier(*column) == pytest.approx(brier_score_loss(*column))
        assert calibration_error(*column, by="mass") < 0.05


def test_rates_of_all_findings_in_one_table(scores):
    """At 0.5 a network for rare findings calls little: accuracy shines, recall does not."""
    counts = confusion_by_label(*scores, 0.5)
    assert average(counts, "accuracy", "macro").value > 0.94
    assert average(counts, "recall", "macro").value < 0.15
    table = rates_table(counts[2])
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert value(sum(counts[1:], counts[0]), "recall") == average(counts, "recall", "micro").value
