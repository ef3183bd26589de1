"""All clients at once give what one client after another gives, for every objective."""

import pytest
import torch
from torch import nn

from course_lib.federated.client import Client, LocalPlan, Pool, local_update
from course_lib.federated.objectives import fedmix, global_mix, local_mix, naive_mix, plain
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.server import q_ffl
from course_lib.federated.small_network import small_network
from course_lib.federated.vectorised import all_at_once, federate_vectorised
from course_lib.federated.weights import weights_of

SIZES = (23, 10, 4, 31)  # whole batches only, less than one batch, and a rest


def clients(sizes=SIZES) -> list[Client]:
    g = torch.Generator().manual_seed(0)
    return [
        Client(
            f"hospital {k}",
            torch.randn(n, 1, 8, 8, generator=g),
            torch.randint(0, 4, (n,), generator=g),
        )
        for k, n in enumerate(sizes)
    ]


def pool() -> Pool:
    g = torch.Generator().manual_seed(1)
    return Pool(torch.randn(9, 1, 8, 8, generator=g), torch.rand(9, 4, generator=g).softmax(1))


OBJECTIVES = [plain(), local_mix(0.2), naive_mix(0.2), global_mix(0.2), fedmix(0.05)]


@pytest.mark.parametrize("mu", [0.0, 0.5])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: o.name)
def test_unequal_clients_end_with_the_weights_of_the_loop(objective, mu: float) -> None:
    model, plan, seeds = small_network(4, 8, 0), LocalPlan(2, 10, 0.1, mu), [3, 1, 4, 1]
    sent = weights_of(model)
    loop = [
        local_update(model, sent, client, plan, objective, pool(), seed)
        for client, seed in zip(clients(), seeds, strict=True)
    ]
    stack = all_at_once(model, sent, clients(), plan, objective, pool(), seeds)
    for one, other in zip(loop, stack, strict=True):
        assert (one.name, one.cases) == (other.name, other.cases)
        assert one.loss == pytest.approx(other.loss, abs=1e-6)
        worst = max(float((one.weights[n] - other.weights[n]).abs().max()) for n in sent)
        assert worst < 1e-6


def test_all_cases_in_one_batch() -> None:
    model, plan = small_network(4, 8, 0), LocalPlan(2, None, 0.1)
    sent = weights_of(model)
    loop = [local_update(model, sent, client, plan, seed=0) for client in clients()]
    stack = all_at_once(model, sent, clients(), plan, None, None, [0] * 4)
    for one, other in zip(loop, stack, strict=True):
        assert all(torch.allclose(one.weights[n], other.weights[n], atol=1e-6) for n in sent)


def test_whole_federations_agree_with_shares_of_clients_and_other_aggregations() -> None:
    plan = FederatedPlan(3, 0.5, LocalPlan(1, 10, 0.1), seed=2)
    options = {"aggregate": q_ffl(1.0, 0.1), "test": clients(), "progress": False}
    loop = federate(small_network(4, 8, 0), clients(), plan, **options)
    stack = federate_vectorised(small_network(4, 8, 0), clients(), plan, **options)
    assert loop.column("asked") == stack.column("asked")
    assert all(torch.allclose(loop.weights[n], stack.weights[n], atol=1e-6) for n in loop.weights)


def test_buffers_travel_along() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("shift", torch.tensor(0.5))
            self.last = nn.Linear(64, 4)

        def forward(self, x):
            return self.last(x.flatten(1) + self.shift)

    model = Shifted()
    sent = {**weights_of(model), "shift": torch.tensor(-2.0)}  # not the model's own
    plan = LocalPlan(1, 10, 0.05)
    loop = [local_update(model, sent, client, plan) for client in clients()]
    stack = all_at_once(model, sent, clients(), plan, None, None, [0] * 4)
    for one, other in zip(loop, stack, strict=True):
        assert list(one.weights) == list(other.weights)
        assert all(torch.allclose(one.weights[n], other.weights[n], atol=1e-6) for n in sent)


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(1), nn.Dropout(0.1)])
def test_layers_that_keep_or_draw_something_are_refused(layer) -> None:
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(64, 4))
    with pytest.raises(ValueError, match="one client after another"):
        federate_vectorised(model, clients(), FederatedPlan(1), progress=False)


def test_an_objective_without_its_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="give it a pool"):
        federate_vectorised(
            small_network(4, 8, 0), clients(), FederatedPlan(1), naive_mix(0.1), progress=False
        )


def test_too_small_films_are_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        small_network(4, 6, 0)
