"""The encoder of f-AnoGAN: what it promises, that it learns, and to whom its weights belong."""

import pytest
import torch

from course_lib.generative.latent_encoder import (
    FILE,
    EncoderPlan,
    LatentEncoder,
    load_encoder,
    on_shell,
    save_encoder,
    train_encoder,
)
from course_lib.generative.latent_films import critic_features
from course_lib.generative.latent_search import SearchPlan, search_twins
from course_lib.learning.checkpoint import CheckpointError
from course_lib.models.pggan import Critic, Generator, PgganSize

SIZE = PgganSize(16, base=64, most=16)


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(SIZE).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def films(generator):
    z = torch.randn(256, generator.latent_size, generator=torch.Generator().manual_seed(5))
    made = generator(z)
    return (((made + 1) / 2).clamp(0, 1) * 255).round().to(torch.uint8)


@pytest.fixture(scope="module")
def trained(generator, films):
    return train_encoder(generator, films, EncoderPlan(epochs=6), progress=False)


def test_latents_have_the_length_of_random_ones():
    encoder = LatentEncoder(16, 24).eval()
    z = encoder(torch.rand(5, 1, 16, 16))
    assert z.shape == (5, 24)
    torch.testing.assert_close(z.norm(dim=1), torch.full((5,), 24**0.5))
    torch.testing.assert_close(on_shell(3 * z), z)


def test_it_learns(trained):
    encoder, log = trained
    assert log[-1] < 0.8 * log[0]
    assert not encoder.training


def test_the_same_seed_gives_the_same_encoder(generator, films):
    plan = EncoderPlan(epochs=1, seed=3)
    first, again = (train_encoder(generator, films[:64], plan, progress=False)[0] for _ in range(2))
    for one, other in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_its_guess_is_better_than_a_random_start(generator, films, trained):
    given = films[:40].float() / 255
    plan = SearchPlan(steps=0, fast=False)
    guessed = search_twins(generator, given, plan, start=trained[0])
    random = search_twins(generator, given, plan)
    assert guessed.score.mean() < 0.8 * random.score.mean()


def test_it_can_learn_with_the_features_of_a_critic(generator, films):
    features = critic_features(Critic(SIZE).requires_grad_(False))
    plan = EncoderPlan(epochs=2)
    encoder, log = train_encoder(generator, films, plan, features=features, progress=False)
    assert log[-1] < log[0]
    assert all(torch.isfinite(value).all() for value in encoder.state_dict().values())


def test_saved_and_loaded_it_guesses_the_same(generator, films, trained, tmp_path):
    encoder = trained[0]
    save_encoder(encoder, generator, tmp_path)
    again = load_encoder(generator, tmp_path)
    given = films[:4].float() / 255
    torch.testing.assert_close(again(given), encoder(given))


def test_it_refuses_another_generator(generator, trained, tmp_path):
    save_encoder(trained[0], generator, tmp_path)
    torch.manual_seed(1)
    with pytest.raises(CheckpointError, match="another generator"):
        load_encoder(Generator(SIZE), tmp_path)


def test_damaged_and_missing_files_are_named(generator, tmp_path):
    with pytest.raises(CheckpointError, match=FILE):
        load_encoder(generator, tmp_path)
    torch.save({"weights": {}}, tmp_path / FILE)
    with pytest.raises(CheckpointError, match="does not hold an encoder"):
        load_encoder(generator, tmp_path)


def test_what_does_not_fit_is_refused(generator, films):
    with pytest.raises(ValueError, match="resize"):
        train_encoder(generator, films[:, :, :8, :8])
    with pytest.raises(ValueError, match="two films"):
        train_encoder(generator, films[:1])
    with pytest.raises(ValueError, match="resolution"):
        LatentEncoder(20, 8)
