"""The game: losses as in the papers, same seed same bits, codes, and how it ends when it breaks."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.generative.densities import Mixture, ring
from course_lib.generative.losses import LOSSES, gradient_penalty, r1_penalty
from course_lib.generative.small_films import FilmDeck, difference_picture
from course_lib.generative.toy_codes import Told
from course_lib.generative.toy_gan import GamePlan, GameStopped, generate, play
from course_lib.models.dcgan import dcgan
from course_lib.models.point_gan import point_gan


def weights(network):
    return torch.cat([value.flatten().float() for value in network.state_dict().values()])


def short(**options):
    return GamePlan(**{"steps": 6, "batch_size": 16, "shown": 8, "snapshots": 3, **options})


def slope_of_generator_loss(name, score):
    scores = torch.tensor([float(score)], requires_grad=True)
    LOSSES[name].generator(scores).backward()
    return scores.grad.item()


def test_minimax_goes_silent_where_the_critic_is_sure_and_non_saturating_does_not():
    for score in (-8.0, -2.0, 0.0, 3.0):
        believed = 1 / (1 + math.exp(-score))
        assert slope_of_generator_loss("minimax", score) == pytest.approx(-believed, rel=1e-4)
        calm = slope_of_generator_loss("non-saturating", score)
        assert calm == pytest.approx(believed - 1, rel=1e-4)


def test_least_squares_pulls_in_proportion_and_wasserstein_always_alike():
    assert slope_of_generator_loss("least squares", -3) == pytest.approx(-4)
    assert slope_of_generator_loss("wasserstein", -50) == slope_of_generator_loss("wasserstein", 9)


def test_the_penalty_of_a_linear_critic_is_known():
    direction = torch.tensor([1.0, 2.0, 2.0])  # length 3
    real, fake = torch.randn(5, 3), torch.randn(5, 3)
    penalty = gradient_penalty(lambda x: x @ direction, real, fake, torch.rand(5))
    assert 10 * penalty.item() == pytest.approx(40)
    assert r1_penalty(lambda x: x @ direction, real).item() == pytest.approx(4.5)


PLAYS = {
    "minimax": (Told(), {"loss": "minimax"}),
    "least squares and R1": (Told(), {"loss": "least squares", "penalty": "r1"}),
    "Wasserstein": (Told(), {"loss": "wasserstein", "penalty": "gp", "critic_steps": 2}),
    "conditional": (Told("conditional", 8), {}),
    "auxiliary": (Told("auxiliary", 8), {"generator_steps": 2}),
    "info": (Told("info", 4, 1), {}),
}


@pytest.mark.parametrize("name", PLAYS)
def test_the_same_seed_gives_the_same_bits(name):
    told, options = PLAYS[name]
    ends = []
    for seed in (3, 3, 4):
        players = point_gan(seed, 2, told.width, told.guesses)
        start = [weights(player) for player in players]
        record = play(*players, ring().labelled, short(seed=seed, **options), told)
        assert [snapshot.step for snapshot in record.snapshots] == [0, 3, 6]
        assert len(record.rows) == 6 and np.isfinite(record.curve("generator")).all()
        for player, before in zip(players, start, strict=True):
            assert not torch.equal(weights(player), before)
        ends.append(torch.cat([weights(player) for player in players]))
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


def test_making_players_and_points_leaves_the_global_chance_alone():
    before = torch.get_rng_state()
    generator, _critic = point_gan(1)
    generate(generator, 5, seed=2)
    assert torch.equal(before, torch.get_rng_state())


def test_a_generator_finds_one_gaussian():
    there = Mixture(np.array([[1.5, -1.0]]), 0.3)
    players = point_gan(0)
    plan = GamePlan(steps=250, penalty="r1", weight=1.0, learning_rate=2e-3, snapshots=2)
    torch.set_num_threads(1)
    play(*players, there.labelled, plan)
    made = generate(players[0], 500, seed=1)
    np.testing.assert_allclose(made.mean(0), [1.5, -1.0], atol=0.3)


def test_a_game_that_breaks_keeps_the_last_good_state_and_says_when():
    def spoiled(n, rng):
        points, modes = ring().labelled(n, rng)
        spoiled.calls += 1
        return (points * np.nan if spoiled.calls > 4 else points), modes

    spoiled.calls = 0
    broken, straight = point_gan(0), point_gan(0)
    with pytest.raises(GameStopped, match=r"step 5: the critic's loss .* not a finite") as error:
        play(*broken, spoiled, short())
    play(*straight, ring().labelled, short(steps=4))
    for one, other in zip(broken, straight, strict=True):
        assert torch.equal(weights(one), weights(other))
    assert len(error.value.record.rows) == 4


def test_batch_norm_does_not_keep_the_bad_batch_either():
    films = FilmDeck(torch.rand(8, 1, 32, 32), torch.tensor([0, 1] * 4))

    def spoiled(n, rng):
        return films.labelled(n, rng)[0] * float("nan"), torch.zeros(n)

    players = dcgan("laptop", 0)
    before = [weights(player) for player in players]
    with pytest.raises(GameStopped, match="step 1"):
        play(*players, spoiled, short(batch_size=4))
    for player, start in zip(players, before, strict=True):
        assert torch.equal(weights(player), start)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: GamePlan(loss="hinge"), "choose from minimax"),
        (lambda: GamePlan(penalty="r2"), "None, 'gp' or 'r1'"),
        (lambda: GamePlan(steps=0), "at least one step"),
        (lambda: GamePlan(snapshots=1), "at least two snapshots"),
        (lambda: Told("nothing", 3), "only 'nothing' has none"),
        (lambda: Told("info"), "only 'nothing' has none"),
        (lambda: Told("conditional", 2, 1), "no labels"),
        (lambda: Told("conditional", 2).code(torch.tensor([2])), "must be 0 to 1"),
        (
            lambda: play(*point_gan(0), ring().labelled, short(), Told("conditional", 8)),
            "generator must be told 8",
        ),
        (
            lambda: play(*point_gan(0, 2, 8), ring().labelled, short(), Told("auxiliary", 8)),
            "critic must be told 0",
        ),
        (
            lambda: play(*dcgan("laptop", 0), ring().labelled, short(penalty="gp")),
            "norm=False",
        ),
        (lambda: point_gan(0)[0](torch.zeros(4, 5)), "must be .N, 2."),
        (lambda: FilmDeck(torch.full((2, 1, 4, 4), 200.0), torch.zeros(2)), "in -1..1"),
        (lambda: FilmDeck(torch.zeros(2, 4, 4), torch.zeros(2)), "a kind for each"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_codes_are_one_hot_and_continuous_values_lie_in_their_range():
    told = Told("info", 3, 2)
    code = told.draw(300, torch.Generator().manual_seed(0))
    assert code.shape == (300, 5)
    assert torch.equal(code[:, :3].sum(1), torch.ones(300))
    assert set(code[:, :3].unique().tolist()) == {0.0, 1.0}
    assert -1 <= code[:, 3:].min() < -0.9 and 0.9 < code[:, 3:].max() <= 1
    assert told.code(torch.tensor([2])).tolist() == [[0, 0, 1, 0, 0]]


def test_information_is_log_k_for_a_sure_guess_and_zero_for_no_guess():
    told = Told("info", 8)
    code = told.code(torch.arange(8))
    assert told.information(100 * code, code) == pytest.approx(math.log(8), abs=1e-4)
    assert told.information(torch.zeros(8, 8), code) == pytest.approx(0, abs=1e-5)


def test_a_deck_deals_both_kinds_equally_often_though_one_is_rare():
    kinds = torch.tensor([0] * 95 + [1] * 5)
    deck = FilmDeck(kinds[:, None, None, None] * torch.ones(100, 1, 8, 8) - 0.5, kinds)
    films, dealt = deck.labelled(2000, np.random.default_rng(0))
    assert dealt.float().mean().item() == pytest.approx(0.5, abs=0.04)
    assert torch.equal(films[:, 0, 0, 0] + 0.5, dealt.float())
    assert torch.equal(difference_picture(films, dealt), torch.ones(8, 8))
    with pytest.raises(ValueError, match="Both kinds"):
        difference_picture(films[dealt == 0], dealt[dealt == 0])


def test_a_conditional_dcgan_plays_and_makes_films_of_the_kind_it_is_told():
    told, (generator, critic) = Told("conditional", 2), dcgan("laptop", 0, told=2, norm=False)
    deck = FilmDeck(torch.rand(8, 1, 32, 32), torch.tensor([0, 1] * 4))
    plan = short(steps=2, batch_size=4, shown=4, penalty="r1")
    record = play(generator, critic, deck.labelled, plan, told)
    assert record.snapshots[-1].made.shape == (4, 1, 32, 32)
    made = generate(generator, 3, 1, told.code(torch.tensor([0, 1, 1])))
    assert made.shape == (3, 1, 32, 32) and made.abs().max() <= 1
    assert not any(isinstance(m, nn.BatchNorm2d) for m in critic.modules())
