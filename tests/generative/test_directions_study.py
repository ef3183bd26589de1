"""The reader of the body, the study's parts, and the axes that the course brings."""

import numpy as np
import pytest
import torch

from course_lib.data.gan_films import DISEASES
from course_lib.data.virtual import VirtualChest
from course_lib.generative.directions import Slopes, find_axes, find_logit_axes, single_finding
from course_lib.generative.directions_basis import dual_basis
from course_lib.generative.directions_measure import (
    BODY,
    Measure,
    load_measure,
    new_measure,
    save_measure,
    train_measure,
    true_numbers,
)
from course_lib.generative.directions_shipped import load_steering, steering_table
from course_lib.generative.directions_study import save_axes, variants
from course_lib.generative.directions_walk import likelihood_from
from course_lib.generative.shipped import load_generator
from course_lib.learning.checkpoint import CheckpointError
from course_lib.learning.film_judge import load_film_judge
from course_lib.learning.regression import Scale
from course_lib.models.pggan import Generator, PgganSize


@pytest.fixture(scope="module")
def steering():
    return load_steering()


def untrained_measure():
    torch.manual_seed(0)
    size = len(BODY) + len(DISEASES)
    return Measure(new_measure().eval(), Scale(np.arange(1.0, size + 1), np.full(size, 2.0)))


def test_true_numbers_come_from_the_patient(tmp_path):
    cohort = VirtualChest(
        2, 5290, 64, ["pleural_effusion"], prevalence={"pleural_effusion": 1.0}, folder=tmp_path
    )
    numbers = true_numbers(cohort)
    assert numbers.shape == (2, 8)
    patient = cohort.patient(0)
    assert np.isclose(numbers[0, 2], patient.body.bmi)
    column = len(BODY) + DISEASES.index("pleural_effusion")
    assert np.isclose(numbers[0, column], patient.labels["pleural_effusion"])
    assert (np.delete(numbers[:, 3:], column - 3, axis=1) == 0).all()
    assert ((numbers[:, 0] > 0.3) & (numbers[:, 0] < 0.7)).all()


def test_measure_is_kept_and_read_again(tmp_path):
    measure = untrained_measure()
    films = np.random.default_rng(0).random((3, 1, 64, 64), dtype=np.float32) * 0.2
    films[:, :, 20:, 28:36] += 0.6  # a spine, or the films would be refused as inverted
    save_measure(measure, tmp_path)
    again = load_measure(tmp_path)
    assert again.names == (*BODY, *DISEASES) and np.allclose(again.spread, 2)
    assert np.allclose(again.numbers(films), measure.numbers(films), atol=0.02)  # 16 bits
    assert again.body(films).shape == (3, 3)
    with pytest.raises(ValueError, match="inverted"):
        measure.body(1 - films)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_measure(tmp_path / "nowhere")


def test_measure_learns_what_can_be_seen():
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(60, 8))
    films = np.full((60, 1, 64, 64), 60, np.uint8)
    films += (30 * numbers[:, 0, None, None, None]).clip(-60, 90).astype(np.int16).astype(np.uint8)
    with pytest.raises(ValueError, match="do not fit"):
        train_measure(films, numbers[:-1])
    measure = train_measure(films, numbers, epochs=1)
    assert measure.spread.shape == (3,) and measure.model.training is False


def test_shipped_axes_belong_to_the_shipped_generator(steering):
    for axes in (steering.rule, steering.logit):
        assert axes.names == (*DISEASES, "normal")
        assert np.allclose(np.linalg.norm(axes.direction[axes.found], axis=1), 1)
    z = steering.latents(60)
    again = likelihood_from(load_generator("all"), load_film_judge().model, z)
    assert np.abs(again - steering.likelihood[:60]).mean() < 0.05


def test_axes_of_another_generator_are_refused():
    torch.manual_seed(1)
    other = Generator(PgganSize(64, base=512, most=64))
    with pytest.raises(CheckpointError, match="belong to a generator with the weights"):
        load_steering(other)


def test_missing_or_damaged_files_say_so(tmp_path):
    with pytest.raises(CheckpointError, match="directions_study"):
        load_steering(folder=tmp_path)
    (tmp_path / "axes.npz").write_bytes(b"no numbers")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_steering(folder=tmp_path)
    with pytest.raises(ValueError, match="no table"):
        steering_table("axes")


def test_kept_counts_follow_from_the_kept_likelihoods(steering):
    which = single_finding(steering.likelihood)
    counts = np.bincount(which[which >= 0], minlength=6)
    assert steering.rule.kept.tolist() == counts.tolist()
    assert len(steering.likelihood) == 30_000


def test_shipped_axes_are_found_again(steering):
    names = steering.logit.names
    rule = find_axes(steering.latents(), steering.likelihood, names, repeats=3)
    logit = find_logit_axes(steering.latents(), steering.logits, names, repeats=3)
    for again, kept in ((rule, steering.rule), (logit, steering.logit)):
        both = again.found & kept.found
        cosine = (again.direction * kept.direction).sum(axis=1)[both]
        assert both.sum() >= 3 and (cosine > 0.9999).all()


def test_steady_axes_move_no_other_disease_and_no_body(steering):
    rows = np.array([steering.logit.of(name) for name in steering.steady])
    steady = np.array(list(steering.steady.values()))
    everything = np.vstack([rows, steering.body])
    assert np.allclose(steady, dual_basis(everything)[: len(rows)])
    moved = steady @ everything.T
    assert np.allclose(moved[:, len(rows) :], 0, atol=1e-8)
    assert np.allclose(moved[:, : len(rows)] - np.diag(np.diag(moved)), 0, atol=1e-8)


def test_the_goal_of_the_issue_in_the_recorded_tables():
    """Three of five axes: own likelihood from below 0.1 to 0.8, the body within half a spread."""
    table = steering_table("reached")
    steady = table[table["axes"] == "steady"]
    body = steady[list(BODY)].abs().max(axis=1)
    assert (
        (steady.arrived >= 0.8 * steady.starts) & (steady.before < 0.1) & (body < 0.5)
    ).sum() >= 3
    random = table[table["axes"] == "random"]
    assert random.arrived.sum() < 0.5 * steady.arrived.sum()


def test_study_keeps_what_it_found(tmp_path):
    rng = np.random.default_rng(4)
    z = rng.normal(size=(3000, 10))
    shown = 1 / (1 + np.exp(-12 * (z[:, :5] - 1)))
    likelihood = np.column_stack([shown, (1 - shown).prod(axis=1)])
    names = (*DISEASES, "normal")
    rule = find_axes(z, likelihood, names, repeats=5, least=30)
    logit = find_logit_axes(
        z, np.log(likelihood / (1 - likelihood + 1e-9) + 1e-9), names, repeats=5
    )
    body = Slopes(rng.normal(size=(3, 10)), np.zeros(3))
    sets = variants(rule, logit, body)
    assert set(sets) == {"rule", "logit", "gram_schmidt", "dual", "steady", "random"}
    steady = np.array(list(sets["steady"].values()))
    assert np.allclose(steady @ body.slope.T, 0, atol=1e-9)
    where = dict.fromkeys(DISEASES, np.zeros((64, 64)))
    save_axes(tmp_path / "axes.npz", "key", rule, logit, steady, body, np.ones(3), where)
    with np.load(tmp_path / "axes.npz") as saved:
        assert str(saved["key"]) == "key"
        assert np.allclose(saved["logit_direction"], logit.direction)
