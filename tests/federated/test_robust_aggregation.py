"""What survives a liar, and what is dropped before it can do harm."""

import re

import numpy as np
import pytest
import torch

from course_lib.federated.client import Update
from course_lib.federated.faults import SPOILS, liars, random_faults
from course_lib.federated.robust import krum, krum_scores, median, screen, trimmed_mean
from course_lib.federated.server import TooFewAnswers, fedavg

SENT = {"w": torch.zeros(3), "b": torch.zeros(1)}


def update(value: float, name: str = "a") -> Update:
    return Update({"w": torch.full((3,), value), "b": torch.tensor([value])}, 10, 1.0, name)


HONEST = [update(value, str(value)) for value in (0.9, 1.0, 1.1, 1.2)]
LIAR = update(-100.0, "liar")


def test_one_liar_moves_the_mean_and_not_the_median():
    mean, _ = fedavg(SENT, [*HONEST, LIAR], {})
    middle, _ = median(SENT, [*HONEST, LIAR], {})
    assert float(mean["b"]) < -15
    assert float(middle["b"]) == pytest.approx(1.0)


def test_the_median_is_that_of_numpy():
    rows = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    updates = [
        Update({"w": torch.tensor(r[:3]), "b": torch.tensor(r[3:])}, 1, 1.0, str(k))
        for k, r in enumerate(rows)
    ]
    found, _ = median(SENT, updates, {})
    joined = torch.cat([found["w"], found["b"]]).numpy()
    np.testing.assert_allclose(joined, np.median(rows, 0), atol=1e-6)


def test_the_trimmed_mean_cuts_both_ends():
    found, _ = trimmed_mean(0.2)(SENT, [*HONEST, LIAR], {})
    assert float(found["b"]) == pytest.approx(1.0)  # without -100 and 1.2
    whole, _ = trimmed_mean(0.0)(SENT, HONEST, {})
    assert float(whole["b"]) == pytest.approx(1.05)
    with pytest.raises(ValueError, match="half"):
        trimmed_mean(0.5)


def test_krum_takes_one_of_the_crowd():
    found, _ = krum(1)(SENT, [*HONEST, LIAR], {})
    assert float(found["b"]) in [pytest.approx(v) for v in (0.9, 1.0, 1.1, 1.2)]
    rows = torch.tensor([[0.9], [1.0], [1.1], [1.2], [-100.0]])
    # each sums the squares to its two nearest: 5 answers - 1 liar - 2
    np.testing.assert_allclose(krum_scores(rows, 1)[:4], [0.05, 0.02, 0.02, 0.05], atol=1e-6)


def test_krum_says_how_many_answers_it_needs():
    with pytest.raises(TooFewAnswers, match="needs 5 answers; 4 came"):
        krum(1)(SENT, HONEST, {})


@pytest.mark.parametrize(("kind", "says"), [("NaN", "NaN"), ("wrong shape", r"\(6,\)")])
def test_nonsense_is_dropped_with_its_reason(kind, says):
    spoiled = SPOILS[kind](HONEST[0])
    kept, reasons = screen([spoiled, *HONEST[1:]], SENT)
    assert [one.name for one in kept] == ["1.0", "1.1", "1.2"]
    (reason,) = reasons.values()
    assert re.search(says, reason)


def test_an_update_without_cases_or_with_a_strange_loss_is_dropped():
    odd = [HONEST[0]._replace(cases=0), HONEST[1]._replace(loss=float("nan"))]
    kept, reasons = screen(odd, SENT)
    assert not kept and "0 cases" in reasons["0.9"] and "NaN" in reasons["1.0"]


def test_faults_come_as_often_as_asked_and_repeat():
    fault = random_faults(0.3, seed=1)
    came = [fault(number, HONEST[k]) is HONEST[k] for number in range(500) for k in range(4)]
    assert 0.66 < np.mean(came) < 0.74
    again = random_faults(0.3, seed=1)
    assert came == [again(n, HONEST[k]) is HONEST[k] for n in range(500) for k in range(4)]


def test_a_liar_turns_its_step_round():
    lie = liars(["1.1"], SENT, factor=-2.0)
    assert float(lie(1, HONEST[2]).weights["b"]) == pytest.approx(-2.2)
    assert lie(1, HONEST[0]) is HONEST[0]
