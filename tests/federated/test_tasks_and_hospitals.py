"""What federations learn from: every film once, divided for testing, and hospitals that differ."""

import numpy as np
import pytest
import torch

from course_lib.federated.tasks import (
    HOSPITALS,
    Hospital,
    chest_task,
    digits_task,
    hospital_clients,
)
from course_lib.learning.film_classifier import CLASSES


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return {"folder": tmp_path_factory.mktemp("cache"), "workers": 1}


@pytest.fixture(scope="module")
def chest(cache):
    return chest_task(16, n=36, seed=6690, **cache)


def test_digits_are_all_there_once_and_begin_at_mean_zero():
    task = digits_task(0)
    assert len(task.inputs) + len(task.test_inputs) == 1797
    assert task.inputs.shape[1:] == (1, 8, 8) and task.test.cases == len(task.test_targets)
    assert abs(float(task.inputs.mean())) < 1e-6
    assert task.classes[int(task.targets[0])] in "0123456789"


def test_another_seed_divides_digits_otherwise():
    first, again, other = digits_task(0), digits_task(0), digits_task(1)
    assert torch.equal(first.test_targets, again.test_targets)
    assert not torch.equal(first.test_targets, other.test_targets)


def test_chest_films_show_each_class_equally_often(chest):
    both = torch.cat([chest.targets, chest.test_targets])
    assert torch.bincount(both, minlength=6).tolist() == [6] * 6
    assert chest.classes == CLASSES and chest.inputs.shape[1:] == (1, 16, 16)
    assert len(chest.test_inputs) == 9


def test_hospitals_have_their_own_patients_and_keep_a_third_for_testing(cache):
    places = (
        Hospital("lungs", "B", {"pneumothorax": 1.0, "mass": 0.0}, 9),
        Hospital("healthy", "C", {"pneumothorax": 0.0, "mass": 0.0}, 6),
    )
    learn, test = hospital_clients(32, seed=6695, hospitals=places, **cache)
    assert [client.name for client in learn] == ["lungs", "healthy"] == [c.name for c in test]
    assert set(learn[1].targets.tolist()) == {CLASSES.index("normal")}
    assert (learn[1].cases, test[1].cases) == (4, 2)
    # who has another finding besides is left out, so fewer than nine may be left
    assert CLASSES.index("pneumothorax") in learn[0].targets
    assert -0.5 <= float(learn[0].inputs.min()) < float(learn[0].inputs.max()) <= 0.5


def test_the_hospitals_of_the_course_differ_in_machine_patients_and_size():
    assert len({place.name for place in HOSPITALS}) == len(HOSPITALS) == 8
    assert {place.scanner for place in HOSPITALS} == {"A", "B", "C", "portable"}
    assert np.ptp([place.films for place in HOSPITALS]) > 100
    assert all(sum(place.prevalence.values()) < 1 for place in HOSPITALS)
