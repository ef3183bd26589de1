"""Dealing out: every case goes to exactly one hospital, as unevenly as was asked."""

import numpy as np
import pytest
import torch

from course_lib.federated.partition import by_classes, clients_of, dirichlet, iid

TARGETS = np.repeat(np.arange(10), 30)


@pytest.mark.parametrize(
    "shares",
    [iid(TARGETS, 7, 0), by_classes(TARGETS, 20, 2, 0), dirichlet(TARGETS, 5, 0.5, 0)],
    ids=["iid", "by classes", "dirichlet"],
)
def test_every_case_goes_to_one_hospital(shares):
    assert sorted(np.concatenate(shares).tolist()) == list(range(300))


@pytest.mark.parametrize("classes", [1, 2, 5, 10])
def test_each_hospital_sees_as_many_classes_as_asked(classes):
    for part in by_classes(TARGETS, 10, classes, 3):
        assert len(np.unique(TARGETS[part])) == classes


def test_all_classes_for_all_gives_everybody_the_same_mixture():
    for part in by_classes(TARGETS, 10, 10, 0):
        assert np.bincount(TARGETS[part]).tolist() == [3] * 10


def test_a_small_alpha_is_less_even():
    def unevenness(alpha: float) -> float:
        counts = [np.bincount(TARGETS[p], minlength=10) for p in dirichlet(TARGETS, 5, alpha, 1)]
        return float(np.std(counts))

    assert unevenness(0.1) > 3 * unevenness(100)


def test_same_seed_same_shares():
    first, second = by_classes(TARGETS, 8, 3, 5), by_classes(TARGETS, 8, 3, 5)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], by_classes(TARGETS, 8, 3, 6)[0])


def test_clients_hold_what_was_dealt_to_them():
    inputs = torch.arange(300.0)[:, None]
    clients = clients_of(inputs, torch.from_numpy(TARGETS), iid(TARGETS, 4, 0))
    assert [client.name for client in clients] == [f"hospital {k}" for k in (1, 2, 3, 4)]
    for client in clients:
        assert torch.equal(client.targets, client.inputs[:, 0].long() // 30)


@pytest.mark.parametrize(
    ("deal", "says"),
    [
        (lambda: iid(TARGETS, 301, 0), "301 clients"),
        (lambda: by_classes(TARGETS, 5, 11, 0), "10 classes"),
        (lambda: dirichlet(TARGETS, 5, 0, 0), "alpha"),
        (lambda: dirichlet(TARGETS, 10, 0.1, 0, least=60), "fewer clients"),
    ],
)
def test_what_cannot_be_dealt_is_said(deal, says):
    with pytest.raises(ValueError, match=says):
        deal()
