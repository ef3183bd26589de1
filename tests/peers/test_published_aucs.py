"""Figures that other programs published, to the last digit (files of the real-data folder)."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from course_lib.evaluation.by_label import auc_by_label
from course_lib.evaluation.delong import compare_aucs, delong
from course_lib.evaluation.roc import auc


@pytest.fixture(scope="module")
def answers(real_data):
    folder = real_data / "known_answers"
    return folder, json.loads((folder / "known_answers.json").read_text())


@pytest.fixture(scope="module")
def asah(answers):
    """R's pROC example: 113 patients with a ruptured aneurysm, three predictors of outcome."""
    folder, known = answers
    table = pd.read_csv(folder / known["aSAH"]["file"])
    return (table["outcome"] == "Poor").to_numpy(), table, known["aSAH"]


@pytest.mark.parametrize("marker", ["wfns", "s100b", "ndka"])
def test_delong_as_in_proc(asah, marker):
    truth, table, expected = asah
    estimate = delong(truth, table[marker])
    assert estimate.auc == pytest.approx(expected["auc"][marker], abs=1e-15)
    assert estimate.standard_error == pytest.approx(expected["delong_se"][marker], abs=1e-10)
    if marker == "ndka":
        assert estimate.interval == pytest.approx(tuple(expected["ndka_ci"]), abs=1e-10)


@pytest.mark.parametrize("pair", ["wfns-s100b", "wfns-ndka", "ndka-s100b"])
def test_paired_comparison_as_in_proc(asah, pair):
    truth, table, expected = asah
    first, second = pair.split("-")
    comparison = compare_aucs(truth, table[first], table[second])
    assert comparison.z == pytest.approx(expected["paired"][pair]["Z"], rel=1e-12)
    assert comparison.p_value == pytest.approx(expected["paired"][pair]["p"], rel=1e-12)


@pytest.fixture(scope="module")
def chexnet(answers):
    """22,433 test films scored by a public reproduction of CheXNet, with its 14 AUCs."""
    folder, known = answers
    predictions, labels, published = (
        pd.read_csv(folder / name) for name in known["chexnet_repro"]["files"]
    )
    names = list(published["label"])
    truth = np.stack(
        [labels["Finding Labels"].str.split("|").map(lambda s, n=n: n in s) for n in names], 1
    )
    scores = predictions[[f"prob_{name}" for name in names]].to_numpy()
    assert (predictions["Image Index"] == labels["Image Index"]).all()
    return names, truth, scores, labels["Patient ID"].to_numpy(), published, known["chexnet_repro"]


def test_all_fourteen_published_aucs_to_the_last_digit(chexnet):
    names, truth, scores, patients, published, known = chexnet
    start = time.process_time()
    table = auc_by_label(names, truth, scores, patients=patients)
    assert time.process_time() - start < 10
    np.testing.assert_allclose(table["auc"], published["auc"], rtol=0, atol=2e-15)
    assert table["auc"].mean() == pytest.approx(known["mean_auc"], abs=5e-8)
    assert auc(truth[:, 2], scores[:, 2]) == pytest.approx(known["effusion_auc"], abs=2e-15)


def test_films_of_one_patient_widen_the_interval(chexnet):
    """Pneumothorax films come in series (drain in, drain out): the naive SE is nearly halved."""
    names, truth, scores, patients, _, known = chexnet
    column = names.index("Pneumothorax")
    naive = delong(truth[:, column], scores[:, column])
    clustered = delong(truth[:, column], scores[:, column], patients=patients)
    assert naive.standard_error == pytest.approx(known["pneumothorax_delong_se"], abs=5e-5)
    assert clustered.standard_error == pytest.approx(
        known["pneumothorax_patient_clustered_se"], abs=5e-5
    )
