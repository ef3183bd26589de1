"""The X-ray tube: which photons leave it, and how the settings at the console change them.

A model short enough to read. Bremsstrahlung follows Kramers' law (Phil. Mag. 46 (1923) 836) with a
linear correction; it arises at one mean depth below the anode's face, so it must cross some target
metal on its way out (self-absorption; the heel effect is the same thing at another angle). K lines
are added on top, then the filter. Seven numbers (`Target`, `_SHAPE`...) were fitted to the Monte
Carlo based program SpekPy 2.5 between 50 and 150 kV; tests/imaging/test_spectrum.py compares.
Left out: L lines (the filter removes them, except with a tungsten anode in mammography).
"""

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import xraydb
from numpy.typing import NDArray
from scipy.optimize import brentq

from course_lib.imaging.attenuation import linear_attenuation, mass_attenuation

BIN_KEV = 0.5
ENERGIES_KEV: NDArray[np.float64] = np.arange(1.25, 150.0, BIN_KEV)  # the middles of all bins
ENERGIES_KEV.setflags(write=False)
REFERENCE_DISTANCE_MM = 1000.0
LOWEST_KVP, HIGHEST_KVP = 20.0, 150.0

_SHAPE = 0.657  # Kramers' (E0/E - 1) times (1 + _SHAPE * E/E0)
_DEPTH, _DEPTH_POWER = 1.909e-3, 1.415  # mean depth in g/cm2 at 100 kV; grows as kVp ** power
_LINES, _LINES_POWER = 0.1606, 1.301  # K photons grow as (kVp / K edge - 1) ** power


@dataclass(frozen=True)
class Target:
    """An anode metal: photons per mm2, keV, mAs and atomic number at 1 m, and its line strength."""

    symbol: str
    output: float
    line_strength: float


TARGETS = MappingProxyType(
    {
        "W": Target("W", 606.0, 1.0),
        "Mo": Target("Mo", 850.0, 3.3),
        "Rh": Target("Rh", 830.0, 2.6),
    }
)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Photons of one exposure, energy by energy.

    energies_kev (n,): middles of the bins; fluence (n,): photons per mm2 and keV;
    distance_mm: how far from the focal spot they are counted.
    """

    energies_kev: NDArray[np.float64]
    fluence: NDArray[np.float64]
    distance_mm: float = REFERENCE_DISTANCE_MM

    @property
    def photons_per_mm2(self) -> float:
        """All photons together, per mm2."""
        return float(self.fluence.sum() * BIN_KEV)

    def filtered(self, material: str, thickness_mm: float) -> "Spectrum":
        """What is left behind a sheet of `material`; ValueError for a negative thickness."""
        if thickness_mm < 0:
            raise ValueError(f"A filter cannot be {thickness_mm:g} mm thick; use 0 or more.")
        attenuation = linear_attenuation(material, self.energies_kev)
        return replace(self, fluence=self.fluence * np.exp(-attenuation * thickness_mm))

    def at_distance(self, distance_mm: float) -> "Spectrum":
        """The same beam counted elsewhere: inverse square law."""
        if distance_mm <= 0:
            raise ValueError(f"The distance must be positive, not {distance_mm:g} mm.")
        fluence = self.fluence * (self.distance_mm / distance_mm) ** 2
        return Spectrum(self.energies_kev, fluence, distance_mm)


def tube_spectrum(
    kvp: float,
    mas: float = 1.0,
    filtration_mm_al: float = 2.5,
    anode_angle_deg: float = 12.0,
    target: str = "W",
    off_axis_deg: float = 0.0,
) -> Spectrum:
    """The spectrum of an X-ray tube at 1 m from its focal spot.

    kvp: tube voltage, 20-150; mas: tube current times time; filtration_mm_al: total filter, mm of
    aluminium; target: "W", "Mo" or "Rh"; off_axis_deg: direction of the ray, positive towards the
    anode (heel effect). ValueError for settings that no tube has.
    """
    _check_settings(kvp, mas, anode_angle_deg, target, off_axis_deg)
    metal = TARGETS[target]
    path = _path_in_target(kvp, anode_angle_deg, off_axis_deg)
    photons = _bremsstrahlung(kvp, metal, path) + _characteristic_lines(kvp, metal, path)
    scale = mas * metal.output * xraydb.atomic_number(metal.symbol)
    return Spectrum(ENERGIES_KEV, scale * photons).filtered("aluminium", filtration_mm_al)


def _check_settings(
    kvp: float, mas: float, anode_angle_deg: float, target: str, off_axis_deg: float
) -> None:
    if not LOWEST_KVP <= kvp <= HIGHEST_KVP:
        raise ValueError(f"kvp must lie in {LOWEST_KVP:g}-{HIGHEST_KVP:g}, not {kvp:g}.")
    if mas <= 0:
        raise ValueError(f"mas must be positive, not {mas:g}.")
    if target not in TARGETS:
        raise ValueError(f"Unknown target {target!r}; choose one of: {', '.join(TARGETS)}.")
    if not 5 <= anode_angle_deg <= 45:
        raise ValueError(f"anode_angle_deg must lie in 5-45, not {anode_angle_deg:g}.")
    if off_axis_deg >= anode_angle_deg:
        raise ValueError(
            f"A ray {off_axis_deg:g} degrees towards the anode cannot leave a face "
            f"inclined by {anode_angle_deg:g} degrees; choose a smaller off_axis_deg."
        )


def _path_in_target(kvp: float, anode_angle_deg: float, off_axis_deg: float) -> float:
    """Target metal that a ray crosses on its way out, g/cm2.

    Electrons enter at right angles to the central ray; depth is measured along their path.
    """
    depth = _DEPTH * (kvp / 100) ** _DEPTH_POWER
    face, ray = np.radians(anode_angle_deg), np.radians(off_axis_deg)
    return float(depth * np.cos(face) / np.sin(face - ray))


def _bremsstrahlung(kvp: float, metal: Target, path: float) -> NDArray[np.float64]:
    """Kramers' law: no photon has more energy than the electron that made it."""
    share = ENERGIES_KEV / kvp
    produced = np.clip(1 / share - 1, 0, None) * (1 + _SHAPE * share)
    return produced * np.exp(-mass_attenuation(metal.symbol, ENERGIES_KEV) * path)


