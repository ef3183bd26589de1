"""The recorded answers: written and read again, and what damaged files and wrong names say."""

import numpy as np
import pytest
import torch

from course_lib.evaluation.calibration_record import (
    COHORTS,
    Recorded,
    everyday_films,
    load_record,
    record,
    save_record,
)
from course_lib.learning.film_classifier import FilmClassifier, new_film_classifier


def test_everyday_films_show_at_most_one_finding():
    films, classes = everyday_films("C", 12, workers=1)
    more, again = everyday_films("C", 14, workers=1)
    assert films.shape[1:] == (1, 64, 64)
    assert len(films) == len(classes) <= 12
    assert torch.equal(films, more[: len(films)])
    assert np.array_equal(classes, again[: len(classes)])
    with pytest.raises(ValueError, match="choose from validation, test"):
        everyday_films("home")


def test_a_record_survives_its_file(tmp_path):
    members = [FilmClassifier(new_film_classifier(seed).eval()) for seed in (1, 2)]
    made = record(members, 6)
    save_record(made, tmp_path / "r.npz")
    read = load_record(tmp_path / "r.npz")
    assert list(read) == list(COHORTS)
    for name, part in read.items():
        assert np.array_equal(part.classes, made[name].classes)
        assert part.logits == pytest.approx(made[name].logits, abs=0.02)
        assert part.features.shape == (len(part.classes), 90)
    # The patients of the other machines are those of "test".
    assert np.array_equal(read["B"].classes, read["test"].classes)
    assert not np.allclose(read["B"].logits, read["test"].logits, atol=0.02)


def test_the_ensemble_averages_probabilities_not_logits():
    part = Recorded(np.array([0]), np.log([[[0.9, 0.1]], [[0.5, 0.5]]]), np.zeros((0, 90)))
    assert part.probability(1) == pytest.approx(np.array([[0.5, 0.5]]))
    assert part.ensemble() == pytest.approx(np.array([[0.7, 0.3]]))


def test_damaged_records_are_named(tmp_path):
    path = tmp_path / "r.npz"
    with pytest.raises(ValueError, match="make it with python -m"):
        load_record(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no record of logits"):
        load_record(path)
