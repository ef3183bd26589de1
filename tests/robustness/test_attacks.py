"""FGSM and PGD: what is exactly true on a linear film reader, and what they refuse."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.robustness.attack_transfer import accuracy_curve, transfer_table, universal_noise
from course_lib.robustness.attacks import (
    cross_entropy,
    fgsm,
    lengths,
    logits_of,
    margin,
    pgd,
    predicted,
    steepest,
    strongest,
    within_ball,
)


class LinearReader(nn.Module):
    """Two answers: w.x + b against its negative; its margin is 2 (w.x + b)."""

    def __init__(self, pixels: int = 36, seed: int = 0) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(pixels, generator=random, dtype=torch.float64) / 10

    def forward(self, films):
        score = (films - 0.5).flatten(1) @ self.weight
        return torch.stack([-score, score], 1)


@pytest.fixture(name="films")
def grey_films():
    """Films away from 0 and 1, so that no grey value is cut off."""
    random = torch.Generator().manual_seed(1)
    return 0.3 + 0.4 * torch.rand((8, 1, 6, 6), generator=random, dtype=torch.float64)


@pytest.fixture(name="reader")
def linear_reader():
    return LinearReader().eval()


def small_network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return (
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3)).double().eval()
    )


def test_fgsm_lowers_the_margin_of_a_linear_reader_by_exactly_eps_times_the_sum_of_weights(
    reader, films
):
    truth, eps = reader(films).argmax(1), 0.01
    before, after = (
        -margin(reader)(films, truth),
        -margin(reader)(fgsm(reader, films, truth, eps), truth),
    )
    expected = 2 * eps * reader.weight.abs().sum()
    torch.testing.assert_close(before - after, expected.expand(8), rtol=1e-12, atol=1e-12)


def test_in_l2_the_same_margin_falls_by_eps_times_the_length_of_the_weights(reader, films):
    truth, eps = reader(films).argmax(1), 0.05
    attacked = pgd(reader, films, truth, eps, "l2", steps=3)
    fall = margin(reader)(attacked, truth) - margin(reader)(films, truth)
    torch.testing.assert_close(fall, (2 * eps * reader.weight.norm()).expand(8), rtol=1e-6, atol=0)


def test_the_smallest_eps_that_turns_a_linear_reader_is_margin_over_sum_of_weights(reader, films):
    truth = reader(films).argmax(1)
    needed = -margin(reader)(films, truth) / (2 * reader.weight.abs().sum())
    for number in range(len(films)):
        one, which = films[number : number + 1], truth[number : number + 1]
        just = float(needed[number])
        assert predicted(reader, fgsm(reader, one, which, just * 0.999)) == which
        assert predicted(reader, fgsm(reader, one, which, just * 1.001)) != which


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_change_is_larger_than_eps_and_no_grey_value_leaves_its_range(norm):
    films = torch.rand((5, 1, 6, 6), generator=torch.Generator().manual_seed(2))
    network = small_network().float()
    attacked = pgd(network, films, [0, 1, 2, 0, 1], 0.1, norm, steps=7, step_size=0.08, seed=3)
    change = attacked - films
    size = change.abs().amax((1, 2, 3)) if norm == "linf" else lengths(change).flatten()
    assert (size <= 0.1 + 1e-6).all() and (size > 0.05).all()
    assert attacked.min() >= 0 and attacked.max() <= 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_with_eps_0_every_attack_is_the_film_itself(norm, films):
    network = small_network()
    truth = torch.zeros(8, dtype=torch.long)
    assert torch.equal(pgd(network, films, truth, 0.0, norm, seed=1), films)
    assert torch.equal(fgsm(network, films, truth, 0.0), films)


def test_same_seed_same_bits_and_the_weights_stay_as_they_were(films):
    network = small_network()
    before = [value.clone() for value in network.parameters()]
    truth = torch.zeros(8, dtype=torch.long)
    once, again = (pgd(network, films, truth, 0.05, seed=4) for _ in range(2))
    other = pgd(network, films, truth, 0.05, seed=5, steps=1, step_size=0.0)
    assert torch.equal(once, again) and not torch.equal(once, other)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert all(value.grad is None for value in network.parameters())


def test_a_film_is_attacked_the_same_way_alone_and_in_company(films):
    network, truth = small_network(), torch.zeros(8, dtype=torch.long)
    together = pgd(network, films, truth, 0.05)
    torch.testing.assert_close(pgd(network, films[:1], truth[:1], 0.05), together[:1])


def test_a_targeted_attack_makes_the_wanted_answer_more_likely(films):
    network, wanted = small_network(), torch.full((8,), 2)
    attacked = pgd(network, films, wanted, 0.1, targeted=True)
    assert (network(attacked).softmax(1)[:, 2] > network(films).softmax(1)[:, 2]).all()


def test_more_steps_and_restarts_never_leave_more_films_right(films):
    network = small_network(7)
    truth, eps = predicted(network, films), 0.03
    right = [
        int((predicted(network, attacked) == truth).sum())
        for attacked in (
            films,
            fgsm(network, films, truth, eps),
            strongest(network, films, truth, eps, steps=10, restarts=2),
        )
    ]
    assert right[0] == 8 and right[2] <= right[1]


def test_an_attack_works_where_gradients_are_switched_off(films):
    network, truth = small_network(), torch.zeros(8, dtype=torch.long)
    with torch.no_grad():
        attacked = fgsm(network, films, truth, 0.1)
    assert (cross_entropy(network)(attacked, truth) > cross_entropy(network)(films, truth)).all()


def test_steps_and_balls():
    change = torch.tensor([3.0, -4.0]).reshape(1, 1, 1, 2)
    assert steepest(change).flatten().tolist() == [1, -1]
    torch.testing.assert_close(steepest(change, "l2").flatten(), torch.tensor([0.6, -0.8]))
    assert within_ball(change, 2).flatten().tolist() == [2, -2]
    torch.testing.assert_close(within_ball(change, 2, "l2").flatten(), torch.tensor([1.2, -1.6]))
    assert torch.equal(within_ball(change, 6, "l2"), change)
    assert torch.isfinite(steepest(torch.zeros(1, 1, 2, 2), "l2")).all()


def test_curve_and_transfer_begin_with_the_accuracy_without_attack(films):
    models = {"one": small_network(1), "two": small_network(2)}
    truth = predicted(models["one"], films)
    curve = accuracy_curve(models["one"], films, truth, (0, 0.02, 0.2))
    assert curve.accuracy[0] == 1 and curve.accuracy.is_monotonic_decreasing
    assert ((curve.low <= curve.accuracy) & (curve.accuracy <= curve.high)).all()
    table = transfer_table(models, films, truth, 0.1)
    assert list(table.index) == ["nobody", "one", "two"] and table.loc["nobody", "one"] == 1
    assert table.loc["one", "one"] <= table.loc["two", "one"]


def test_universal_noise_is_one_noise_within_eps_that_raises_the_mean_loss(films):
    network, truth = small_network(3), torch.zeros(8, dtype=torch.long)
    noise = universal_noise(network, films, truth, 0.05)
    assert noise.shape == (1, 1, 6, 6) and noise.abs().max() <= 0.05 + 1e-9
    loss = cross_entropy(network)
    assert loss(films + noise, truth).mean() > loss(films, truth).mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"films": torch.rand(2, 6, 6)}, "shape"),
        ({"films": torch.full((2, 1, 6, 6), torch.nan)}, "0..1"),
        ({"films": 2 * torch.ones(2, 1, 6, 6)}, "normalise inside"),
        ({"films": torch.rand(0, 1, 6, 6), "truth": []}, "no film"),
        ({"films": torch.zeros(2, 1, 6, 6, dtype=torch.uint8)}, "float"),
        ({"truth": [0]}, "2 films need as many"),
        ({"truth": [0.0, 1.0]}, "class numbers"),
        ({"truth": [0, -1]}, "class numbers"),
        ({"eps": -0.1}, "0 or more"),
        ({"eps": np.nan}, "0 or more"),
        ({"norm": "l1"}, "linf, l2"),
        ({"steps": 0}, "at least one step"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(change, message):
    usual = {"films": torch.rand(2, 1, 6, 6), "truth": [0, 1], "eps": 0.1}
    with pytest.raises(ValueError, match=message):
        pgd(small_network().float(), **{**usual, **change})


def test_a_network_in_training_mode_is_refused():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(36, 2)).train()
    with pytest.raises(ValueError, match="eval"):
        fgsm(network, torch.rand(2, 1, 6, 6), [0, 1], 0.1)
    assert logits_of(network.eval(), torch.rand(2, 1, 6, 6)).shape == (2, 2)