def _characteristic_lines(kvp: float, metal: Target, path: float) -> NDArray[np.float64]:
    """K lines: there are none until the electrons can knock out a K electron."""
    lines = np.zeros_like(ENERGIES_KEV)
    edge = xraydb.xray_edge(metal.symbol, "K").energy / 1000
    if kvp <= edge:
        return lines
    photons = metal.line_strength * _LINES * edge * (kvp / edge - 1) ** _LINES_POWER
    table = list(xraydb.xray_lines(metal.symbol, "K").values())
    shares = np.array([line.intensity for line in table])
    energies = np.array([line.energy for line in table]) / 1000
    escaping = np.exp(-mass_attenuation(metal.symbol, energies) * path)
    bins = np.floor((energies - 1.0) / BIN_KEV).astype(int)
    np.add.at(lines, bins, photons * shares / shares.sum() * escaping / BIN_KEV)
    return lines


def mean_energy(spectrum: Spectrum) -> float:
    """Mean photon energy in keV."""
    return float(np.average(spectrum.energies_kev, weights=spectrum.fluence))


# Mass energy-absorption coefficient of dry air, cm2/g: Hubbell and Seltzer, NISTIR 5632 (1995),
# table 4; the double entry is the K edge of argon.
# fmt: off
_AIR_KEV = (1, 1.5, 2, 3, 3.2029, 3.2029, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50, 60, 80, 100, 150)
_AIR_CM2_G = (3599, 1188, 526.2, 161.4, 133.0, 146.0, 76.36, 39.31, 22.70, 9.446, 4.742, 1.334,
              0.5389, 0.1537, 0.06833, 0.04098, 0.03041, 0.02407, 0.02325, 0.02496)
# fmt: on
_JOULE_PER_KEV = 1.602176634e-16


def air_kerma(spectrum: Spectrum) -> float:
    """Energy that the beam hands to air at its distance, in mGy; without backscatter."""
    absorption = np.exp(
        np.interp(np.log(spectrum.energies_kev), np.log(_AIR_KEV), np.log(_AIR_CM2_G))
    )
    kev_per_gram = 100 * BIN_KEV * np.sum(spectrum.fluence * spectrum.energies_kev * absorption)
    return float(kev_per_gram * _JOULE_PER_KEV * 1e3 * 1e3)


def half_value_layer(spectrum: Spectrum, material: str = "aluminium") -> float:
    """Thickness of `material` in mm that halves the air kerma (first HVL)."""
    whole = air_kerma(spectrum)
    if whole <= 0:
        raise ValueError("The spectrum holds no photons, so it has no half-value layer.")

    def too_much(thickness_mm: float) -> float:
        return air_kerma(spectrum.filtered(material, thickness_mm)) / whole - 0.5

    return float(brentq(too_much, 0.0, 1000.0))
