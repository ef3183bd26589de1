"""The dial: the same bits as the film archive makes, the same patients on every machine."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from course_lib.data.gan_films import DISEASES, film_stack, truth_of
from course_lib.data.virtual import VirtualChest
from course_lib.imaging.radiography import CHEST_PA, Technique
from course_lib.imaging.scanners import SCANNERS
from course_lib.learning.film_classifier import one_finding_only
from course_lib.patient.cohort import SEVERITY
from course_lib.robustness.shift_films import CHANGES, EVEN, blended, dialled, lettered, meet


@pytest.fixture(scope="module")
def patients():
    return meet(8, 6190)


@pytest.mark.parametrize("scanner", ["C", "portable"])
def test_films_have_the_bits_of_the_film_archive(tmp_path, scanner):
    archive = VirtualChest(
        6, 6190, 64, DISEASES, prevalence=EVEN, severity=SEVERITY, scanner=scanner, folder=tmp_path
    )
    kept, classes = one_finding_only(truth_of(archive))
    met = meet(6, 6190, scanner=scanner)
    made = met.films(SCANNERS[scanner].technique)
    assert (met.classes == classes).all()
    assert torch.equal((made * 255).round().to(torch.uint8), film_stack(archive)[kept])


def test_same_seed_same_bits_and_same_patients_everywhere(patients):
    again = meet(8, 6190)
    assert torch.equal(patients.films(), again.films())
    assert not torch.equal(patients.films(), patients.films(dialled("old plates")))
    some = patients.some([2, 0])
    assert torch.equal(some.films(), patients.films()[[2, 0]])
    mask = patients.classes == patients.classes[0]
    assert len(patients.some(mask)) == mask.sum()


def test_the_dial_ends_at_both_machines_and_is_between_in_between():
    for name, scanner in CHANGES.items():
        assert dialled(name, 0) == CHEST_PA
        end = dialled(name, 1)
        for field in fields(Technique):
            assert getattr(end, field.name) == pytest.approx(getattr(scanner.technique, field.name))
    half = blended(Technique(kvp=80, detail=0.0), Technique(kvp=125, detail=1.0), 0.5)
    assert half.kvp == pytest.approx(100) and half.detail == pytest.approx(0.5)
    assert dialled("grid forgotten", 0.5).grid and not dialled("grid forgotten", 0.51).grid


def test_a_letter_changes_one_corner_only(patients):
    films = patients.films()
    changed = (lettered(films) != films).nonzero()
    assert len(changed) and changed[:, 2:].max() < 16


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: dialled("coffee"), "There is no change"),
        (lambda p: dialled("low dose", 1.2), "from 0 to 1"),
        (lambda p: p.films(SCANNERS["portable"].technique), "1100 mm"),
        (lambda p: p.some([]).films(), "no patient"),
        (lambda p: meet(0, 1), "At least one patient"),
        (lambda p: meet(1, 1, scanner="X"), "There is no scanner"),
        (lambda p: lettered(p.films()[0]), "shape"),
    ],
)
def test_mistakes_are_named(patients, call, words):
    with pytest.raises(ValueError, match=words):
        call(patients)


def test_films_are_grey_values_in_steps(patients):
    films = patients.films(dialled("new software", 0.3))
    assert films.dtype == torch.float32 and films.shape[1:] == (1, 64, 64)
    assert np.allclose(films * 255, (films * 255).round(), atol=1e-4)
