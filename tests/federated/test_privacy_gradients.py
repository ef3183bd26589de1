"""Films from gradients, and the noise that ends it."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.federated.client import (
    Client,
    LocalPlan,
    Update,
    as_shares,
    local_gradient,
    local_update,
)
from course_lib.federated.objectives import plain
from course_lib.federated.privacy.accountant import epsilon, noise_for, renyi
from course_lib.federated.privacy.differential_privacy import (
    clipped,
    clipped_sum,
    dp_fedavg,
    per_case_gradients,
    private_step,
    private_steps,
    private_training,
)
from course_lib.federated.privacy.gradient_inversion import (
    Search,
    correlation,
    inputs_of_first_layer,
    invert,
    label_from_bias,
    matched,
    smooth_network,
    update_as_gradient,
)
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.weights import Weights, as_vector, difference, weights_of


def shapes(count: int, side: int = 12) -> torch.Tensor:
    """Smooth pictures (count, 1, side, side) in 0..1, all different."""
    g = torch.Generator().manual_seed(5)
    coarse = torch.rand(count, 1, 4, 4, generator=g)
    return nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")


def client(count: int) -> Client:
    return Client("H", shapes(count), torch.arange(count) % 3)


def mlp() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(144, 8), nn.Tanh(), nn.Linear(8, 3))


def test_a_first_linear_layer_gives_the_film_away_exactly() -> None:
    net, one = mlp(), client(1)
    gradient = local_gradient(net, weights_of(net), one)
    rows = inputs_of_first_layer(gradient["1.weight"], gradient["1.bias"])
    assert torch.allclose(rows, one.inputs.reshape(1, -1).expand(8, -1), atol=1e-4)


def test_of_two_films_each_unit_gives_a_mixture() -> None:
    net, two = mlp(), client(2)
    gradient = local_gradient(net, weights_of(net), two)
    row = inputs_of_first_layer(gradient["1.weight"], gradient["1.bias"])[0].numpy()
    base = two.inputs.reshape(2, -1).numpy()
    shares = np.linalg.lstsq(base.T, row, rcond=None)[0]
    assert np.allclose(shares @ base, row, atol=1e-3)
    assert shares.sum() == pytest.approx(1, abs=1e-3)


def test_a_unit_that_learned_nothing_is_nan() -> None:
    rows = inputs_of_first_layer(torch.tensor([[0.0, 0.0], [2.0, 4.0]]), torch.tensor([0.0, 2.0]))
    assert rows[0].isnan().all()
    assert rows[1].tolist() == [1, 2]


@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_last_bias_tells_the_label(label: int) -> None:
    net = smooth_network(3, 12, 0)
    one = Client("H", shapes(1), torch.tensor([label]))
    assert label_from_bias(local_gradient(net, weights_of(net), one)["5.bias"]) == label


@pytest.mark.parametrize("match", ["squared", "angle"])
def test_search_recovers_one_film(match: str) -> None:
    net, one = smooth_network(3, 12, 0), client(1)
    sent = weights_of(net)
    gradient = local_gradient(net, sent, one)
    seen: list[int] = []
    found = invert(
        net, sent, gradient, as_shares(one, net), (1, 12, 12), Search(match, steps=8),
        on_step=lambda step, films: seen.append(step),
    )  # fmt: skip
    assert correlation(found.films, one.inputs) > 0.95
    assert found.misfit[-1] < found.misfit[0] / 100
    assert seen == list(range(8))


def test_one_step_of_sgd_is_the_gradient() -> None:
    net, one = smooth_network(3, 12, 0), client(4)
    before = weights_of(net)
    after = local_update(net, before, one, LocalPlan(1, None, 0.01)).weights
    made = update_as_gradient(before, after, 0.01, 1)
    gradient = local_gradient(net, before, one)
    assert all(torch.allclose(made[k], gradient[k], atol=1e-4) for k in gradient)


def test_found_films_are_put_in_the_order_of_the_true_ones() -> None:
    true = shapes(4)
    found, match = matched(true[[2, 0, 3, 1]], true)
    assert torch.equal(found, true)
    assert np.allclose(match, 1)


def loop_gradients(net: nn.Module, one: Client) -> list[Weights]:
    weights = weights_of(net)
    return [
        local_gradient(net, weights, Client("H", one.inputs[k : k + 1], one.targets[k : k + 1]))
        for k in range(one.cases)
    ]


def test_gradients_of_all_cases_at_once_equal_those_one_by_one() -> None:
    net, some = mlp(), client(5)
    made = per_case_gradients(net, weights_of(net), some.inputs, as_shares(some, net))
    for k, alone in enumerate(loop_gradients(net, some)):
        assert all(torch.allclose(made[name][k], alone[name], atol=1e-6) for name in alone)


def test_no_case_moves_the_clipped_sum_by_more_than_the_norm() -> None:
    net, some = mlp(), client(6)
    made = per_case_gradients(net, weights_of(net), 100 * some.inputs, as_shares(some, net))
    whole = clipped_sum(made, 0.3)
    for k in range(6):
        rest = {name: torch.cat([v[:k], v[k + 1 :]]) for name, v in made.items()}
        length = as_vector(difference(whole, clipped_sum(rest, 0.3))).norm()
        assert length <= 0.3 + 1e-5


def test_without_noise_and_clipping_the_private_step_is_the_plain_one() -> None:
    net, some = mlp(), client(6)
    weights, shares = weights_of(net), as_shares(some, net)
    random = torch.Generator().manual_seed(0)
    made = private_step(net, weights, some.inputs, shares, 1e6, 0.0, 6, 0.1, random)
    wanted = local_update(net, weights, some, LocalPlan(1, None, 0.1)).weights
    assert all(torch.allclose(made[k], wanted[k], atol=1e-6) for k in wanted)


def test_the_noise_has_the_promised_size_even_when_nobody_was_drawn() -> None:
    net = mlp()
    weights = weights_of(net)
    random = torch.Generator().manual_seed(0)
    empty = shapes(1)[:0], torch.zeros(0, 3)
    moved = private_step(net, weights, *empty, 0.5, 2.0, 10, 1.0, random)
    spread = as_vector(difference(moved, weights)).std()
    assert spread == pytest.approx(2.0 * 0.5 / 10, rel=0.1)


def test_private_training_repeats_and_learns() -> None:
    hospitals = [Client(f"H{k}", shapes(30), torch.arange(30) % 3) for k in range(2)]
    plan = FederatedPlan(3, 1.0, LocalPlan(2, 10, 0.5), seed=1)
    runs = [
        federate(mlp(), hospitals, plan, progress=False, train=private_training(1.0, 0.5))
        for _ in range(2)
    ]
    assert all(torch.equal(runs[0].weights[k], runs[1].weights[k]) for k in runs[0].weights)
    assert private_steps(30, plan.local, 3) == (1 / 3, 18)
    with pytest.raises(ValueError, match="without mu"):
        list(private_training(1, 1)(mlp(), {}, hospitals, LocalPlan(mu=1), plain(), None, [0]))


def test_a_hospital_pulls_at_most_by_the_clipping_norm() -> None:
    net = mlp()
    weights = weights_of(net)
    far = {name: value + 50 for name, value in weights.items()}
    updates = [Update(far, 10, 0.0, "liar"), Update(weights, 10, 0.0, "still")]
    moved, state = dp_fedavg(0.2, 0.0, 0)(weights, updates, {})
    assert as_vector(difference(moved, weights)).norm() == pytest.approx(0.1, rel=1e-3)
    assert state["noised"] == 1
    assert as_vector(clipped(difference(far, weights), 0.2)).norm() == pytest.approx(0.2, rel=1e-4)


def test_noise_of_the_server_never_comes_twice() -> None:
    weights = weights_of(mlp())
    updates = [Update(weights, 10, 0.0, "still")]
    server, state, steps = dp_fedavg(1.0, 1.0, 3), {}, []
    for _ in range(2):
        moved, state = server(weights, updates, state)
        steps.append(as_vector(difference(moved, weights)))
    assert not torch.allclose(steps[0], steps[1])
    assert steps[0].std() == pytest.approx(1.0, rel=0.1)
    again, _ = server(copy.deepcopy(weights), updates, {})
    assert torch.equal(as_vector(difference(again, weights)), steps[0])


def test_the_accountant_agrees_with_the_closed_form_without_sampling() -> None:
    assert renyi(2.0, 1.0, 5) == pytest.approx(5 / 8)
    assert renyi(2.0, 1 - 1e-9, 5) == pytest.approx(5 / 8, rel=1e-4)
    assert renyi(2.0, 0.1, 5) < 5 / 8 / 10


def test_more_noise_fewer_steps_and_smaller_samples_are_more_private() -> None:
    usual = epsilon(1.0, 0.1, 100, 1e-3)
    assert epsilon(2.0, 0.1, 100, 1e-3) < usual
    assert epsilon(1.0, 0.1, 50, 1e-3) < usual
    assert epsilon(1.0, 0.05, 100, 1e-3) < usual
    assert epsilon(1.0, 0.1, 100, 1e-5) > usual
    assert epsilon(0.0, 0.1, 100, 1e-3) == float("inf")


@pytest.mark.parametrize("wanted", [0.5, 3.0, 20.0])
def test_noise_for_an_epsilon_reaches_it_and_hardly_more(wanted: float) -> None:
    noise = noise_for(wanted, 0.1, 100, 1e-3)
    assert wanted * 0.999 < epsilon(noise, 0.1, 100, 1e-3) <= wanted


def test_nonsense_is_named() -> None:
    with pytest.raises(ValueError, match="clipping norm"):
        clipped_sum({"a": torch.ones(2, 2)}, 0)
    with pytest.raises(ValueError, match="order"):
        renyi(1.0, 0.0, 2)
    with pytest.raises(ValueError, match="delta"):
        epsilon(1.0, 0.1, 10, 0)
    with pytest.raises(ValueError, match="not one case"):
        label_from_bias(torch.tensor([-1.0, -1.0, 2.0]))
    with pytest.raises(ValueError, match="side"):
        smooth_network(3, 10, 0)
