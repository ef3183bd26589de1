"""The film classifier chooses one answer of six, for any picture of the right shape."""

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.data.gan_films import DISEASES
from course_lib.learning.checkpoint import CheckpointError
from course_lib.learning.film_classifier import (
    CLASSES,
    MEMBERS,
    SHIPPED,
    FilmClassifier,
    load_ensemble,
    load_film_classifier,
    new_film_classifier,
    one_finding_only,
    save_film_classifier,
)
from course_lib.learning.film_classifier_training import ClassifiedFilms


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(1).random((5, 1, 64, 64), dtype=np.float32)


def test_probabilities_sum_to_one_even_for_noise(noise):
    probability = load_film_classifier().probability(noise)
    assert probability.shape == (5, 6)
    np.testing.assert_allclose(probability.sum(1), 1, atol=1e-5)


def test_logits_are_the_last_layer_of_the_features(noise):
    classifier = load_film_classifier()
    features = torch.from_numpy(classifier.features(noise))
    assert features.shape == (5, 90)
    with torch.no_grad():
        logits = classifier.model.classifier(features)
    np.testing.assert_allclose(logits.numpy(), classifier.logits(noise), atol=1e-4)


def test_dropout_is_asleep_until_it_is_asked_for(noise):
    classifier = load_film_classifier()
    np.testing.assert_array_equal(classifier.logits(noise), classifier.logits(noise))
    classifier.model.train()
    assert not np.array_equal(classifier.logits(noise), classifier.logits(noise))


def test_members_differ_and_all_know_their_films(noise):
    logits = [member.logits(noise) for member in load_ensemble()]
    assert len(logits) == len(MEMBERS)
    assert all(np.abs(logits[0] - other).max() > 0.1 for other in logits[1:])


def test_the_recorded_logits_are_right_in_nine_of_ten():
    table = pd.read_csv(SHIPPED / "test_logits.csv")
    for _, rows in table.groupby("member"):
        right = rows[list(CLASSES)].to_numpy().argmax(1) == rows.truth
        assert right.mean() > 0.9


def test_inverted_films_pass_and_other_nonsense_is_refused(noise):
    classifier = load_film_classifier()
    classifier.logits(1 - noise)
    with pytest.raises(ValueError, match="shape"):
        classifier.logits(noise[:, :, :32])
    with pytest.raises(ValueError, match="0..1"):
        classifier.logits(noise * 255)
    with pytest.raises(ValueError, match="NaN"):
        classifier.logits(noise * np.nan)


def test_saved_and_loaded_again_it_says_the_same(tmp_path, noise):
    classifier = FilmClassifier(new_film_classifier(3).eval())
    save_film_classifier(classifier, tmp_path / "member_0.pt")
    again = load_film_classifier(0, tmp_path)
    np.testing.assert_allclose(again.logits(noise), classifier.logits(noise), atol=0.02)


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="member_7"):
        load_film_classifier(7)
    torch.save({"classes": ["a"], "model": {"x": torch.zeros(1)}}, tmp_path / "member_0.pt")
    with pytest.raises(CheckpointError, match="film classifier"):
        load_film_classifier(0, tmp_path)


def test_films_with_two_findings_are_left_out():
    truth = np.zeros((4, 6), dtype=bool)
    truth[0, 5] = truth[1, 2] = truth[2, 0] = truth[2, 1] = truth[3, 0] = True
    kept, classes = one_finding_only(truth)
    assert kept.tolist() == [0, 1, 3]
    assert [CLASSES[k] for k in classes] == ["normal", DISEASES[2], DISEASES[0]]


def test_classes_are_numbers_for_the_loss():
    films = torch.zeros(3, 1, 64, 64, dtype=torch.uint8)
    item = ClassifiedFilms(films, np.array([0, 5, 2]))[1]
    assert item["target"].dtype == torch.long and int(item["target"]) == 5
