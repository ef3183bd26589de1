"""Latent search: against closed forms of a linear generator, and film by film against the batch."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.generative.latent_films import check_films, critic_features, likeness
from course_lib.generative.latent_search import (
    SearchPlan,
    mean_pairwise_squared_error,
    mean_squared_error,
    search_twins,
)
from course_lib.models.pggan import Critic, Generator, PgganSize

SIDE, LATENT = 8, 5


class Linear(nn.Module):
    """G(z) = A z + b: the nearest z is known in closed form."""

    def __init__(self, seed: int = 0, offset: float = 0.0):
        super().__init__()
        random = np.random.default_rng(seed)
        self.latent_size, self.resolution = LATENT, SIDE
        matrix = random.normal(0, 0.1, (SIDE * SIDE, LATENT))
        self.matrix = nn.Parameter(torch.tensor(matrix, dtype=torch.float32))
        ramp = torch.linspace(-0.4, 0.4, SIDE * SIDE) + offset
        self.register_buffer("bias", ramp)

    def forward(self, z):
        return (z @ self.matrix.T + self.bias).view(len(z), 1, SIDE, SIDE)


def some_films(generator, n=4, noise=0.05, seed=1):
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(n, LATENT, generator=random)
    made = generator(z) + noise * torch.randn(n, 1, SIDE, SIDE, generator=random)
    return ((made.detach() + 1) / 2).clamp(0, 1)


def least_squares(generator, films, prior=0.0, pairwise=False):
    """Ridge regression in closed form; pairwise: pictures without their mean."""
    matrix = generator.matrix.detach().double()
    wanted = (films.flatten(1).double() * 2 - 1) - generator.bias.double()
    if pairwise:
        matrix = matrix - matrix.mean(0)
        wanted = wanted - wanted.mean(1, keepdim=True)
    pixels = SIDE * SIDE
    gram = matrix.T @ matrix / pixels + prior / LATENT * torch.eye(LATENT, dtype=torch.float64)
    return torch.linalg.solve(gram, matrix.T @ wanted.T / pixels).T.float()


SLOW = SearchPlan(steps=500, rate=0.03, fast=False)


def planned(**changes):
    return SearchPlan(**{**SLOW.__dict__, **changes})


def test_known_answers_of_the_residuals():
    difference = torch.tensor([[0.0, 1.0, 3.0]])
    assert mean_pairwise_squared_error(difference).item() == pytest.approx(14 / 3)
    assert mean_squared_error(difference).item() == pytest.approx(10 / 3)


def test_mpse_is_the_mean_over_all_pairs():
    difference = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 1, 4, 5)))
    flat = difference.flatten(1)
    pairs = (flat[:, :, None] - flat[:, None, :]).square().sum((1, 2)) / (20 * 19)
    torch.testing.assert_close(mean_pairwise_squared_error(difference), pairs)


def test_mpse_does_not_see_brightness_but_mse_does():
    difference = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        mean_pairwise_squared_error(difference + 0.3), mean_pairwise_squared_error(difference)
    )
    assert not torch.allclose(mean_squared_error(difference + 0.3), mean_squared_error(difference))


def test_mpse_of_one_pixel_is_refused():
    with pytest.raises(ValueError, match="two pixels"):
        mean_pairwise_squared_error(torch.zeros(3, 1))


@pytest.mark.parametrize("loss", ["mse", "mpse"])
def test_the_search_finds_the_least_squares_solution(loss):
    generator = Linear()
    films = some_films(generator)
    found = search_twins(generator, films, planned(loss=loss))
    right = least_squares(generator, films, pairwise=loss == "mpse")
    torch.testing.assert_close(found.z, right, atol=2e-3, rtol=2e-3)
    assert found.score.shape == (4,) and found.films.shape == films.shape


def test_the_prior_is_ridge_regression():
    generator = Linear()
    films = some_films(generator)
    found = search_twins(generator, films, planned(loss="mse", prior=0.02))
    right = least_squares(generator, films, prior=0.02)
    torch.testing.assert_close(found.z, right, atol=2e-3, rtol=2e-3)
    assert found.z.norm() < least_squares(generator, films).norm()


def test_a_film_of_the_generator_is_found_exactly():
    generator = Linear()
    films = some_films(generator, noise=0)
    assert search_twins(generator, films, SLOW).score.max() < 1e-6


def test_films_of_a_batch_do_not_disturb_each_other():
    generator = Linear()
    films = some_films(generator, n=7)
    plan = planned(steps=30)
    together = search_twins(generator, films, plan, seed=3)
    in_threes = search_twins(generator, films, planned(steps=30, batch=3), seed=3)
    torch.testing.assert_close(together.z, in_threes.z, atol=1e-5, rtol=1e-5)
    one = search_twins(generator, films[:1], plan, seed=3)
    torch.testing.assert_close(together.z[:1], one.z, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together.history[:, 0], one.history[:, 0])


def test_pggan_twins_of_a_batch_are_those_of_single_films():
    torch.manual_seed(0)
    generator = Generator(PgganSize(16, base=64, most=16)).eval()
    films = torch.rand(5, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    start = torch.randn(5, generator.latent_size, generator=torch.Generator().manual_seed(2))
    plan = SearchPlan(steps=10, fast=False)
    together = search_twins(generator, films, plan, start=start)
    alone = [
        search_twins(generator, films[i : i + 1], plan, start=start[i : i + 1]) for i in (0, 4)
    ]
    torch.testing.assert_close(
        together.z[[0, 4]], torch.cat([one.z for one in alone]), atol=1e-4, rtol=1e-3
    )
    assert together.score.mean() < together.history[0].mean()
    assert all(p.requires_grad and p.grad is None for p in generator.parameters())


def test_the_length_of_z_means_nothing_to_pggan():
    torch.manual_seed(0)
    generator = Generator(PgganSize(8, base=32, most=16)).eval()
    z = torch.randn(3, generator.latent_size)
    torch.testing.assert_close(generator(3 * z), generator(z), atol=1e-4, rtol=1e-3)


def test_more_restarts_are_never_worse():
    torch.manual_seed(1)
    generator = Generator(PgganSize(8, base=32, most=16)).eval()
    films = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    plan = SearchPlan(steps=8, fast=False)
    one = search_twins(generator, films, plan)
    three = search_twins(generator, films, SearchPlan(steps=8, restarts=3, fast=False))
    assert (three.score <= one.score + 1e-6).all()
    assert (three.score < one.score - 1e-4).any()


def test_history_begins_at_the_start_and_the_best_z_counts():
    generator = Linear()
    films = some_films(generator)
    wild = SearchPlan(steps=20, rate=3.0, fast=False, keep=(0, 5))
    found = search_twins(generator, films, wild)
    assert found.history.shape == (21, 4)
    torch.testing.assert_close(found.score, found.history.min(0).values)
    start = search_twins(generator, films, SearchPlan(steps=0, fast=False))
    torch.testing.assert_close(found.kept[0], start.z)
    torch.testing.assert_close(start.score, found.history[0])


def test_same_seed_same_twins_other_seed_other_start():
    generator, plan = Linear(), SearchPlan(steps=3, fast=False)
    films = some_films(generator)
    first, again = (search_twins(generator, films, plan, seed=4) for _ in range(2))
    assert torch.equal(first.z, again.z)
    assert not torch.equal(first.z, search_twins(generator, films, plan, seed=5).z)


def test_an_encoder_can_say_where_to_begin():
    generator = Linear()
    films = some_films(generator, noise=0)

    def encoder(given):
        return least_squares(generator, given)

    found = search_twins(generator, films, SearchPlan(steps=0, fast=False), start=encoder)
    assert found.score.max() < 1e-8


def test_the_feature_term_can_be_all_that_counts():
    generator = Linear()
    films = some_films(generator)

    def left_half(film):
        return film[..., : SIDE // 2]

    plan = planned(feature_weight=1.0)
    found = search_twins(generator, films, plan, features=left_half)
    other = films.clone()
    other[..., SIDE // 2 :] = 0.5  # what the features do not see must not matter
    again = search_twins(generator, other, plan, features=left_half)
    torch.testing.assert_close(found.z, again.z, atol=1e-4, rtol=1e-4)


def test_critic_features_do_not_look_at_the_rest_of_the_batch():
    torch.manual_seed(0)
    features = critic_features(Critic(PgganSize(16, base=64, most=16)))
    films = torch.randn(4, 1, 16, 16)
    both = features(films)
    assert both.shape == (4, 16, 4, 4)
    torch.testing.assert_close(both[2:3], features(films[2:3]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f[:, :, :4], "resize"),
        (lambda f: f[:, 0], "shape"),
        (lambda f: f[:0], "shape"),
        (lambda f: (f * 255).to(torch.uint8), "255"),
        (lambda f: f * 2 - 1, "0..1"),
        (lambda f: f * 255, "0..1"),
        (lambda f: torch.where(f > f.median(), torch.nan, f), "NaN"),
        (lambda f: 1 - f, "inverted"),
    ],
)
def test_films_that_do_not_fit_are_refused(spoil, message):
    generator = Linear()
    films = spoil(some_films(generator))
    with pytest.raises(ValueError, match=message):
        search_twins(generator, films, SearchPlan(steps=1))


def test_a_flat_film_is_not_called_inverted():
    generator = Linear()
    flat = torch.full((2, 1, SIDE, SIDE), 0.5)
    assert torch.isnan(likeness(flat, generator)).all()
    check_films(flat, generator)


def test_a_generator_of_noise_knows_no_upside_down():
    torch.manual_seed(0)
    generator = Generator(PgganSize(16, base=64, most=16)).eval()
    films = torch.rand(2, 1, 16, 16)
    check_films(films, generator)
    check_films(1 - films, generator)


@pytest.mark.parametrize(
    "start", [torch.zeros(4, 3), torch.zeros(2, 5), torch.full((4, 5), torch.nan)]
)
def test_starts_that_do_not_fit_are_refused(start):
    generator = Linear()
    with pytest.raises(ValueError, match="latent|Latent"):
        search_twins(generator, some_films(generator), SearchPlan(steps=1), start=start)


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": "l1"}, {"steps": -1}, {"restarts": 0}, {"batch": 0}, {"rate": 0.0},
        {"feature_weight": 1.5}, {"prior": -1.0}, {"steps": 5, "keep": (6,)},
    ],
)  # fmt: skip
def test_impossible_plans_are_refused(wrong):
    with pytest.raises(ValueError):
        SearchPlan(**wrong)


def test_features_must_be_there_when_they_count():
    generator = Linear()
    with pytest.raises(ValueError, match="features"):
        search_twins(generator, some_films(generator), SearchPlan(feature_weight=0.1))


def test_a_loss_that_becomes_nan_stops_with_a_sentence():
    generator = Linear()
    films = some_films(generator)
    broken = Linear()
    nothing = float("nan")

    def features(film):
        return film * nothing

    with pytest.raises(ValueError, match="film 0 is not finite at step 0"):
        search_twins(broken, films, SearchPlan(feature_weight=0.5), features=features)
