"""Attenuation coefficients agree with NIST, add up, and refuse nonsense."""

import numpy as np
import pytest

from course_lib.imaging.attenuation import (
    electrons_per_gram,
    find_material,
    linear_attenuation,
    mass_attenuation,
)
from course_lib.patient.tissues import TISSUES, Material, tissue

# mu/rho in cm2/g, NIST XCOM / NISTIR 5632 tables 3 and 4: 20, 60 and 150 keV.
NIST = {
    "water": (0.8096, 0.2059, 0.1505),
    "air": (0.7779, 0.1875, 0.1356),
    "bone_cortical": (4.001, 0.3148, 0.1480),
    "muscle": (0.8205, 0.2048, 0.1492),
    "fat": (0.5677, 0.1974, 0.1500),
    "aluminium": (3.441, 0.2778, 0.1378),
    "lead": (86.36, 5.021, 2.014),
    "tungsten": (65.73, 3.713, 1.581),
    "iodine": (25.43, 7.579, 0.6978),
}


@pytest.mark.parametrize("name", NIST)
def test_mass_attenuation_agrees_with_nist(name):
    assert mass_attenuation(name, [20, 60, 150]) == pytest.approx(NIST[name], rel=0.01)


@pytest.mark.parametrize("name", ["water", "aluminium", "iodine", "lead"])
def test_elements_and_water_agree_to_a_thousandth(name):
    assert mass_attenuation(name, [20, 60, 150]) == pytest.approx(NIST[name], rel=0.001)


def test_processes_add_up_to_the_total():
    energies = np.linspace(10, 150, 57)
    parts = sum(
        mass_attenuation("bone_cortical", energies, process)
        for process in ("photoelectric", "coherent", "incoherent")
    )
    np.testing.assert_allclose(parts, mass_attenuation("bone_cortical", energies), rtol=1e-6)


def test_linear_attenuation_is_per_mm_and_follows_density():
    assert linear_attenuation("water", 60.0) == pytest.approx(0.02059, rel=0.01)
    solid, inflated = (
        Material("x", density, tissue("lung").mass_fractions, "test") for density in (1.05, 0.26)
    )
    ratio = linear_attenuation(solid, 60.0) / linear_attenuation(inflated, 60.0)
    assert ratio == pytest.approx(1.05 / 0.26)


def test_shape_of_the_energies_is_kept():
    assert linear_attenuation("fat", 40.0).shape == ()
    assert linear_attenuation("fat", np.full((2, 3), 40.0)).shape == (2, 3)


def test_the_k_edge_of_iodine_is_where_it_belongs():
    below, above = mass_attenuation("iodine", [33.0, 33.4])
    assert above > 5 * below


def test_elements_by_symbol_and_name_in_either_spelling():
    assert find_material("Al").mass_fractions == find_material("aluminium").mass_fractions
    assert mass_attenuation("tungsten", 60.0) == mass_attenuation("W", 60.0)


def test_water_has_more_electrons_per_gram_than_bone():
    assert electrons_per_gram("water") == pytest.approx(3.343e23, rel=1e-3)
    assert electrons_per_gram("bone_cortical") < electrons_per_gram("water")


@pytest.mark.parametrize("material", TISSUES.values(), ids=lambda material: material.name)
def test_every_tissue_is_a_whole(material):
    assert sum(material.mass_fractions.values()) == pytest.approx(1)
    assert material.density > 0 and material.source


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mass_attenuation("unobtainium", 60), "neither an element nor a tissue"),
        (lambda: mass_attenuation("water", 60, "magic"), "Unknown process"),
        (lambda: mass_attenuation("water", 60_000), "not in eV"),
        (lambda: mass_attenuation("water", np.nan), "1-800 keV"),
        (lambda: tissue("tungsten"), "There is no tissue called"),
    ],
)
def test_errors_say_what_to_do(call, says):
    with pytest.raises(ValueError, match=says):
        call()
