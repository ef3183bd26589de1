"""Averages of M_k cases: what is sent, by whom, again when, and how many bytes."""

import pytest
import torch

from course_lib.federated.client import Client
from course_lib.federated.mafl import (
    bytes_of_pool,
    client_averages,
    every_case,
    exchange,
    pool_of,
)


def client(name="a", cases=23, first=0.0):
    inputs = torch.arange(cases * 2.0).reshape(cases, 1, 2) + first
    return Client(name, inputs, torch.arange(cases) % 3)


def test_every_case_counts_in_exactly_one_average():
    one = client(cases=20)
    sent = client_averages(one, 5, 3, seed=0)
    assert sent.inputs.shape == (4, 1, 2) and sent.targets.shape == (4, 3)
    torch.testing.assert_close(sent.inputs.mean(0), one.inputs.mean(0))
    torch.testing.assert_close(sent.targets.sum(1), torch.ones(4))
    torch.testing.assert_close(sent.targets.mean(0) * 20, torch.tensor([7.0, 7.0, 6.0]))
    again = client_averages(one, 5, 3, seed=0)
    assert torch.equal(sent.inputs, again.inputs)
    assert not torch.equal(sent.inputs, client_averages(one, 5, 3, seed=1).inputs)


def test_a_rest_joins_the_last_average_and_is_never_sent_alone():
    sent = client_averages(client(cases=21), 5, 3, seed=0)  # 5, 5, 5 and 6: not a single film
    assert len(sent.inputs) == 4
    ones = Client("a", torch.eye(21), torch.arange(21) % 3)
    members = (client_averages(ones, 5, 3, seed=0).inputs > 0).sum(1)
    assert members.tolist() == [5, 5, 5, 6]


def test_all_cases_in_one_average_and_single_cases():
    one = client()
    torch.testing.assert_close(client_averages(one, None, 3, 0).inputs[0], one.inputs.mean(0))
    singles = client_averages(one, 1, 3, 0)
    assert sorted(singles.inputs.flatten().tolist()) == sorted(one.inputs.flatten().tolist())
    assert len(every_case([one, client("b")], 3).inputs) == 46


def test_too_small_a_hospital_sends_nothing():
    small, large = client("small", 4), client("large", 12)
    assert len(client_averages(small, 5, 3, 0).inputs) == 0
    assert len(pool_of([small, large], 5, 3).inputs) == 2
    with pytest.raises(ValueError, match="smaller M_k"):
        pool_of([small], 5, 3)


def test_only_hospitals_with_changed_cases_send_again():
    clients = [client("a"), client("b", first=5)]
    known, senders = exchange({}, clients, 5, 3)
    assert senders == ["a", "b"]
    same, senders = exchange(known, clients, 5, 3)
    assert senders == [] and same == known
    changed = [clients[0], client("b", first=6)]
    after, senders = exchange(known, changed, 5, 3)
    assert senders == ["b"] and after["a"] is known["a"]
    assert not torch.equal(after["b"].pool.inputs, known["b"].pool.inputs)


def test_bytes_are_those_of_the_tensors():
    pool = pool_of([client(cases=20)], 5, 3)
    assert bytes_of_pool(pool) == 4 * (4 * 2 + 4 * 3)


def test_bad_cases_are_named():
    good = client()
    for bad, words in (
        (good._replace(inputs=good.inputs * float("nan")), "not finite"),
        (good._replace(targets=good.targets[:3]), "as many inputs as targets"),
        (good._replace(targets=good.targets + 1), "between 0 and 2"),
        (good._replace(inputs=good.inputs.long()), "not finite numbers"),
        (good._replace(targets=torch.ones(23, 4)), "do not name 3 classes"),
    ):
        with pytest.raises(ValueError, match=words):
            client_averages(bad, 5, 3, 0)
    with pytest.raises(ValueError, match="at least one case, not 0"):
        client_averages(good, 0, 3, 0)
