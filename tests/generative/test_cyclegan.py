"""CycleGAN: its losses, its memory, and that a killed game goes on to the same end."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.generative.cyclegan import CycleGame, CyclePlan, Pool, train_cyclegan
from course_lib.learning.checkpoint import CheckpointError
from course_lib.models.adain_generator import SwitchableGenerator
from course_lib.models.patch_discriminator import PatchDiscriminator


class Shift(nn.Module):
    """A generator that can only add a number: what it should learn is known."""

    def __init__(self):
        super().__init__()
        self.by = nn.Parameter(torch.zeros(()))

    def forward(self, image):
        return image + self.by


def small_game(seed=0):
    torch.manual_seed(seed)
    critics = [PatchDiscriminator(width=4, steps=1) for _ in range(2)]
    return CycleGame(*critics, SwitchableGenerator(widths=(4, 8), code=8))


def domains():
    generator = torch.Generator().manual_seed(1)
    a, b = (0.3 * torch.randn(20, 1, 16, 16, generator=generator) for _ in "ab")
    return a, b + 1


def test_unpaired_images_teach_the_difference_between_two_domains():
    torch.manual_seed(0)
    # No instance norm here: it would hide from the critics just what differs, the mean.
    critics = [
        nn.Sequential(nn.Conv2d(1, 8, 4, 2), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4)) for _ in "ab"
    ]
    game = CycleGame(*critics, Shift(), Shift())
    a, b = domains()
    train_cyclegan(game, a, b, CyclePlan(steps=300, learning_rate=5e-3, cycle=1.0, identity=0.0))
    assert game.generators[0].by.item() == pytest.approx(1, abs=0.3)
    assert game.generators[1].by.item() == pytest.approx(-1, abs=0.3)


def test_perfect_mappings_lose_nothing_on_the_way_there_and_back():
    game = CycleGame(PatchDiscriminator(width=4), PatchDiscriminator(width=4), Shift(), Shift())
    with torch.no_grad():
        game.generators[0].by.fill_(2)
        game.generators[1].by.fill_(-2)
    image = torch.zeros(1, 1, 32, 32)
    losses = game.generator_losses(image, image, CyclePlan(cycle=10, identity=5))
    assert losses["cycle"].item() == 0
    assert losses["identity"].item() == pytest.approx(5 * (2 + 2))


def test_an_interrupted_game_ends_with_the_same_weights(tmp_path):
    a, b = domains()
    plan = CyclePlan(steps=6, batch_size=2, save_every=2, pool=3)
    straight = small_game()
    train_cyclegan(straight, a, b, plan)

    class Killed(Exception):
        pass

    killed = small_game()
    step = killed.critic_loss

    def until_the_fourth(*arguments):
        until_the_fourth.calls += 1
        if until_the_fourth.calls == 4:
            raise Killed
        return step(*arguments)

    until_the_fourth.calls = 0
    killed.critic_loss = until_the_fourth
    with pytest.raises(Killed):
        train_cyclegan(killed, a, b, plan, tmp_path)
    resumed = small_game(seed=5)
    history = train_cyclegan(resumed, a, b, plan, tmp_path)
    assert len(history) == 6
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    with pytest.raises(CheckpointError, match="another plan"):
        train_cyclegan(small_game(), a, b, CyclePlan(steps=9), tmp_path)


def test_the_pool_shows_old_fakes_half_of_the_time():
    pool, rng = Pool(10), np.random.default_rng(0)
    pool.mixed(torch.zeros(10, 1, 2, 2), rng)
    shown = torch.cat([pool.mixed(torch.full((1, 1, 2, 2), i), rng) for i in range(1, 401)])
    old = shown[:, 0, 0, 0] != torch.arange(1, 401)
    assert 0.4 < old.float().mean() < 0.6


def test_what_cannot_be_played_is_said():
    critic = PatchDiscriminator(width=4)
    with pytest.raises(ValueError, match="SwitchableGenerator"):
        CycleGame(critic, critic, Shift())
    with pytest.raises(ValueError, match="Both domains"):
        train_cyclegan(small_game(), torch.zeros(0, 1, 8, 8), domains()[1], CyclePlan())
