"""Losses of the two players and penalties on the critic's slope, against closed forms."""

import math

import pytest
import torch

from course_lib.generative.losses import LOSSES, drift, gradient_penalty, r1_penalty

REAL, FAKE = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([0.3, -2.0, 1.0])


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def linear_critic(slope):
    """A critic whose slope has this length everywhere."""
    direction = random(1, 4, 4).flatten()
    direction *= slope / direction.norm()
    return lambda films: films.flatten(1) @ direction


def test_losses_are_those_of_the_papers():
    d_real, d_fake = torch.sigmoid(REAL), torch.sigmoid(FAKE)
    entropy = -(d_real.log().mean() + (1 - d_fake).log().mean())
    for name in ("minimax", "non-saturating"):
        torch.testing.assert_close(LOSSES[name].critic(REAL, FAKE), entropy)
    torch.testing.assert_close(LOSSES["minimax"].generator(FAKE), (1 - d_fake).log().mean())
    torch.testing.assert_close(LOSSES["non-saturating"].generator(FAKE), -d_fake.log().mean())
    earth = LOSSES["wasserstein"]
    torch.testing.assert_close(earth.critic(REAL, FAKE), FAKE.mean() - REAL.mean())
    torch.testing.assert_close(earth.generator(FAKE), -FAKE.mean())
    squares = LOSSES["least squares"]
    by_hand = ((REAL - 1).square().mean() + FAKE.square().mean()) / 2
    torch.testing.assert_close(squares.critic(REAL, FAKE), by_hand)
    torch.testing.assert_close(squares.generator(FAKE), (FAKE - 1).square().mean() / 2)


def test_an_undecided_critic_loses_log_four():
    zero = torch.zeros(5)
    assert LOSSES["minimax"].critic(zero, zero).item() == pytest.approx(math.log(4))


def slope_of(name, score):
    fake = torch.tensor([score], requires_grad=True)
    LOSSES[name].generator(fake).backward()
    return fake.grad.item()


def test_where_the_critic_is_sure_only_minimax_is_flat():
    assert abs(slope_of("minimax", -10.0)) < 1e-4
    assert slope_of("non-saturating", -10.0) == pytest.approx(-1, abs=1e-4)
    assert slope_of("wasserstein", -10.0) == -1
    for name in LOSSES:
        assert slope_of(name, -0.5) < 0, f"{name}: a higher score must please the generator"


def test_sure_scores_give_no_infinity():
    far = torch.tensor([1e4, -1e4])
    for loss in LOSSES.values():
        assert loss.critic(far, far).isfinite()
        assert loss.generator(far).isfinite()


def test_gradient_penalty_of_a_linear_critic():
    real, fake, mix = random(6, 1, 4, 4), random(6, 1, 4, 4, seed=1), torch.rand(6)
    critic = linear_critic(3.0)
    assert 10 * gradient_penalty(critic, real, fake, mix).item() == pytest.approx(40, rel=1e-5)
    assert gradient_penalty(linear_critic(1.0), real, fake, mix).item() == pytest.approx(
        0, abs=1e-9
    )
    of_750 = gradient_penalty(critic, real, fake, mix, target=750.0).item()
    assert of_750 == pytest.approx((747 / 750) ** 2, rel=1e-5)


def test_the_penalty_looks_between_real_and_made_examples():
    """For |x|^2 / 2 the slope at a point is the point itself, so the penalty tells where it was."""
    real, fake = torch.zeros(3, 1, 2, 2), torch.full((3, 1, 2, 2), 2.0)
    mix = torch.tensor([0.0, 0.5, 1.0])
    penalty = gradient_penalty(lambda x: x.square().flatten(1).sum(1) / 2, real, fake, mix)
    lengths = 4 * mix  # sqrt(4 * (2 mix)^2)
    assert penalty.item() == pytest.approx((lengths - 1).square().mean().item(), rel=1e-5)


def test_the_penalty_can_be_minimised():
    factor = torch.tensor(3.0, requires_grad=True)
    base = linear_critic(1.0)
    real, fake, mix = random(4, 1, 4, 4), random(4, 1, 4, 4, seed=1), torch.rand(4)
    gradient_penalty(lambda x: factor * base(x), real, fake, mix).backward()
    assert factor.grad.item() == pytest.approx(2 * (3 - 1), rel=1e-5)


def test_the_penalty_of_a_flat_critic_has_a_finite_gradient():
    factor = torch.tensor(0.0, requires_grad=True)
    real = random(4, 1, 4, 4)
    flat = linear_critic(1.0)
    gradient_penalty(lambda x: factor * flat(x), real, -real, torch.rand(4)).backward()
    assert factor.grad.isfinite()


def test_r1_is_half_the_squared_slope_at_real_examples():
    assert r1_penalty(linear_critic(3.0), random(5, 1, 4, 4)).item() == pytest.approx(4.5, rel=1e-5)
    real = random(5, 1, 2, 2)
    squared = r1_penalty(lambda x: x.square().flatten(1).sum(1) / 2, real)
    torch.testing.assert_close(squared, real.flatten(1).square().sum(1).mean() / 2)


def test_drift_is_the_mean_square_of_real_scores():
    assert drift(torch.tensor([1.0, -3.0])).item() == 5


def test_unequal_numbers_of_examples_are_refused():
    with pytest.raises(ValueError, match="4 real, 3 generated examples and 4 mixing numbers"):
        gradient_penalty(linear_critic(1.0), random(4, 1, 4, 4), random(3, 1, 4, 4), torch.rand(4))
