"""Federated averaging does exactly what the algebra says, in double precision."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.federated.client import (
    Client,
    LocalPlan,
    fedsgd_plan,
    local_gradient,
    local_update,
    schedule,
)
from course_lib.federated.objectives import Objective, plain
from course_lib.federated.rounds import FederatedPlan, client_seed, federate
from course_lib.federated.server import (
    afl,
    data_shares,
    fedavg,
    gradient_step,
    onto_simplex,
    q_ffl,
    unweighted,
)
from course_lib.federated.weights import as_vector, average, difference, plus, weights_of

SIZES = (7, 12, 3, 18)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()


def hospitals(sizes=SIZES) -> list[Client]:
    g = torch.Generator().manual_seed(1)
    return [
        Client(
            f"hospital {k}",
            torch.randn(n, 5, generator=g).double() + k,
            torch.randint(0, 3, (n,), generator=g),
        )
        for k, n in enumerate(sizes)
    ]


def together(clients: list[Client]) -> Client:
    return Client(
        "all",
        torch.cat([client.inputs for client in clients]),
        torch.cat([client.targets for client in clients]),
    )


def one_round(clients, plan, aggregate=fedavg):
    model = network()
    sent = weights_of(model)
    updates = [local_update(model, sent, client, plan) for client in clients]
    return aggregate(sent, updates, {})[0]


def gap(a, b) -> float:
    return float((as_vector(a) - as_vector(b)).abs().max())


def test_one_step_with_all_cases_is_the_central_step() -> None:
    plan = fedsgd_plan(0.3)
    assert gap(one_round(hospitals(), plan), one_round([together(hospitals())], plan)) < 1e-15


def test_without_weights_by_cases_it_is_another_step() -> None:
    plan = fedsgd_plan(0.3)
    central = one_round([together(hospitals())], plan)
    assert gap(one_round(hospitals(), plan, unweighted), central) > 1e-3


def test_fedsgd_sends_gradients_and_arrives_at_the_same_weights() -> None:
    model, clients = network(), hospitals()
    sent = weights_of(model)
    gradients = [local_gradient(model, sent, client) for client in clients]
    stepped = gradient_step(sent, gradients, [client.cases for client in clients], 0.3)
    assert gap(stepped, one_round(clients, fedsgd_plan(0.3))) < 1e-15


def test_two_local_steps_differ_by_the_square_of_the_learning_rate() -> None:
    rates = (0.02, 0.01, 0.005)
    gaps = []
    for rate in rates:
        plan = LocalPlan(epochs=2, batch_size=None, learning_rate=rate)
        gaps.append(gap(one_round(hospitals(), plan), one_round([together(hospitals())], plan)))
    orders = np.diff(np.log(gaps)) / np.diff(np.log(rates))
    assert orders == pytest.approx([2, 2], abs=0.1)


@pytest.mark.parametrize("epochs", [1, 7])
def test_one_client_is_central_training(epochs: int) -> None:
    everyone = together(hospitals())
    plan = LocalPlan(epochs=epochs, batch_size=4, learning_rate=0.1)
    rounds = FederatedPlan(1, local=plan, seed=3)
    history = federate(network(), [everyone], rounds, progress=False)
    net = network()  # the same training written out, with the order of the client's schedule
    for step in schedule(everyone.cases, plan, plain(), 0, client_seed(3, 1, 0)):
        loss = nn.functional.cross_entropy(
            net(everyone.inputs[step.batch]), everyone.targets[step.batch]
        )
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        with torch.no_grad():
            for parameter, slope in zip(net.parameters(), gradients, strict=True):
                parameter -= 0.1 * slope
    assert gap(history.weights, weights_of(net)) < 1e-12


def test_identical_hospitals_change_nothing() -> None:
    only = hospitals((12,))[0]
    plan = LocalPlan(epochs=3, batch_size=4, learning_rate=0.1)
    same = [only._replace(name=f"copy {k}") for k in range(3)]
    assert gap(one_round(same, plan), one_round([only], plan)) < 1e-15


def test_shares_are_those_of_who_answered() -> None:
    model = network()
    updates = [
        local_update(model, weights_of(model), client, LocalPlan()) for client in hospitals()
    ]
    assert data_shares(updates) == pytest.approx([n / sum(SIZES) for n in SIZES])
    assert data_shares(updates[:2]) == pytest.approx([7 / 19, 12 / 19])


def test_dividing_by_the_number_of_clients_as_well_shrinks_the_network() -> None:
    sent = weights_of(network())
    shares = [1 / 4] * 4
    mean = average([sent] * 4, [share / 4 for share in shares])
    assert gap(mean, {name: value / 4 for name, value in sent.items()}) < 1e-15


class TestFedProx:
    def test_mu_zero_is_fedavg_to_the_bit(self) -> None:
        plan = LocalPlan(epochs=3, batch_size=4, learning_rate=0.1)
        zero = LocalPlan(epochs=3, batch_size=4, learning_rate=0.1, mu=0.0)
        assert gap(one_round(hospitals(), plan), one_round(hospitals(), zero)) == 0

    def test_the_first_step_knows_nothing_of_mu_and_the_second_does(self) -> None:
        """A proximal term measured against weights that move along would always be zero."""
        for epochs, differs in ((1, False), (2, True)):
            plans = [LocalPlan(epochs, None, 0.1, mu) for mu in (0.0, 5.0)]
            free, pulled = (one_round(hospitals(), plan) for plan in plans)
            assert (gap(free, pulled) > 1e-4) == differs

    def test_it_ends_at_the_proximal_point_of_a_bowl(self) -> None:
        """A bias that is learned with least squares: cross-entropy has no closed form."""

        class Point(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.w = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))

            def forward(self, x):
                return self.w.expand(len(x), 1) + 0 * x

        bowl = Objective("bowl", lambda f, x, y, *_: 1.5 * (f(x) - y).square().mean())
        client = Client("a", torch.zeros(1, 1).double(), torch.tensor([[-1.0]]).double())
        model = Point()
        plan = LocalPlan(epochs=400, batch_size=None, learning_rate=0.1, mu=2.0)
        end = local_update(model, weights_of(model), client, plan, bowl).weights["w"]
        assert float(end) == pytest.approx((3 * -1 + 2 * 2) / (3 + 2), abs=1e-12)

    def test_the_larger_mu_the_shorter_the_way(self) -> None:
        model = network()
        sent = weights_of(model)
        ways = []
        for mu in (0.0, 0.1, 1.0, 5.0):
            plan = LocalPlan(20, None, 0.1, mu)
            there = local_update(model, sent, hospitals()[1], plan).weights
            ways.append(float(as_vector(difference(there, sent)).norm()))
        assert ways == sorted(ways, reverse=True) and ways[0] > 1.5 * ways[-1]


class TestFairAggregation:
    def updates(self):
        model = network()
        sent = weights_of(model)
        plan = LocalPlan(2, None, 0.2)
        return sent, [local_update(model, sent, client, plan) for client in hospitals()]

    def test_q_zero_is_the_mean_that_does_not_count_cases(self) -> None:
        sent, updates = self.updates()
        ours, _ = q_ffl(0, 0.2)(sent, updates, {})
        assert gap(ours, unweighted(sent, updates, {})[0]) < 1e-14

    @pytest.mark.parametrize(
        ("q", "shares"), [(1, (0.143, 0.286, 0.571)), (5, (0.001, 0.030, 0.969))]
    )
    def test_the_direction_is_a_mean_with_losses_to_the_power_q(self, q, shares) -> None:
        sent, updates = self.updates()
        losses = (0.5, 1.0, 2.0)
        updates = [u._replace(loss=loss) for u, loss in zip(updates, losses, strict=False)]
        ours, _ = q_ffl(q, 0.2)(sent, updates, {})
        step = as_vector(difference(ours, sent))
        exact = [loss**q / sum(other**q for other in losses) for loss in losses]
        assert exact == pytest.approx(shares, abs=6e-4)
        mean = as_vector(average([difference(u.weights, sent) for u in updates], exact))
        assert float(step @ mean / step.norm() / mean.norm()) == pytest.approx(1, abs=1e-12)

    def test_afl_moves_the_shares_to_the_worst_served_and_they_stay_shares(self) -> None:
        sent, updates = self.updates()
        updates = [
            u._replace(loss=loss) for u, loss in zip(updates, (0.1, 0.1, 0.1, 2.0), strict=True)
        ]
        state: dict = {}
        for _ in range(20):
            _, state = afl(0.1)(sent, updates, state)
        shares = state["shares"]
        assert sum(shares.values()) == pytest.approx(1)
        assert shares["hospital 3"] == pytest.approx(1) and min(shares.values()) >= 0

    def test_the_projection_is_the_nearest_point_of_the_simplex(self) -> None:
        random = np.random.default_rng(0)
        for _ in range(20):
            v = random.normal(size=5)
            ours = onto_simplex(v)
            assert ours.sum() == pytest.approx(1) and ours.min() >= 0
            others = random.dirichlet(np.ones(5), 300)
            assert ((ours - v) ** 2).sum() <= ((others - v) ** 2).sum(1).min() + 1e-12
        assert onto_simplex([0.2, 0.3, 0.5]) == pytest.approx([0.2, 0.3, 0.5])
        assert onto_simplex([5.0, 0.0, 0.0]) == pytest.approx([1, 0, 0])


class TestPurity:
    def test_nothing_that_was_given_is_changed_and_the_same_seed_gives_the_same_bits(self) -> None:
        model, client = network(), hospitals()[3]
        sent = weights_of(model)
        before = weights_of(model), client.inputs.clone(), client.targets.clone()
        plan = LocalPlan(3, 4, 0.1, 0.1)
        first, second = (local_update(model, sent, client, plan, seed=5) for _ in range(2))
        assert gap(first.weights, second.weights) == 0
        assert gap(sent, before[0]) == 0 and gap(weights_of(model), before[0]) == 0
        assert torch.equal(client.inputs, before[1]) and torch.equal(client.targets, before[2])
        other = local_update(model, sent, client, plan, seed=6)
        assert gap(first.weights, other.weights) > 0

    def test_chance_outside_is_left_alone(self) -> None:
        """Also by the look at the network's outputs that tells how many classes there are."""
        model = nn.Sequential(nn.Dropout(0.5), network())
        state = torch.get_rng_state()
        local_update(model, weights_of(model), hospitals()[0], LocalPlan())
        assert torch.equal(torch.get_rng_state(), state)


class TestBadInput:
    def test_weights_of_another_network_are_named(self) -> None:
        sent = weights_of(network())
        with pytest.raises(ValueError, match="another network"):
            local_update(network(), {"other": torch.zeros(1)}, hospitals()[0], LocalPlan())
        with pytest.raises(ValueError, match=r"0\.weight has the shape"):
            plus(sent, {**sent, "0.weight": torch.zeros(2, 2)})
        with pytest.raises(ValueError, match="no average"):
            average([], [])

    def test_a_client_needs_cases(self) -> None:
        empty = Client("empty", torch.zeros(0, 5).double(), torch.zeros(0, dtype=torch.long))
        with pytest.raises(ValueError, match="'empty' has 0 inputs"):
            local_update(network(), weights_of(network()), empty, LocalPlan())

    def test_two_clients_of_one_name_are_refused(self) -> None:
        twins = [hospitals()[0]] * 2
        with pytest.raises(ValueError, match="name of its own"):
            federate(network(), twins, FederatedPlan(1), progress=False)

    @pytest.mark.parametrize(
        "wrong", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"mu": -1.0}]
    )
    def test_impossible_plans_are_refused(self, wrong) -> None:
        with pytest.raises(ValueError):
            LocalPlan(**wrong)
