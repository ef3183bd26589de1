"""The beam and what weakens it, against the peers: SpekPy and the tables of NIST.

    python -m benchmarks.beam

SpekPy is optional (`pip install spekpy`). The NIST figures are mass attenuation coefficients
with coherent scattering in cm2/g (XCOM, NISTIR 5632 tables 3 and 4).
"""

from __future__ import annotations

import numpy as np

from course_lib.imaging.attenuation import mass_attenuation
from course_lib.imaging.spectrum import half_value_layer, mean_energy, tube_spectrum

ENERGIES_KEV = (20, 30, 60, 100, 150)
NIST = {
    "water": (0.8096, 0.3756, 0.2059, 0.1707, 0.1505),
    "aluminium": (3.441, 1.128, 0.2778, 0.1704, 0.1378),
    "calcium": (13.06, 4.080, 0.6578, 0.2571, 0.1674),
    "iodine": (25.43, 8.561, 7.579, 1.942, 0.6978),
    "lead": (86.36, 30.32, 5.021, 5.549, 2.014),
}


def main() -> None:
    """Measure and print."""
    print("mass attenuation, largest difference from NIST's printed four digits")
    for name, table in NIST.items():
        ours = mass_attenuation(name, ENERGIES_KEV)
        print(f"  {name:10} {100 * np.abs(ours / table - 1).max():6.3f} %")
    try:
        import spekpy
    except ImportError:
        print("SpekPy is not installed: no comparison of spectra.")
        return
    print("tungsten, 12 degrees, 2.5 mm Al   half-value layer (mm Al)   mean energy (keV)")
    for kvp in (60, 80, 100, 120, 140):
        ours = tube_spectrum(kvp, anode_angle_deg=12)
        peer = spekpy.Spek(kvp=kvp, th=12, dk=0.5, mas=1, z=100)
        peer.filter("Al", 2.5)
        layer, energy = half_value_layer(ours), mean_energy(ours)
        print(
            f"  {kvp} kV  {layer:.3f} against {peer.get_hvl1():.3f}"
            f" ({100 * (layer / peer.get_hvl1() - 1):+.1f} %)"
            f"   {energy:.1f} against {peer.get_emean():.1f}"
        )


if __name__ == "__main__":
    main()
