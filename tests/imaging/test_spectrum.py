"""The tube model agrees with SpekPy where it was fitted, and behaves where it was not."""

import numpy as np
import pytest

from course_lib.imaging.spectrum import (
    ENERGIES_KEV,
    Spectrum,
    air_kerma,
    half_value_layer,
    mean_energy,
    tube_spectrum,
)

MAMMOGRAPHY_FILTERS = {("Mo", "Mo"): 0.03, ("Mo", "Rh"): 0.025, ("Rh", "Rh"): 0.025}


def peer(kvp, angle, target="W", filters=(("Al", 2.5),)):
    """The same tube in SpekPy, as a Spectrum on our energies (photons per mm2 and keV)."""
    spekpy = pytest.importorskip("spekpy", reason="the peer program SpekPy is not installed")
    tube = spekpy.Spek(kvp=kvp, th=angle, dk=0.5, mas=1, z=100, targ=target)
    for metal, thickness in filters:
        tube.filter(metal, thickness)
    energies, per_cm2 = tube.get_spectrum()
    fluence = np.zeros_like(ENERGIES_KEV)
    fluence[np.searchsorted(ENERGIES_KEV, energies - 0.01)] = per_cm2 / 100
    return tube, Spectrum(ENERGIES_KEV, fluence)


def total_variation(one, other):
    """Half the summed difference of two spectra of equal area: 0 the same, 1 disjoint."""
    return 0.5 * np.abs(one / one.sum() - other / other.sum()).sum()


@pytest.mark.parametrize("angle", [8, 12, 16])
@pytest.mark.parametrize("kvp", [60, 80, 100, 120, 140])
def test_tungsten_tube_agrees_with_spekpy(kvp, angle):
    ours = tube_spectrum(kvp, anode_angle_deg=angle)
    tube, theirs = peer(kvp, angle)
    assert half_value_layer(ours) == pytest.approx(tube.get_hvl1(), rel=0.04)
    assert mean_energy(ours) == pytest.approx(tube.get_emean(), rel=0.03)
    assert 1000 * air_kerma(ours) == pytest.approx(tube.get_kerma(), rel=0.12)
    assert total_variation(ours.fluence, theirs.fluence) < 0.045


@pytest.mark.parametrize(("target", "metal"), MAMMOGRAPHY_FILTERS)
def test_mammography_tubes_agree_with_spekpy(target, metal):
    thickness = MAMMOGRAPHY_FILTERS[target, metal]
    ours = tube_spectrum(28, filtration_mm_al=0, anode_angle_deg=20, target=target)
    ours = ours.filtered(metal, thickness)
    tube, theirs = peer(28, 20, target, ((metal, thickness),))
    assert half_value_layer(ours) == pytest.approx(tube.get_hvl1(), rel=0.05)
    assert 1000 * air_kerma(ours) == pytest.approx(tube.get_kerma(), rel=0.08)
    assert total_variation(ours.fluence, theirs.fluence) < 0.05


def test_air_kerma_and_hvl_of_one_and_the_same_spectrum_agree_with_spekpy():
    tube, theirs = peer(100, 12)
    assert 1000 * air_kerma(theirs) == pytest.approx(tube.get_kerma(), rel=0.03)
    assert half_value_layer(theirs) == pytest.approx(tube.get_hvl1(), rel=0.01)


def test_heel_effect_weakens_and_hardens_the_anode_side():
    anode, centre, cathode = (tube_spectrum(100, off_axis_deg=angle) for angle in (8, 0, -8))
    assert air_kerma(anode) < 0.9 * air_kerma(centre) < 0.9 * air_kerma(cathode)
    assert half_value_layer(anode) > half_value_layer(centre) > half_value_layer(cathode)


def test_photons_never_have_more_energy_than_the_tube_voltage():
    spectrum = tube_spectrum(75.3)
    assert spectrum.fluence[spectrum.energies_kev > 75.3].max() == 0
    assert spectrum.fluence.min() >= 0


def test_tungsten_lines_appear_only_above_the_k_edge():
    def line_height(kvp):
        fluence = tube_spectrum(kvp).fluence
        at = np.searchsorted(ENERGIES_KEV, 59.25)
        return fluence[at] / fluence[at - 6]

    assert line_height(69) < 1
    assert line_height(100) > 2


def test_dose_is_proportional_to_mas_and_falls_with_distance_squared():
    one, four = tube_spectrum(80, mas=1), tube_spectrum(80, mas=4)
    assert air_kerma(four) == pytest.approx(4 * air_kerma(one))
    assert air_kerma(four.at_distance(2000)) == pytest.approx(air_kerma(one))
    assert four.photons_per_mm2 == pytest.approx(4 * one.photons_per_mm2)


def test_filter_hardens_and_hvl_halves():
    soft, hard = tube_spectrum(80), tube_spectrum(80, filtration_mm_al=5)
    assert mean_energy(hard) > mean_energy(soft)
    halved = soft.filtered("aluminium", half_value_layer(soft))
    assert air_kerma(halved) == pytest.approx(air_kerma(soft) / 2)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kvp": 200}, "kvp must lie"),
        ({"kvp": float("nan")}, "kvp must lie"),
        ({"kvp": 80, "mas": 0}, "mas must be positive"),
        ({"kvp": 80, "filtration_mm_al": -1}, "cannot be -1 mm thick"),
        ({"kvp": 80, "target": "Cu"}, "Unknown target"),
        ({"kvp": 80, "anode_angle_deg": 90}, "anode_angle_deg must lie"),
        ({"kvp": 80, "off_axis_deg": 12}, "cannot leave a face"),
    ],
)
def test_impossible_tubes_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        tube_spectrum(**settings)


def test_an_empty_beam_has_no_half_value_layer():
    with pytest.raises(ValueError, match="no photons"):
        half_value_layer(Spectrum(ENERGIES_KEV, np.zeros_like(ENERGIES_KEV)))
