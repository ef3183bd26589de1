"""A PGGAN learns, goes on after it was killed, and stops with a clear word when it must."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_growth import SIZE, half_bright, same, tiny

from course_lib.generative.growing import Phase, Schedule
from course_lib.generative.growth import Growth
from course_lib.generative.pggan_config import PRESETS
from course_lib.generative.pggan_training import train_pggan
from course_lib.generative.shipped import draw, sample_latents
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint
from course_lib.learning.device import one_device
from course_lib.learning.trainer import TrainingFailed
from course_lib.models.pggan import PgganSize

FILMS = half_bright()


class Killed(Exception):
    pass


def killed_after(step):
    """A watcher that ends the program after so many steps."""

    def watch(growth):
        if growth.steps == step:
            raise Killed

    return watch


def test_it_learns_which_side_is_bright():
    config = tiny(
        size=PgganSize(8, base=32, most=16),
        schedule=Schedule((Phase(4, 0, 480, 16), Phase(8, 240, 560, 16))),
        learning_rate=1e-2,
        average=0.9,
    )
    growth = train_pggan(config, half_bright(pixels=8))
    drawn = draw(growth.average, sample_latents(64, config.size.latent_size, 1))[:, 0]
    left, right = drawn[..., :4].mean().item(), drawn[..., 4:].mean().item()
    assert left < 0.2
    assert right == pytest.approx(200 / 255, abs=0.2)


def test_the_same_seed_gives_the_same_bits():
    one, two, other = (train_pggan(tiny(seed=seed), FILMS) for seed in (1, 1, 2))
    assert same(one.average, two.average)
    assert same(one.critic, two.critic)
    assert not same(one.average, other.average)
    for (step, picture), (step2, picture2) in zip(one.pictures, two.pictures, strict=True):
        assert step == step2
        assert torch.equal(picture, picture2)


def test_training_leaves_the_global_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_pggan(tiny(), FILMS)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("step", [3, 4, 8])
def test_killed_in_the_middle_of_a_fade_it_goes_on_to_the_same_bits(tmp_path, step):
    straight = train_pggan(tiny(), FILMS)
    with pytest.raises(Killed):
        train_pggan(tiny(), FILMS, tmp_path, watch=killed_after(step))
    at_rest = load_checkpoint(tmp_path / "run.pt")["steps"]
    assert at_rest == step // 3 * 3
    if step < 8:  # it stopped at step 3: half of the fade from 4 to 8 pixels
        assert tiny().schedule.at(at_rest - 1).alpha == 0.5
    resumed = train_pggan(tiny(), FILMS, tmp_path)
    for name in ("average", "generator", "critic"):
        assert same(getattr(straight, name), getattr(resumed, name)), name
    strip = [[{**row, "seconds": 0} for row in run.history] for run in (straight, resumed)]
    assert strip[0] == strip[1]
    assert [step for step, _ in straight.pictures] == [step for step, _ in resumed.pictures]


def test_a_finished_run_is_not_trained_again(tmp_path):
    done = train_pggan(tiny(), FILMS, tmp_path)
    again = train_pggan(tiny(), FILMS, tmp_path, watch=killed_after(0))
    assert same(done.average, again.average)
    assert again.steps == done.steps == 10


@pytest.mark.parametrize(
    "other",
    [
        {"size": PgganSize(8, base=32, most=8), "schedule": Schedule(tiny().schedule.phases[:2])},
        {"seed": 9},
        {"learning_rate": 2e-3},
    ],
)
def test_a_folder_with_another_run_is_refused(tmp_path, other):
    train_pggan(tiny(), FILMS, tmp_path)
    config = tiny(**other)
    with pytest.raises(CheckpointError, match="other settings"):
        train_pggan(config, half_bright(pixels=config.size.resolution), tmp_path)


def spoil(growth, what):
    """From now on what this network returns is not a number."""
    layer = growth.critic.last.bias if what == "critic" else growth.generator.dense.weight
    with torch.no_grad():
        layer.fill_(float("nan"))


@pytest.mark.parametrize("what", ["critic", "generator"])
def test_a_loss_that_is_no_number_stops_it_and_the_last_good_state_is_kept(tmp_path, what):
    def watch(growth):
        if growth.steps == 4:
            spoil(growth, what)

    with pytest.raises(TrainingFailed, match="step 5 .*last good state"):
        train_pggan(tiny(), FILMS, tmp_path, watch=watch)
    saved = load_checkpoint(tmp_path / "run.pt")
    for name in ("generator", "critic", "average"):
        assert all(value.isfinite().all() for value in saved[name].values()), name
    resumed = train_pggan(tiny(), FILMS, tmp_path)
    assert same(resumed.average, train_pggan(tiny(), FILMS).average)


def test_a_gradient_that_is_no_number_moves_nothing():
    growth = Growth(tiny(), one_device())
    growth.step(FILMS)
    before = {name: value.clone() for name, value in growth.critic.state_dict().items()}
    weight = growth.critic.score.bias
    weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(TrainingFailed, match="gradient"):
        growth.step(FILMS)
    for name, value in growth.critic.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_without_a_folder_a_failure_names_none():
    growth = Growth(tiny(), one_device())
    spoil(growth, "critic")
    with pytest.raises(TrainingFailed, match="lower the learning rate") as failure:
        growth.step(FILMS)
    assert "None" not in str(failure.value)


def test_the_average_follows_before_the_generator_moves():
    config = tiny(average=0.75)
    growth = Growth(config, one_device())
    growth.step(FILMS)
    generator, average = (
        {name: value.clone() for name, value in network.state_dict().items()}
        for network in (growth.generator, growth.average)
    )
    growth.step(FILMS)
    for name, value in growth.average.state_dict().items():
        expected = 0.75 * average[name] + 0.25 * generator[name]
        torch.testing.assert_close(value, expected, msg=name)


def test_adam_forgets_when_the_network_grows():
    growth = Growth(tiny(), one_device())
    counts = []
    for _ in range(10):
        growth.step(FILMS)
        states = growth.generator_optimiser.state.values()
        counts.append(max((int(state["step"]) for state in states), default=0))
    assert counts == [1, 0, 1, 2, 3, 0, 1, 2, 3, 4]  # the last phase keeps its memory


def test_the_learning_rate_falls_at_the_end_only():
    growth = Growth(tiny(decay_from=0.5, learning_rate=1e-2), one_device())
    rates = []
    for _ in range(10):
        growth.step(FILMS)
        rates.append(growth.critic_optimiser.param_groups[0]["lr"])
    assert rates[:9] == [1e-2] * 9
    assert rates[9] == pytest.approx(1e-2 * (1 - 0.9 * 0.5))


def test_history_and_pictures_tell_the_growth():
    growth = train_pggan(tiny(), FILMS)
    assert [row["resolution"] for row in growth.history] == [4] * 2 + [8] * 4 + [16] * 4
    assert [row["alpha"] for row in growth.history] == [1, 1, 0.5, 1, 1, 1, 0.5, 1, 1, 1]
    assert growth.shown == 80
    assert [step for step, _ in growth.pictures] == [2, 4, 6, 8, 10]
    assert [picture.shape[-1] for _, picture in growth.pictures] == [4, 8, 8, 16, 16]
    assert all(picture.dtype == torch.uint8 for _, picture in growth.pictures)


def test_films_that_do_not_fit_are_refused():
    for wrong in (half_bright(pixels=8), FILMS.float(), FILMS.expand(-1, 3, -1, -1)):
        with pytest.raises(ValueError, match=r"uint8 of shape \(films, 1, 16, 16\)"):
            train_pggan(tiny(), wrong)
    with pytest.raises(ValueError, match="no films"):
        train_pggan(tiny(), FILMS[:0])


def test_settings_that_cannot_work_are_refused_before_training():
    def schedule(batch):
        return Schedule((Phase(4, 0, 16, 8), Phase(8, 16, 16, batch), Phase(16, 16, 16, 8)))

    with pytest.raises(ValueError, match="A batch of one film has no deviation"):
        tiny(schedule=schedule(1))
    with pytest.raises(ValueError, match="batches of 6 films cannot be cut into groups of 4"):
        tiny(schedule=schedule(6))
    with pytest.raises(ValueError, match="ends at 16 pixels, the networks at 8"):
        tiny(size=PgganSize(8, base=32, most=8))
    with pytest.raises(ValueError, match="penalty_share"):
        tiny(penalty_share=0.0)
    with pytest.raises(ValueError, match="6 of the 8 films"):
        tiny(penalty_share=0.75)


def test_presets_are_the_published_settings_or_smaller():
    paper = PRESETS["paper"]
    assert (paper.learning_rate, paper.penalty, paper.drift) == (1e-3, 10, 1e-3)
    assert (paper.average, paper.flip) == (0.999, False)
    assert paper.size == PgganSize(1024, 1, 8192, 512)
    assert paper.size.latent_size == 512
    films = sum(phase.fade + phase.hold for phase in paper.schedule.phases)
    assert films == 13_600_000
    assert PRESETS["lesson"].size.resolution == 32
    assert PRESETS["laptop"].size.resolution == 64


def test_mirrored_films_are_shown_only_when_asked():
    seen = []
    for flip in (False, True):
        growth = Growth(tiny(flip=flip), one_device())
        growth._move_critic = lambda real, now, rng, flip=flip: seen.append((flip, real)) or (0, 0)
        growth._move_generator = lambda *_: None
        for _ in range(4):
            growth.step(FILMS)
    sides = {True: [], False: []}
    for flip, real in seen:
        half = real.shape[-1] // 2
        left, right = real[..., :half].mean((1, 2, 3)), real[..., half:].mean((1, 2, 3))
        sides[flip] += (right > left).tolist()
    assert all(sides[False])
    assert 0.2 < np.mean(sides[True]) < 0.8


def test_a_smaller_penalty_share_saves_time_and_still_learns():
    growth = train_pggan(replace(tiny(), penalty_share=0.5), FILMS)
    assert np.isfinite(growth.history[-1]["penalty"])
    assert growth.config.size == SIZE
