"""Fairness over hospitals: worked examples, bounds that hold for any accuracies, bad input."""

import numpy as np
import pytest
import torch

from course_lib.evaluation.calibration_record import load_record
from course_lib.evaluation.published import published
from course_lib.federated.client import LocalPlan, accuracy
from course_lib.federated.fairness import (
    alone,
    fairness,
    least_variance,
    over_seeds,
    paired_gain,
    q_weights,
    short_plan,
)
from course_lib.federated.fairness_hospitals import (
    HOSPITALS,
    cases_by_scanner,
    feature_hospitals,
    shared_layer,
)
from course_lib.federated.rounds import FederatedPlan
from course_lib.federated.server import fedavg, q_ffl
from course_lib.federated.vectorised import federate_vectorised


@pytest.fixture(scope="module")
def cases():
    return cases_by_scanner(load_record())


def test_twelve_hospitals_by_hand():
    found = fairness([0.5, *[0.9] * 10, 1.0])
    assert found.average == pytest.approx(87.5)
    assert (found.worst, found.best) == (50.0, 100.0)  # a tenth of 12 is one hospital
    assert found.variance == pytest.approx(np.var([50, *[90] * 10, 100]))
    assert fairness(np.linspace(0, 1, 30)).worst == pytest.approx(np.mean([0, 1, 2]) / 29 * 100)
    assert fairness([0.7]) == pytest.approx((70, 70, 70, 0))


def test_no_accuracies_have_less_than_the_least_variance():
    random = np.random.default_rng(0)
    for _ in range(50):
        values = random.random(20)
        found = fairness(values)
        assert found.variance >= least_variance(*found[:3]) - 1e-9
    alike = fairness([0.2, 0.2, *[0.8] * 16, 0.9, 0.9])
    assert alike.variance == pytest.approx(least_variance(*alike[:3]))


def test_every_printed_row_is_possible():
    table = published("qffl_fairness")
    assert len(table) == 8
    for row in table.itertuples():
        assert row.variance >= least_variance(row.average, row.worst, row.best)


def test_weights_of_three_losses():
    losses = [0.5, 1, 2]
    assert q_weights(losses, 1) == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    assert q_weights(losses, 0) == pytest.approx([1 / 3] * 3)
    assert q_weights(losses, 5).round(3).tolist() == [0.001, 0.030, 0.969]
    assert q_weights(losses, 2000) == pytest.approx([0, 0, 1])  # AFL's limit, no overflow


def test_students_interval_and_pairing():
    found = over_seeds([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.interval.high - 2 == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)
    seeds = np.array([80.0, 60.0, 90.0, 75.0])
    gain = paired_gain(seeds + [1.0, 1.1, 0.9, 1.0], seeds)
    assert gain.interval.low > 0.8  # though the seeds differ by tens


def test_hospitals_share_no_film_and_repeat(cases):
    learn, test = feature_hospitals(cases, 3)
    again, _ = feature_hospitals(cases, 3)
    assert [client.cases for client in learn] == [films for _, films in HOSPITALS]
    rows = torch.cat([client.inputs for client in [*learn, *test]])
    assert len(torch.unique(rows, dim=0)) == len(rows)
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(learn, again, strict=True))
    other, _ = feature_hospitals(cases, 4)
    assert not torch.equal(other[0].inputs, learn[0].inputs)


def test_a_federation_of_features_learns_and_leaves_the_bedside_behind(cases):
    learn, test = feature_hospitals(cases, 0)
    plan = FederatedPlan(20, local=LocalPlan(1, 20, 0.02))
    rows = {}
    for name, aggregate in (("fedavg", fedavg), ("q", q_ffl(1, 0.02))):
        history = federate_vectorised(
            shared_layer(), learn, plan, aggregate=aggregate, test=test, progress=False
        )
        rows[name] = history.rows[-1]["by_client"]
    for found in rows.values():
        assert np.mean(found) > 0.9
        assert min(found) == found[-1] < np.mean(found) - 0.05


def test_alone_and_fine_tuning_begin_where_they_are_told(cases):
    learn, test = feature_hospitals(cases, 0)
    start = shared_layer()
    random = torch.Generator().manual_seed(1)
    weights = {n: torch.randn(v.shape, generator=random) for n, v in start.state_dict().items()}
    tiny = short_plan(1, 1e-9)
    found = alone(start, learn[:2], test[:2], tiny, weights)
    expected = [accuracy(start, weights, one) for one in test[:2]]
    assert found == pytest.approx(expected)
    assert alone(shared_layer(), learn[:2], test[:2], short_plan(30, 0.02)).min() > 0.7


def test_bad_input_is_named(cases):
    for bad in ([], [[0.5]], [1.2], [np.nan]):
        with pytest.raises(ValueError, match="hospital|between 0 and 1"):
            fairness(bad)
    with pytest.raises(ValueError, match="share"):
        fairness([0.5], share=0)
    with pytest.raises(ValueError, match="share"):
        least_variance(80, 20, 100, share=0.6)
    with pytest.raises(ValueError, match="above 0"):
        q_weights([0.5, 0.0], 1)
    with pytest.raises(ValueError, match="q is 0 or more"):
        q_weights([0.5], -1)
    with pytest.raises(ValueError, match="two finite numbers"):
        over_seeds([1.0])
    with pytest.raises(ValueError, match="same seeds"):
        paired_gain([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="no scanner 'X'"):
        feature_hospitals(cases, 0, [("X", 10)])
    with pytest.raises(ValueError, match="films left"):
        feature_hospitals(cases, 0, [("B", 400)])
    with pytest.raises(ValueError, match="one for each"):
        alone(shared_layer(), [], feature_hospitals(cases, 0)[1], short_plan(1, 0.1))
