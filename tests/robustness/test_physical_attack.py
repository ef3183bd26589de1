"""Platelets on a patient: they are imaged like any other solid, and a design beats chance."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.imaging.projection import path_lengths
from course_lib.imaging.radiography import CHEST_PA
from course_lib.patient.person import sample_patient
from course_lib.robustness.physical import (
    RADIUS_MM,
    Sheet,
    design_sheet,
    film_of,
    film_with,
    footprints,
    rays_of,
    wearing,
)
from course_lib.robustness.physical_record import patients_without


@pytest.fixture(name="patient", scope="module")
def a_patient():
    return sample_patient(5)


def some_sheet(seed: int = 0, thickest: float = 1.0) -> Sheet:
    return Sheet(np.random.default_rng(seed).uniform(0, thickest, (5, 4)))


def test_mass_is_volume_times_density():
    sheet = Sheet(np.full((2, 3), 0.5))
    expected = 6 * np.pi * RADIUS_MM**2 * 0.5 * 8.96 / 1000
    assert sheet.mass_g == pytest.approx(expected, rel=0.01)


def test_shuffling_keeps_every_platelet_and_the_mass():
    sheet = some_sheet()
    mixed = sheet.shuffled(1)
    assert mixed.mass_g == pytest.approx(sheet.mass_g)
    assert sorted(mixed.thickness_mm.ravel()) == sorted(sheet.thickness_mm.ravel())
    assert not np.array_equal(mixed.thickness_mm, sheet.thickness_mm)


def test_footprints_are_what_the_simulator_finds_for_the_dressed_patient(patient):
    sheet = some_sheet()
    exact = path_lengths(wearing(patient, sheet, (4.0, -3.0)), size=64).lengths["copper"]
    (rays,) = rays_of([patient])
    summed = np.tensordot(sheet.thickness_mm.ravel(), footprints(rays, (5, 4), (4.0, -3.0)), 1)
    assert exact.max() > 0.5
    # A ray that meets a platelet's rim enters through its side: thick and thin differ a little.
    np.testing.assert_allclose(summed, exact, atol=0.1)
    assert np.abs(summed - exact).mean() < 1e-3 * exact.max()


def test_metal_makes_its_pixels_brighter_and_a_sheet_of_nothing_changes_nothing(patient):
    (rays,) = rays_of([patient])
    prints, quiet = footprints(rays, (5, 4)), Sheet(np.zeros((5, 4)))
    bare = film_of(rays, 1)
    np.testing.assert_array_equal(film_with(rays, prints, quiet, 1, CHEST_PA), bare)
    thick = film_with(rays, prints, Sheet(np.full((5, 4), 0.5)), 1, CHEST_PA)
    under = prints.sum(0) > 0.9
    assert under.sum() > 20 and (thick - bare)[under].mean() > 0.02


def test_noise_is_fresh_and_the_film_is_one_for_the_classifier(patient):
    film, other = film_of(patient, 1), film_of(patient, 2)
    assert (
        film.shape == (64, 64) and film.dtype == np.float32 and 0 <= film.min() <= film.max() <= 1
    )
    assert not np.array_equal(film, other) and np.array_equal(film, film_of(patient, 1))


def test_a_design_raises_what_it_was_designed_for_more_than_its_shuffled_twin(patient):
    """A reader that compares left with right: metal has to gather on one side."""

    class Sides(nn.Module):
        def forward(self, films):
            side = films[..., 32:].mean((1, 2, 3)) - films[..., :32].mean((1, 2, 3))
            return 20 * torch.stack([-side, side], 1)

    rays = rays_of([patient])
    sheet, losses = design_sheet(
        Sides(), rays, target=1, shape=(5, 4), thickest_mm=1.0, steps=12, films_per_step=1, seed=2
    )
    assert losses[-1] < losses[0]
    assert sheet.thickness_mm[:, 2:].mean() > 2 * sheet.thickness_mm[:, :2].mean()
    assert sheet.thickness_mm.max() <= 1.0


def test_patients_of_the_test_have_not_the_target_and_at_most_one_finding():
    people = patients_without("pneumothorax", 12, 3)
    assert len(people) == 12
    assert all(len(one.labels) <= 1 and "pneumothorax" not in one.labels for one in people)


def test_impossible_sheets_and_targets_are_refused(patient):
    with pytest.raises(ValueError, match="table"):
        Sheet(np.zeros(3))
    with pytest.raises(ValueError, match="0 or more"):
        Sheet(np.array([[0.1, -0.1]]))
    with pytest.raises(ValueError, match="neither an element"):
        Sheet(np.zeros((2, 2)), "kryptonite")
    model = nn.Sequential(nn.Flatten(), nn.Linear(4096, 2))
    with pytest.raises(ValueError, match="classes 0 to 1"):
        design_sheet(model, rays_of([patient]), 7, (2, 2), steps=1, films_per_step=1)
    with pytest.raises(ValueError, match="no finding"):
        patients_without("boredom", 2, 0)
