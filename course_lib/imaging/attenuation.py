"""How strongly matter weakens X-rays: tabulated cross-sections turned into attenuation curves.

The numbers are those of Elam, Ravel and Sieber (Radiat. Phys. Chem. 63 (2002) 121), read through
the library xraydb; they agree with NIST XCOM to a few per mille between 10 and 150 keV. A material
attenuates like its elements weighted by mass (the mixture rule); chemistry does not matter here.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import xraydb
from numpy.typing import ArrayLike, NDArray

from course_lib.patient.tissues import TISSUES, Material

Process = Literal["total", "photoelectric", "coherent", "incoherent"]

_XRAYDB_NAME = {
    "total": "total",
    "photoelectric": "photo",
    "coherent": "coh",  # Rayleigh: the photon turns a little and keeps its energy
    "incoherent": "incoh",  # Compton: the photon turns and loses energy
}
LOWEST_KEV, HIGHEST_KEV = 1.0, 800.0


def mass_attenuation(
    material: str | Material, energies_kev: ArrayLike, process: Process = "total"
) -> NDArray[np.float64]:
    """Mass attenuation coefficient mu/rho in cm2/g, in the shape of `energies_kev`.

    `material` is a tissue ("muscle"), an element ("tungsten" or "W"), or a Material.
    ValueError for an unknown material or process, or an energy outside 1-800 keV.
    """
    if process not in _XRAYDB_NAME:
        raise ValueError(f"Unknown process {process!r}; choose one of: {', '.join(_XRAYDB_NAME)}.")
    energies = np.asarray(energies_kev, dtype=np.float64)
    if not np.all((energies >= LOWEST_KEV) & (energies <= HIGHEST_KEV)):
        raise ValueError(f"Energies must lie in {LOWEST_KEV:g}-{HIGHEST_KEV:g} keV (not in eV).")
    mixture = find_material(material).mass_fractions
    curves = (
        share * _element_curve(symbol, process, energies.tobytes())
        for symbol, share in mixture.items()
    )
    return sum(curves, np.zeros(energies.size)).reshape(energies.shape)


def linear_attenuation(
    material: str | Material, energies_kev: ArrayLike, process: Process = "total"
) -> NDArray[np.float64]:
    """Linear attenuation coefficient mu in 1/mm, in the shape of `energies_kev`.

    Same arguments and errors as `mass_attenuation`; mu = density * (mu/rho), and 1/cm = 0.1/mm.
    """
    density = find_material(material).density
    return 0.1 * density * mass_attenuation(material, energies_kev, process)


def find_material(material: str | Material) -> Material:
    """A Material from itself, a tissue's name, or an element's name or symbol (solid density)."""
    if isinstance(material, Material):
        return material
    if material in TISSUES:
        return TISSUES[material]
    return _element(material)


def electrons_per_gram(material: str | Material) -> float:
    """Electrons in one gram (1/g): Avogadro's number times the mass-weighted Z/A."""
    avogadro = 6.02214076e23
    shares = find_material(material).mass_fractions
    return avogadro * sum(
        share * xraydb.atomic_number(symbol) / xraydb.atomic_mass(symbol)
        for symbol, share in shares.items()
    )


@lru_cache
def _element(name: str) -> Material:
    """A pure element as a Material, by symbol or by English name on either side of the Atlantic."""
    british = {"aluminium": "aluminum", "caesium": "cesium"}
    try:
        symbol = xraydb.atomic_symbol(xraydb.atomic_number(british.get(name, name)))
    except ValueError:
        known = ", ".join(TISSUES)
        raise ValueError(
            f"{name!r} is neither an element nor a tissue; the tissues are: {known}."
        ) from None
    return Material(name, xraydb.atomic_density(symbol), {symbol: 1.0}, "element, xraydb")


@lru_cache(maxsize=1024)
def _element_curve(symbol: str, process: Process, energies: bytes) -> NDArray[np.float64]:
    """One element's mu/rho in cm2/g on the packed energies; kept, because look-up is slow."""
    energies_ev = 1000.0 * np.frombuffer(energies, dtype=np.float64)
    curve = xraydb.mu_elam(symbol, energies_ev, kind=_XRAYDB_NAME[process])
    curve.setflags(write=False)
    return curve
