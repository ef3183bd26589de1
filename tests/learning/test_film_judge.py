"""The film judge: what it accepts, what it says of real films, and the command that made it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.data.film_inputs import chest_contrast
from course_lib.data.gan_films import film_stack, gan_cohort, truth_of
from course_lib.data.preprocess import pad_to_square, resize
from course_lib.data.virtual import VirtualChest
from course_lib.evaluation.film_judge_results import film_judge_table
from course_lib.evaluation.roc import auc
from course_lib.learning.checkpoint import CheckpointError
from course_lib.learning.film_judge import (
    OUTPUTS,
    SHIPPED,
    load_film_judge,
    ready_films,
    save_film_judge,
)
from course_lib.learning.film_judge_training import PLAN, JudgedFilms, run
from course_lib.models.counting import count_parameters


@pytest.fixture(scope="module")
def judge():
    return load_film_judge()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def sixty(cache):
    """Sixty films that neither judge nor generator knows, and their truth."""
    usual = {"findings": OUTPUTS[:5], "severity": (2.5, 1.5), "folder": cache, "workers": 1}
    cohort = VirtualChest(60, 5200, 64, prevalence=dict.fromkeys(OUTPUTS[:5], 0.2), **usual)
    return film_stack(cohort).float() / 255, truth_of(cohort)


def test_shipped_judge_is_small_and_recognises_new_patients(judge, sixty):
    films, truth = sixty
    assert (SHIPPED / "film_judge.pt").stat().st_size < 1_500_000
    assert count_parameters(judge.model) < 300_000
    likelihood = judge.likelihood(films)
    assert likelihood.shape == (60, 6) and likelihood.dtype == np.float32
    for k in (3, 4, 5):  # effusion, pneumothorax, normal
        assert auc(truth[:, k], likelihood[:, k]) > 0.95


def test_features_lead_to_the_likelihood(judge, sixty):
    films, _ = sixty
    last = judge.model.classifier
    logits = judge.features(films) @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    assert np.allclose(1 / (1 + np.exp(-logits)), judge.likelihood(films), atol=1e-5)
    assert np.allclose(judge.features(films[:1]), judge.features(films)[:1], atol=1e-5)


def test_model_can_be_differentiated(judge, sixty):
    film = sixty[0][:1].clone().requires_grad_()
    judge.model(film)[0, 3].backward()
    assert film.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x * 255, "Divide by 255"),
        (lambda x: x * 2 - 1, "to_grey"),
        (lambda x: 1 - x, "inverted"),
        (lambda x: x[:, :, ::2, ::2], "shape"),
        (lambda x: x[:0], "shape"),
        (lambda x: x[0], "shape"),
        (lambda x: x.clone().index_fill_(0, torch.tensor([2]), float("nan")), "NaN"),
    ],
)
def test_other_films_are_refused_with_a_reason(judge, sixty, change, message):
    with pytest.raises(ValueError, match=message):
        judge.likelihood(change(sixty[0][:5]))


def test_one_inverted_film_among_many_is_named(sixty):
    films = sixty[0].clone()
    films[7] = 1 - films[7]
    with pytest.raises(ValueError, match="1 of 60 .* number 7"):
        ready_films(films)


def test_films_without_contrast_and_of_noise_are_not_called_inverted():
    noise = torch.rand(50, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    for films in (torch.zeros(1, 1, 64, 64), noise):
        assert torch.equal(ready_films(films), films)


def test_two_of_the_real_films_are_inverted(real_data):
    places = sorted((real_data / "nih" / "images_256").glob("*.png"))
    pixels = [np.asarray(Image.open(place).convert("L"), np.float32) / 255 for place in places]
    small = np.stack([resize(pad_to_square(image), 64) for image in pixels])
    contrast = chest_contrast(torch.from_numpy(small)[:, None])
    inverted = {place.stem for place, c in zip(places, contrast, strict=True) if c < -0.1}
    assert inverted == {"00017999_000", "00017625_000"}


def test_shift_moves_films_and_depends_on_seed_and_epoch_only():
    films = torch.arange(2 * 64 * 64).reshape(2, 1, 64, 64) % 251
    films = films.to(torch.uint8)
    moved = JudgedFilms(films, np.zeros((2, 6)), shift=3, seed=1)
    first = moved[0]["image"]
    moved.set_epoch(1)
    assert not torch.equal(first, moved[0]["image"])
    moved.set_epoch(0)
    assert torch.equal(first, moved[0]["image"])
    assert torch.equal(JudgedFilms(films, np.zeros((2, 6)))[1]["image"], films[1].float() / 255)
    with pytest.raises(ValueError, match="belong together"):
        JudgedFilms(films, np.zeros((3, 6)))


def test_command_leaves_a_judge_its_log_and_scores(tmp_path, cache):
    plan = replace(PLAN, epochs=1, batch_size=16)
    made = run(tmp_path, 200, plan, folder=cache, workers=1)
    films = film_stack(gan_cohort("study", 200, folder=cache, workers=1)).float() / 255
    again = load_film_judge(tmp_path)
    assert np.allclose(made.likelihood(films), again.likelihood(films), atol=1e-5)
    table = film_judge_table(tmp_path)
    assert (table["with"] + table["without"] == 40).all()  # a fifth of them


def test_shipped_table_is_the_card(judge):
    table = film_judge_table()
    assert tuple(table.index) == judge.findings == OUTPUTS
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for name, row in table.iterrows():
        line = next(x for x in card.splitlines() if x.startswith(f"| {name.replace('_', ' ')} |"))
        assert f"| {row['with']:.0f} | {row['auc']:.3f} (" in line
        assert f"| {row['sensitivity']:.2f} (" in line and f"| {row['specificity']:.3f} |" in line


def test_damaged_or_foreign_files_are_refused(judge, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_film_judge(tmp_path)
    torch.save({"model": {}, "findings": []}, save_film_judge(judge, tmp_path))
    with pytest.raises(CheckpointError, match="does not hold a film judge"):
        load_film_judge(tmp_path)
