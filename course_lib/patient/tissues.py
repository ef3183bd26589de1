"""What the virtual patients are made of: density and elements of every material in the course.

Tissues follow ICRU Report 44 (1989) as tabulated by NIST (Hubbell & Seltzer, NISTIR 5632, table 2);
spongy bone and breast gland follow the report itself; grey matter, white matter and cerebrospinal
fluid are those of Woodard & White (Br J Radiol 1986;59:1209). Lung is ICRU-44 lung tissue with the
air it holds in inspiration: the same elements at 0.26 g/cm3 (ICRP-110 uses 0.38 for quiet
breathing).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Material:
    """A homogeneous material.

    density is in g/cm3; mass_fractions maps an element symbol to its share of the mass (sum 1).
    """

    name: str
    density: float
    mass_fractions: Mapping[str, float]
    source: str


def _material(name: str, density: float, source: str, **parts: float) -> Material:
    """A material from mass parts of any scale; published tables are rounded, so we normalise."""
    whole = sum(parts.values())
    shares = {symbol: part / whole for symbol, part in parts.items()}
    return Material(name, density, MappingProxyType(shares), source)


def _like(material: Material, *names: str) -> tuple[Material, ...]:
    """The same substance under other names: tissues that differ in MR and hardly in X-rays."""
    return tuple(replace(material, name=name) for name in names)


_ICRU = "ICRU-44 (1989), NIST tables"
_WOODARD = "Woodard & White (1986)"

# Mass parts in per cent, element by element, as printed in the tables.
# fmt: off
_GREY = _material("grey_matter", 1.04, _WOODARD + ", grey matter of the brain",
                  H=10.7, C=9.5, N=1.8, O=76.7, Na=0.2, P=0.3, S=0.2, Cl=0.3, K=0.3)
_WHITE = _material("white_matter", 1.04, _WOODARD + ", white matter of the brain",
                   H=10.6, C=19.4, N=2.5, O=66.1, Na=0.2, P=0.4, S=0.2, Cl=0.3, K=0.3)
_BLOOD = _material("blood", 1.06, _ICRU + ", whole blood",
                   H=10.2, C=11.0, N=3.3, O=74.5, Na=0.1, P=0.1, S=0.2, Cl=0.3, K=0.2, Fe=0.1)
_ALL = (
    _material("air", 0.001205, "NIST, dry air at sea level",
              C=0.0124, N=75.5268, O=23.1781, Ar=1.2827),
    _material("water", 1.0, "H2O", H=11.19, O=88.81),
    _material("lung", 0.26, _ICRU + ", density of inflated lung",
              H=10.3, C=10.5, N=3.1, O=74.9, Na=0.2, P=0.2, S=0.3, Cl=0.3, K=0.2),
    _material("fat", 0.95, _ICRU + ", adipose tissue",
              H=11.4, C=59.8, N=0.7, O=27.8, Na=0.1, S=0.1, Cl=0.1),
    _material("soft_tissue", 1.06, _ICRU,
              H=10.2, C=14.3, N=3.4, O=70.8, Na=0.2, P=0.3, S=0.3, Cl=0.2, K=0.3),
    _material("muscle", 1.05, _ICRU + ", skeletal muscle",
              H=10.2, C=14.3, N=3.4, O=71.0, Na=0.1, P=0.2, S=0.3, Cl=0.1, K=0.4),
    *_like(_BLOOD, "blood"),
    _material("liver", 1.06, "ICRU-44 (1989)",
              H=10.2, C=13.9, N=3.0, O=71.6, Na=0.2, P=0.3, S=0.3, Cl=0.2, K=0.3),
    _material("spleen", 1.06, "ICRU-44 (1989)",
              H=10.3, C=11.3, N=3.2, O=74.1, Na=0.1, P=0.3, S=0.2, Cl=0.2, K=0.3),
    _material("kidney", 1.05, "ICRU-44 (1989)",
              H=10.3, C=13.2, N=3.0, O=72.4, Na=0.2, P=0.2, S=0.2, Cl=0.2, K=0.2),
    _material("breast_gland", 1.02, "ICRU-44 (1989), mammary gland",
              H=10.6, C=33.2, N=3.0, O=52.7, Na=0.1, P=0.1, S=0.2, Cl=0.1),
    _material("cartilage", 1.10, "ICRU-44 (1989)",
              H=9.6, C=9.9, N=2.2, O=74.4, Na=0.5, P=2.2, S=0.9, Cl=0.3),
    *_like(_GREY, "grey_matter", "deep_grey", "pallidum", "tumour"),
    *_like(_WHITE, "white_matter", "white_matter_lesion"),
    _material("csf", 1.01, _WOODARD + ", cerebrospinal fluid", H=11.1, O=88.0, Na=0.5, Cl=0.4),
    *_like(_BLOOD, "venous_blood", "microbleed"),
    _material("bone_spongy", 1.18, "ICRU-44 (1989), spongiosa with red and yellow marrow",
              H=8.5, C=40.4, N=2.8, O=36.7, Na=0.1, Mg=0.1, P=3.4, S=0.2, Cl=0.2, K=0.1,
              Ca=7.4, Fe=0.1),
    _material("bone_cortical", 1.92, _ICRU,
              H=3.4, C=15.5, N=4.2, O=43.5, Na=0.1, Mg=0.2, P=10.3, S=0.3, Ca=22.5),
    _material("calcification", 3.16, "hydroxyapatite, Ca5(PO4)3(OH), the pure mineral",
              H=0.20, O=41.41, P=18.50, Ca=39.89),
    _material("contrast_iodine", 1.406, "iohexol in water with 350 mg iodine per ml, undiluted",
              H=6.89, C=14.92, N=2.75, O=50.54, I=24.89),
    _material("titanium", 4.506, "element", Ti=1),
    _material("steel", 8.0, "AISI 316L, nominal",
              Fe=65.5, Cr=17.0, Ni=12.0, Mo=2.5, Mn=2.0, Si=1.0),
    _material("polymer", 1.30, "silicone rubber with 20 % barium sulphate, as radiopaque tubes",
              H=6.52, C=25.92, O=22.75, Si=30.30, S=2.75, Ba=11.77),
    _material("pmma", 1.19, "acrylic glass, C5H8O2, the usual phantom plastic",
              H=8.05, C=59.98, O=31.96),
    _material("cesium_iodide", 4.51, "CsI, the scintillator of flat-panel detectors",
              Cs=51.15, I=48.85),
)
# fmt: on

TISSUES: Mapping[str, Material] = MappingProxyType({material.name: material for material in _ALL})


def tissue(name: str) -> Material:
    """The material called `name`; ValueError when the course does not know it."""
    try:
        return TISSUES[name]
    except KeyError:
        known = ", ".join(TISSUES)
        raise ValueError(f"There is no tissue called {name!r}; choose one of: {known}.") from None
