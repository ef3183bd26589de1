"""The cohorts of the generative lessons: nobody is in two of them, truth and greys are exact."""

import numpy as np
import pytest
import torch

from course_lib.data.gan_films import (
    DISEASES,
    film_stack,
    gan_cohort,
    to_grey,
    to_unit,
    truth_of,
)
from course_lib.data.item import ImageItem, Label


@pytest.fixture
def few(tmp_path):
    return gan_cohort("all", 24, size=32, folder=tmp_path, workers=1)


def item(labels, size=(32, 32)):
    image = np.linspace(0, 1, size[0] * size[1], dtype=np.float32).reshape(size)
    return ImageItem(patient_id="p", labels=labels, image=image)


def test_truth_has_a_last_column_for_normal():
    sick = item({"mass": Label.PRESENT, "pneumothorax": Label.PRESENT})
    well = item(dict.fromkeys(DISEASES, Label.ABSENT))
    assert truth_of([sick, well]).tolist() == [
        [True, False, False, False, True, False],
        [False, False, False, False, False, True],
    ]


def test_the_healthy_cohort_is_healthy(tmp_path):
    healthy = gan_cohort("normal", 12, size=32, folder=tmp_path, workers=1)
    assert truth_of(healthy)[:, -1].all()


def test_no_cohort_shares_patients(few, tmp_path):
    study = gan_cohort("study", 24, size=32, folder=tmp_path, workers=1)
    assert not {r.patient_id for r in few.records} & {r.patient_id for r in study.records}


def test_films_are_stacked_as_they_are(few):
    films = film_stack(few, 32)
    assert films.shape == (24, 1, 32, 32)
    assert films.dtype == torch.uint8
    np.testing.assert_array_equal(films[3, 0].numpy(), np.rint(few[3].image * 255).astype(np.uint8))


def test_other_sizes_are_padded_and_resized():
    assert film_stack([item({}, (40, 30))], 16).shape == (1, 1, 16, 16)


def test_there_and_back_is_the_same_grey():
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert to_unit(grey).min() == -1
    assert to_unit(grey).max() == 1
    torch.testing.assert_close(to_grey(to_unit(grey)) * 255, grey.float())
    assert to_grey(torch.tensor([-3.0, 4.0])).tolist() == [0, 1]


def test_an_unknown_cohort_is_refused():
    with pytest.raises(ValueError, match="all, normal, study"):
        gan_cohort("everyone")
