"""Figures that other programs published, to the last digit (files of the real-data folder)."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from course_lib.evaluation.by_label import auc_by_label
from course_lib.evaluation.delong import compare_aucs, compare_unpaired, delong
from course_lib.evaluation.hanley_mcneil import compare_hanley_mcneil, hanley_mcneil_error
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.power import power_of_auc
from course_lib.evaluation.published import published
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


# What R's pROC prints for the same data with paired = FALSE: D and p (its test suite).
UNPAIRED = {
    "wfns-s100b": (1.43490640926908, 0.152825378808796),
    "wfns-ndka": (3.10125096778969, 0.00220950791756457),
    "ndka-s100b": (-1.55995743389685, 0.120192832430845),
}


@pytest.mark.parametrize("pair", UNPAIRED)
def test_unpaired_comparison_as_in_proc(asah, pair):
    truth, table, _ = asah
    test = compare_unpaired(*(delong(truth, table[name]) for name in pair.split("-")))
    assert (test.z, test.p_value) == pytest.approx(UNPAIRED[pair], rel=1e-12)


@pytest.mark.parametrize("marker", ["wfns", "s100b", "ndka"])
def test_hanley_mcneil_errors(asah, marker):
    truth, _, expected = asah
    error = hanley_mcneil_error(expected["auc"][marker], int(truth.sum()), int((~truth).sum()))
    assert error == pytest.approx(expected["hanley_mcneil_se"][marker], abs=5e-11)


def test_paired_intervals_as_in_proc_and_the_older_method_nearby(asah):
    truth, table, _ = asah
    test = compare_aucs(truth, table["wfns"], table["s100b"])
    assert test.interval == pytest.approx((0.0104061769564846, 0.174214419249478), rel=1e-12)
    for pair in (("wfns", "s100b"), ("wfns", "ndka"), ("ndka", "s100b")):
        new = compare_aucs(truth, table[pair[0]], table[pair[1]])
        old = compare_hanley_mcneil(truth, table[pair[0]], table[pair[1]])
        assert old.z == pytest.approx(new.z, rel=0.12)


def test_power_near_procs_approximation(asah):
    _, _, expected = asah
    assert power_of_auc(expected["auc"]["s100b"], 41, 72) == pytest.approx(0.9904833, abs=0.004)


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
    ratio = clustered.standard_error / naive.standard_error
    assert ratio == pytest.approx(1.84, abs=0.005), "the naive interval is 1.84 times too narrow"


def test_a_bootstrap_of_patients_confirms_the_wider_error(chexnet):
    """Resampling whole patients knows no formula, and gives the patient-wise error."""
    names, truth, scores, patients, _, _ = chexnet
    column = names.index("Pneumothorax")
    one, score = truth[:, column], scores[:, column]
    clustered = delong(one, score, patients=patients)
    low, high = bootstrap(auc, one, score, patients=patients, rounds=150, seed=1)
    error = (high - low) / (2 * 1.96)
    assert error == pytest.approx(clustered.standard_error, rel=0.2)
    assert error > 1.4 * delong(one, score).standard_error


def test_thirteen_of_fourteen_findings_need_the_patients(chexnet):
    names, truth, scores, patients, _, _ = chexnet
    ratio = {}
    for k, name in enumerate(names):
        naive = delong(truth[:, k], scores[:, k]).standard_error
        ratio[name] = delong(truth[:, k], scores[:, k], patients=patients).standard_error / naive
    assert sum(value > 1.1 for value in ratio.values()) == 13
    assert min(ratio.values()) > 0.95, "and in pneumonia the two errors agree"
    assert min(ratio, key=lambda name: ratio[name]) == "Pneumonia"
    assert ratio["Effusion"] == pytest.approx(0.0049 / 0.0032, rel=0.03)


def test_comparing_two_columns_of_films_also_needs_the_patients(chexnet):
    """Does the effusion score find effusions better than the oedema score does? A paired test."""
    names, truth, scores, patients, _, _ = chexnet
    one, two = names.index("Effusion"), names.index("Edema")
    naive = compare_aucs(truth[:, one], scores[:, one], scores[:, two])
    clustered = compare_aucs(truth[:, one], scores[:, one], scores[:, two], patients=patients)
    assert naive.difference == clustered.difference > 0
    assert clustered.standard_error > 1.2 * naive.standard_error


def test_counts_of_the_fourteen_findings_are_those_of_its_labels(chexnet):
    """datasets/papers/chestxray14_test_counts.csv, which the lesson `comparing` reads."""
    names, truth, _, _, _, _ = chexnet
    counts = published("chestxray14_test_counts").set_index("finding")
    assert (counts["films"] == len(truth)).all()
    for name, positives in zip(names, truth.sum(axis=0), strict=True):
        key = {"Effusion": "pleural_effusion"}.get(name, name.lower())
        assert counts.loc[key, "positives"] == positives
