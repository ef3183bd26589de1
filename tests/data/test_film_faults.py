"""Faulty films: each fault is what its name says, on the same patient."""

import numpy as np
import pytest

from course_lib.data.film_faults import FAULTS, faulty_films


@pytest.fixture(scope="module")
def sheet():
    return faulty_films(range(20, 26), size=48)


def of(sheet, fault):
    return sheet.pictures[sheet.faults == list(FAULTS).index(fault)]


def test_every_patient_has_every_fault_once(sheet):
    assert len(sheet.pictures) == 6 * len(FAULTS)
    assert (np.bincount(sheet.faults) == 6).all()
    assert sheet.pictures.min() >= 0 and sheet.pictures.max() <= 1


def test_cut_off_films_show_less_of_the_lungs_than_good_ones(sheet):
    cut = sheet.lungs_shown[sheet.faults == list(FAULTS).index("cut off")]
    rest = sheet.lungs_shown[sheet.faults != list(FAULTS).index("cut off")]
    assert cut.max() < 0.96 and rest.min() > 0.85 and np.median(rest) > 0.98
    assert cut.mean() < rest.mean() - 0.1


def test_simple_faults_undo(sheet):
    good, inverted = of(sheet, "none"), of(sheet, "inverted")
    assert good.mean() != pytest.approx(inverted.mean())
    assert 1 - inverted.mean() == pytest.approx(good.mean(), abs=0.05)  # windows differ by a pixel
    assert of(sheet, "mirrored").mean() == pytest.approx(good.mean(), abs=0.05)


def test_the_heart_lies_on_the_other_side_of_a_mirrored_film(sheet):
    def left_minus_right(films):
        rows = films[:, 24:36]
        return (rows[..., 26:34] - rows[..., 14:22]).mean()

    assert left_minus_right(of(sheet, "none")) > 0 > left_minus_right(of(sheet, "mirrored"))


def test_movement_blurs_up_and_down_and_a_necklace_adds_metal(sheet):
    def vertical(films):
        return np.abs(np.diff(films, axis=1)).mean()

    assert vertical(of(sheet, "moved")) < vertical(of(sheet, "none"))
    assert of(sheet, "necklace")[:, :16].std() > of(sheet, "none")[:, :16].std()


def test_same_seeds_same_films(sheet):
    again = faulty_films([22], size=48)
    assert np.array_equal(again.pictures, sheet.pictures[sheet.seeds == 22])
