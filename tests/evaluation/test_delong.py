"""DeLong's standard error: published figures, a slow definition, and a simulation as witnesses."""

import time

import numpy as np
import pytest

from course_lib.evaluation.delong import compare_aucs, delong


def definition(truth, score):
    """DeLong's variance straight from its definition, with all pairs."""
    x, y = score[truth == 1], score[truth == 0]
    wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    variance = wins.mean(1).var(ddof=1) / x.size + wins.mean(0).var(ddof=1) / y.size
    return wins.mean(), np.sqrt(variance)


def scores(seed, n=150, levels=12, shift=3):
    random = np.random.default_rng(seed)
    truth = (random.random(n) < 0.4).astype(int)
    return truth, random.integers(levels, size=n) + shift * truth


def test_hanley_and_mcneils_ct_readings():
    """Ten counts of Hanley and McNeil (Radiology 1982;143:29): AUC .893; DeLong SE by R's pROC."""
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    score = np.concatenate([np.repeat(np.arange(5), normal), np.repeat(np.arange(5), abnormal)])
    truth = np.repeat([0, 1], [sum(normal), sum(abnormal)])
    estimate = delong(truth, score)
    assert estimate.auc == pytest.approx(0.8931710615, abs=1e-10)
    assert estimate.standard_error == pytest.approx(0.0307244, abs=5e-8)
    assert (estimate.positives, estimate.negatives) == (51, 58)
    half = 1.959963984540054 * estimate.standard_error
    assert estimate.interval == pytest.approx((estimate.auc - half, estimate.auc + half))


@pytest.mark.parametrize("seed", range(5))
def test_ranks_give_what_the_definition_gives(seed):
    truth, score = scores(seed)
    area, error = definition(truth, score)
    estimate = delong(truth, score)
    assert estimate.auc == pytest.approx(area, abs=1e-13)
    assert estimate.standard_error == pytest.approx(error, abs=1e-13)


def test_the_interval_covers_the_true_area_as_often_as_it_says():
    """Two normals 1 SD apart have AUC Phi(1/sqrt 2) = 0.7602; 95 % intervals miss 1 in 20."""
    random = np.random.default_rng(7)
    truth = np.repeat([0, 1], [60, 60])
    hits = 0
    for _ in range(600):
        low, high = delong(truth, random.normal(size=120) + truth).interval
        hits += low < 0.7602499 < high
    assert 0.92 < hits / 600 < 0.975


def test_comparing_a_score_with_itself_and_with_its_mirror():
    truth, score = scores(1)
    same = compare_aucs(truth, score, 2 * score + 1)
    assert (same.difference, same.z, same.p_value) == (0, 0, 1)
    one, other = scores(1)[1], scores(2)[1]
    there, back = compare_aucs(truth, one, other), compare_aucs(truth, other, one)
    assert there.z == pytest.approx(-back.z)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.interval == pytest.approx((-back.interval.high, -back.interval.low))


def test_paired_error_is_smaller_for_scores_that_agree():
    random = np.random.default_rng(3)
    truth = np.repeat([0, 1], 100)
    base = random.normal(size=200) + truth
    near, far = base + 0.1 * random.normal(size=200), random.normal(size=200) + truth
    assert (
        compare_aucs(truth, base, near).standard_error
        < 0.5 * compare_aucs(truth, base, far).standard_error
    )


def test_copies_of_a_patient_add_no_information():
    """Each film four times: the plain error halves by magic, the patient-wise one does not."""
    truth, score = scores(4)
    single = delong(truth, score).standard_error
    copies = np.tile(np.arange(truth.size), 4)
    plain = delong(truth[copies], score[copies]).standard_error
    by_patient = delong(truth[copies], score[copies], patients=copies).standard_error
    assert plain == pytest.approx(single / 2, rel=0.02)
    assert by_patient == pytest.approx(single, rel=1e-9)


def test_patients_with_both_kinds_of_film_are_allowed():
    truth, score = scores(5, n=400)
    patients = np.arange(400) // 2
    clustered = delong(truth, score, patients=patients).standard_error
    assert clustered == pytest.approx(delong(truth, score).standard_error, rel=0.15)


def test_undefined_stays_undefined():
    nothing = delong([0, 0, 0], [0.1, 0.2, 0.3])
    assert np.isnan([nothing.auc, nothing.standard_error, *nothing.interval]).all()
    assert (nothing.positives, nothing.negatives) == (0, 3)
    perfect = delong([0, 0, 1, 1], [1, 2, 3, 4])
    assert perfect.auc == 1
    assert np.isnan(perfect.interval).all()
    alone = delong([0, 0, 1], [1, 3, 2])
    assert alone.auc == 0.5
    assert np.isnan(alone.interval).all()
    with pytest.raises(ValueError, match="with and without"):
        compare_aucs([1, 1], [0.1, 0.2], [0.3, 0.4])


def test_known_mask_applies_to_patients_too():
    truth, score = scores(6)
    known = np.arange(truth.size) % 3 > 0
    patients = np.arange(truth.size) // 2
    assert delong(truth, score, known, patients) == delong(
        truth[known], score[known], patients=patients[known]
    )


def test_a_hundred_thousand_cases_take_a_moment():
    truth, score = scores(8, n=100_000, levels=1_000_000, shift=300_000)
    start = time.process_time()
    delong(truth, score)
    assert time.process_time() - start < 2
