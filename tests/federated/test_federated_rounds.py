"""Rounds: who is asked, what is dropped and why, and that an interruption costs nothing."""

import pytest
import torch
from torch import nn

from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.faults import SPOILS, liars, random_faults
from course_lib.federated.robust import krum, median, screen, trimmed_mean
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.server import choose_clients, fedavg
from course_lib.federated.weights import (
    as_vector,
    from_vector,
    number_of_bytes,
    squared_distance,
    weights_of,
)
from course_lib.learning.checkpoint import CheckpointError


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def hospitals(count: int = 8) -> list[Client]:
    g = torch.Generator().manual_seed(2)
    direction = torch.randn(6, 3, generator=g)
    clients = []
    for k in range(count):
        inputs = torch.randn(20 + k, 6, generator=g)
        clients.append(Client(f"hospital {k}", inputs, (inputs @ direction).argmax(1)))
    return clients


def run(plan: FederatedPlan, **options):
    return federate(network(), hospitals(), plan, test=hospitals(), progress=False, **options)


class Killed(Exception):
    """Stands for a power cut."""


@pytest.mark.parametrize("when", ["after the round", "in the round"])
def test_a_killed_server_goes_on_and_ends_with_the_same_bits(tmp_path, when: str) -> None:
    plan = FederatedPlan(6, 0.5, LocalPlan(2, 5, 0.1), seed=4)
    whole = run(plan)

    def dies(number: int) -> None:
        if number == 3:
            raise Killed

    def dies_inside(number, update):
        dies(number)
        return update

    trouble = {
        "after the round": {"on_round": lambda row, _: dies(row["round"])},
        "in the round": {"faults": dies_inside},
    }
    with pytest.raises(Killed):
        run(plan, folder=tmp_path, **trouble[when])
    seen: list[int] = []
    rest = run(plan, folder=tmp_path, on_round=lambda row, _: seen.append(row["round"]))
    assert seen == ([4, 5, 6] if when == "after the round" else [3, 4, 5, 6])
    assert rest.rows == whole.rows
    assert all(torch.equal(rest.weights[name], whole.weights[name]) for name in whole.weights)


def test_a_folder_of_another_federation_is_refused(tmp_path) -> None:
    run(FederatedPlan(1), folder=tmp_path)
    with pytest.raises(CheckpointError, match="another federation"):
        run(FederatedPlan(2, seed=1), folder=tmp_path)


def test_a_quarter_of_the_clients_is_a_new_quarter_each_round() -> None:
    chosen = [choose_clients(8, 0.25, 0, number) for number in range(40)]
    assert all(len(set(few)) == 2 for few in chosen)
    assert {k for few in chosen for k in few} == set(range(8))
    assert chosen == [choose_clients(8, 0.25, 0, number) for number in range(40)]
    assert choose_clients(8, 0.01, 0, 1)  # at least one


def test_bytes_are_those_of_who_was_asked_and_who_answered() -> None:
    size = number_of_bytes(weights_of(network()))
    assert size == 4 * (6 * 8 + 8 + 8 * 3 + 3)
    quiet = run(FederatedPlan(2, 0.5), faults=lambda _, update: None)
    assert [row["bytes_down"] for row in quiet.rows] == [4 * size] * 2
    assert [row["bytes_up"] for row in quiet.rows] == [0, 0]


def test_a_round_without_answers_leaves_the_weights_and_says_so() -> None:
    history = run(FederatedPlan(2), faults=lambda _, update: None)
    assert squared_distance(history.weights, weights_of(network())) == 0
    assert history.rows[0]["dropped"]["hospital 0"] == "no answer in time"
    assert "Nobody sent a usable answer" in history.rows[0]["dropped"]["the server"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("gone", "no answer"),
        ("NaN", "NaN or infinity in 0.weight"),
        ("wrong shape", "0.weight has"),
    ],
)
def test_a_spoiled_answer_is_dropped_with_its_reason(kind: str, reason: str) -> None:
    spoil = SPOILS[kind]
    history = run(FederatedPlan(1), faults=lambda _, u: spoil(u) if u.name == "hospital 5" else u)
    assert list(history.rows[0]["dropped"]) == ["hospital 5"]
    assert reason in history.rows[0]["dropped"]["hospital 5"]
    assert torch.isfinite(as_vector(history.weights)).all()


def test_fifty_rounds_with_thirty_percent_failures_finish_nearly_as_well() -> None:
    plan = FederatedPlan(50, local=LocalPlan(1, 10, 0.1))
    whole, faulty = run(plan), run(plan, faults=random_faults(0.3, seed=1))
    failed = sum(len(row["dropped"]) for row in faulty.rows) / (50 * 8)
    assert 0.22 < failed < 0.38
    assert torch.isfinite(as_vector(faulty.weights)).all()
    assert faulty.rows[-1]["accuracy"] > whole.rows[-1]["accuracy"] - 0.05
    assert faulty.rows[-1]["accuracy"] > 0.85


class TestRobust:
    def updates(self, liar_factor: float = -30.0):
        sent = weights_of(network())
        seen: list = []

        def keep(number, update):
            seen.append(update)
            return update

        run(FederatedPlan(1), faults=keep)
        lie = liars(["hospital 1", "hospital 6"], sent, liar_factor)
        return sent, seen, [lie(1, update) for update in seen]

    @pytest.mark.parametrize("aggregate", [median, trimmed_mean(0.25), krum(2, keep=4)])
    def test_two_liars_of_eight_steer_the_mean_and_not_the_robust_ones(self, aggregate) -> None:
        sent, honest, lied = self.updates()
        wanted = fedavg(sent, honest, {})[0]
        moved = squared_distance(wanted, sent) ** 0.5
        steered = squared_distance(fedavg(sent, lied, {})[0], wanted) ** 0.5
        held = squared_distance(aggregate(sent, lied, {})[0], wanted) ** 0.5
        assert steered > 3 * moved and held < moved

    def test_what_cannot_be_right_is_screened_out(self) -> None:
        sent, honest, _ = self.updates()
        bad = [
            honest[0]._replace(loss=float("nan")),
            honest[1]._replace(cases=0),
            honest[2],
        ]
        kept, reasons = screen(bad, sent)
        assert [u.name for u in kept] == ["hospital 2"]
        assert set(reasons) == {"hospital 0", "hospital 1"}


def test_weights_and_their_vector_are_one_to_one() -> None:
    weights = {**weights_of(network().double()), "counter": torch.tensor(7)}
    vector = as_vector(weights)
    assert vector.dtype == torch.float64
    back = from_vector(vector, weights)
    assert all(torch.equal(back[name], weights[name]) for name in weights)
    with pytest.raises(ValueError, match="numbers, not"):
        from_vector(vector[:-1], weights)
