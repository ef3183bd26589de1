"""Defences: what they do to a film, and that an attacker who knows them gets through."""

import pytest
import torch
from torch import nn

from course_lib.learning.checkpoint import CheckpointError
from course_lib.robustness.attack_networks import load_denoiser, load_table
from course_lib.robustness.attacks import ascend, margin, pgd, predicted
from course_lib.robustness.defences import (
    AdversarialLoss,
    AttackDetector,
    Cleaned,
    bypassed,
    gaussian,
    jpeg,
    median,
    unnoticed,
)


@pytest.fixture(name="films")
def smooth_films():
    """Bright discs at several places on a grey slope."""
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    discs = [((x - 8 - 2 * n) ** 2 + (y - 16) ** 2 < 30).float() for n in range(8)]
    return torch.stack([0.3 + 0.01 * y + 0.2 * disc for disc in discs])[:, None].clamp(0, 1)


@pytest.fixture(name="reader")
def sides_reader():
    """Is the disc left or right? A linear reader, trained by nobody."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(1024, 2, bias=False)).eval()
    side = torch.linspace(-1, 1, 32).expand(32, 32).reshape(-1)
    with torch.no_grad():
        model[1].weight.copy_(torch.stack([-side, side]) - 0.0)
    return model


@pytest.mark.parametrize("denoise", [gaussian, median, jpeg])
def test_denoisers_keep_shape_and_range_and_remove_noise(denoise, films):
    noise = 0.05 * torch.randn(films.shape, generator=torch.Generator().manual_seed(0))
    noisy = (films + noise).clamp(0, 1)
    cleaned = denoise(noisy)
    assert cleaned.shape == films.shape and cleaned.min() >= 0 and cleaned.max() <= 1
    # Away from the discs' edges, where every denoiser blurs.
    flat = (slice(None), slice(None), slice(26, 31))
    assert (cleaned - films)[flat].square().mean() < 0.9 * (noisy - films)[flat].square().mean()


def test_gaussian_and_median_leave_a_uniform_film_alone():
    grey = torch.full((1, 1, 16, 16), 0.4)
    for denoise in (gaussian, median):
        torch.testing.assert_close(denoise(grey), grey)


def test_median_removes_a_single_bright_pixel_and_gaussian_spreads_it():
    dot = torch.zeros(1, 1, 9, 9)
    dot[0, 0, 4, 4] = 1
    assert median(dot).sum() == 0
    assert gaussian(dot).sum() == pytest.approx(1) and gaussian(dot).max() < 0.5


def test_bypassed_gives_the_denoisers_film_and_the_gradient_of_doing_nothing(films):
    there = films.clone().requires_grad_()
    through = bypassed(jpeg)(there)
    torch.testing.assert_close(through.detach(), jpeg(films))
    (gradient,) = torch.autograd.grad((3 * through).sum(), there)
    assert (gradient == 3).all()


def test_an_attack_through_the_denoiser_does_more_harm_than_one_that_ignores_it(films):
    """A reader of fine detail: what it is attacked with is what a blur removes."""
    torch.manual_seed(2)
    reader = nn.Sequential(nn.Flatten(), nn.Linear(1024, 2)).eval()
    cleaned = Cleaned(reader, gaussian)
    truth = predicted(cleaned, films)
    harm = margin(cleaned)
    clean = harm(films, truth).mean()
    ignoring, knowing = (pgd(model, films, truth, 0.02) for model in (reader, cleaned))
    assert harm(knowing, truth).mean() > harm(ignoring, truth).mean() > clean


def test_an_attack_on_both_stays_below_the_detectors_threshold(films):
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 2)
    ).eval()
    torch.manual_seed(4)
    detector = AttackDetector(4).eval()
    truth, eps = predicted(network, films), 0.05
    simple = pgd(network, films, truth, eps, steps=20)
    with torch.no_grad():
        threshold = float(torch.minimum(detector(simple).amin(), detector(films).amax()))
    both = ascend(unnoticed(network, detector, threshold, sure=0.01), films, truth, eps, steps=40)
    misread = margin(network)
    with torch.no_grad():
        found = ((misread(simple, truth) > 0) & (detector(simple) <= threshold)).sum()
        hidden = ((misread(both, truth) > 0) & (detector(both) <= threshold)).sum()
    assert hidden >= found


def test_what_the_attacker_of_both_raises_is_0_when_he_has_both(films, reader):
    truth = predicted(reader, films)
    wrong = 1 - truth
    silent = unnoticed(reader, lambda shown: torch.full((len(shown),), -9.0), 0.0, sure=0.001)
    loud = unnoticed(reader, lambda shown: torch.full((len(shown),), 9.0), 0.0, sure=0.001)
    assert (silent(films, wrong) == 0).all() and (silent(films, truth) < 0).all()
    assert (loud(films, wrong) < -8.9).all()


def test_adversarial_loss_is_higher_than_the_clean_one_and_leaves_the_mode_alone(films, reader):
    batch = {"image": films, "target": predicted(reader, films)}
    losses = [AdversarialLoss(eps, seed=1)(reader.train(), batch).item() for eps in (0, 0.01, 0.02)]
    assert reader.training and losses[0] < losses[1] < losses[2]
    assert AdversarialLoss(0.02, seed=1)(reader.eval(), batch).item() == losses[2]
    assert not reader.training


def test_impossible_settings_and_missing_files_are_named(films, tmp_path):
    with pytest.raises(ValueError, match="above 0"):
        gaussian(films, 0)
    with pytest.raises(ValueError, match="3, 5, 7"):
        median(films, 4)
    with pytest.raises(CheckpointError, match="denoiser"):
        load_denoiser(tmp_path)
    with pytest.raises(CheckpointError, match="no table"):
        load_table("curves", tmp_path)
    torch.save({"weight": torch.zeros(2)}, tmp_path / "denoiser.pt")
    with pytest.raises(CheckpointError, match="another network"):
        load_denoiser(tmp_path)
