"""The replication: many seeds at once are the plain rounds, and differences are paired."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from course_lib.federated import replication
from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.replication import DIGITS, METHODS, fairness, first_round, run
from course_lib.federated.replication_seeds import federate_seeds
from course_lib.federated.replication_tables import (
    against,
    as_paper,
    chosen,
    compare,
    load_runs,
    paired_difference,
    pairs_of_methods,
)
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.weights import squared_distance

SMALL = dataclasses.replace(DIGITS, clients=10, cases=20, rounds=2, epochs=2, fraction=0.3, mu=0.5)


@pytest.fixture(scope="module")
def digits():
    return replication.studied_task("digits")


@pytest.mark.parametrize("method", METHODS)
def test_all_seeds_at_once_are_the_plain_rounds(method, digits):
    objective, model = METHODS[method](0.1), replication.small_network(digits)
    worlds = [replication.world(digits, SMALL, objective, seed) for seed in (3, 4)]
    plan = replication.federated_plan(SMALL)
    together, by_class = federate_seeds(model, worlds, plan, objective, digits.test)
    for number, one in enumerate(worlds):
        model.load_state_dict(one.weights)
        alone = federate(
            model, one.clients, dataclasses.replace(plan, seed=one.seed), objective,
            pool=one.pool, test=digits.test, progress=False,
        )  # fmt: skip
        assert squared_distance(together[number], alone.weights) < 1e-9
        overall = replication._overall(by_class[:, number], digits)
        np.testing.assert_allclose(overall, alone.column("accuracy"), atol=0.006)


def test_unequal_hospitals_are_refused(digits):
    objective, model = METHODS["FedAvg"](0.1), replication.small_network(digits)
    one = replication.world(digits, SMALL, objective, 0)
    short = one._replace(clients=[c._replace(inputs=c.inputs[k:], targets=c.targets[k:])
                                  for k, c in enumerate(one.clients)])  # fmt: skip
    with pytest.raises(ValueError, match="equally many cases"):
        federate_seeds(model, [short], FederatedPlan(1), objective, digits.test)
    with pytest.raises(ValueError, match="whole batches of 7"):
        federate_seeds(
            model, [one], FederatedPlan(1, local=LocalPlan(1, 7)), objective, digits.test
        )
    with pytest.raises(ValueError, match="not 600 cases"):
        replication.hospitals(digits, dataclasses.replace(SMALL, cases=600), 0)


def test_a_run_measures_what_it_says(digits):
    rows = run(digits, SMALL, "FedMix", seeds=(0, 1))
    assert rows["accuracy"].between(0.05, 1).all() and len(rows) == 2
    assert (rows["worst_tenth"] <= rows["accuracy"]).all()
    weights = 4 * (64 * 64 + 64 + 64 * 10 + 10)
    assert set(rows["bytes_weights"]) == {2 * weights * 3 * 2}  # both ways, 3 hospitals, 2 rounds
    assert set(rows["bytes_pool"]) == {10 * 4 * (64 + 10) * (1 + 10)}  # up once, down to all ten
    again = run(digits, SMALL, "FedMix", seeds=(0, 1))
    pd.testing.assert_frame_equal(rows, again)


def test_fairness_by_hand():
    clients = [
        Client(str(k), torch.zeros(4, 1), torch.tensor(t))
        for k, t in enumerate(([0, 0, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]))
    ]
    facts = fairness(clients, np.array([0.9, 0.5]))
    assert facts["worst_tenth"] == pytest.approx(0.5) and facts["best_tenth"] == pytest.approx(0.9)
    assert facts["variance"] == pytest.approx(np.var([90, 70, 50]))
    assert first_round(np.array([0.2, 0.7, 0.6]), 0.65) == 2
    assert np.isnan(first_round(np.array([0.2]), 0.65))


def test_an_interrupted_record_goes_on(tmp_path, monkeypatch):
    todo = [("methods", SMALL, method) for method in ("FedAvg", "NaiveMix", "FedMix")]
    monkeypatch.setattr(replication, "studies", lambda: iter(todo))
    whole = replication.record(tmp_path / "whole")
    calls = []
    real = replication.run

    def stops(task, setting, method):
        if method == "NaiveMix" and not calls:
            calls.append(method)
            raise KeyboardInterrupt
        return real(task, setting, method)

    monkeypatch.setattr(replication, "run", stops)
    with pytest.raises(KeyboardInterrupt):
        replication.record(tmp_path / "cut")
    done = replication.record(tmp_path / "cut")
    pd.testing.assert_frame_equal(done, whole)
    pd.testing.assert_frame_equal(load_runs(tmp_path / "cut" / "runs.csv"), whole)


def test_paired_differences_are_a_paired_t_test():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 9))
    gap = paired_difference(a, b)
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (gap.low, gap.high) == pytest.approx((expected.low, expected.high))
    with pytest.raises(ValueError, match="at least two pairs"):
        paired_difference([1.0], [2.0])


def test_tables_pair_by_seed_and_setting():
    facts = {"task": "digits", "per_average": 0, "classes_per_client": 2, "fraction": 0.25,
             "epochs": 5, "mu": 0.0, "worst_tenth": 0, "best_tenth": 1, "variance": 1,
             "rounds_to_target": 3, "bytes_weights": 8, "bytes_pool": 4}  # fmt: skip
    rows = [
        {**facts, "seed": seed, "method": method, "lam": lam, "accuracy": 0.5 + seed / 10 + gain}
        for seed in range(3)
        for method, lam, gain in (("FedAvg", 0.1, 0), ("FedMix", 0.1, 0.01), ("FedMix", 0.2, -0.2))
    ]
    runs = pd.DataFrame(rows).sample(frac=1, random_state=1)
    table = against(runs).set_index(["method", "lam"])
    assert table.loc[("FedMix", 0.1), "difference"] == pytest.approx(0.01)
    assert table.loc[("FedMix", 0.2), "difference"] == pytest.approx(-0.2)
    assert str(compare(runs, "FedMix", "FedAvg", lam=0.1)) == "+1.0 (+1.0 to +1.0)"
    assert len(pairs_of_methods(runs, "FedMix", "FedAvg")) == 1
    assert as_paper(runs, "lam", task="digits").loc["FedMix"].tolist() == [61.0, 40.0]
    with pytest.raises(ValueError, match="No run has task = knee"):
        chosen(runs, task="knee")
    with pytest.raises(FileNotFoundError, match="python -m course_lib"):
        load_runs("/nowhere/runs.csv")


def test_the_shipped_runs_come_back(digits):
    """One setting of the record, run again; other processors round differently."""
    shipped = chosen(load_runs(), study="methods", task="digits", method="NaiveMix")
    again = run(digits, DIGITS, "NaiveMix", seeds=(0, 1))
    recorded = shipped[shipped["seed"] < 2]
    np.testing.assert_allclose(again["accuracy"], recorded["accuracy"], atol=0.02)
    assert list(again["bytes_pool"]) == list(recorded["bytes_pool"])
    every = {
        (study, method, *replication.facts_of(setting).values())
        for study, setting, method in replication.studies()
    }
    facts = ["study", "method", *replication.facts_of(DIGITS)]
    assert {tuple(row) for row in load_runs()[facts].to_numpy()} == every
