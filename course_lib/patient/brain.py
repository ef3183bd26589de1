"""The brain: folded cortex round white matter, ventricles, deep nuclei, cerebellum, veins.

A head's axes start between the commissures, in the middle of the brain; lengths are those of an
adult's brain, before the head's own scale. All brain solids stand in the cavity's cerebrospinal
fluid and none overlap, so every one simply takes the place of fluid (or of white matter inside it).
A sulcus is a lens of fluid that the grey matter leaves out; a thicker lens round it is left out by
the white matter, and what remains between the two is cortex that follows the fold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_lib.patient.solids import (
    Array,
    Compound,
    Part,
    Pieces,
    chains,
    cut,
    ellipsoids,
    grow,
    join,
    rotation,
    spline,
)

CORTEX_MM = 3.3
FLUID_MM = 1.5  # between brain and skull
MAIN = ((0.0, 6.0, 13.0), (67.0, 86.0, 64.0))  # centre and semi-axes of the cerebrum
BASE = ((0.0, -0.12, -1.0), (0.0, 0.0, -17.0))  # normal and point of its flat underside


@dataclass(frozen=True)
class Folds:
    """How far a brain has shrunk: half width of sulci in mm, factor of the ventricles' width."""

    sulcus_mm: float
    ventricles: float


def cerebrum(margin: float = 0.0) -> Pieces:
    """Outline of both hemispheres, `margin` mm larger: the envelope of all gyri."""
    centre, semi = MAIN
    normal, point = np.array(BASE[0]), np.array(BASE[1])
    upper = ellipsoids([centre, (25, 26, 19), (-25, 26, 19)], [semi, (42, 60, 48), (42, 60, 48)])
    upper = cut(grow(upper, margin), normal, point - [0, 0, margin])
    temporal = ellipsoids(
        [[sign * 42, -8, -24] for sign in (1, -1)],
        [24, 43, 20],
        [rotation(-8, 0, 6 * sign) for sign in (1, -1)],
    )
    return join(upper, grow(temporal, margin))


def deep_core() -> Pieces:
    """White matter that no sulcus reaches: round the ventricles, corpus callosum, midbrain."""
    return join(
        ellipsoids([0, 2, 8], [37, 47, 21]),
        ellipsoids([[16, 42, 9], [-16, 42, 9]], [16, 30, 13]),
        ellipsoids([[31, 10, -14], [-31, 10, -14]], [9, 32, 11], rotation(-10)),
        ellipsoids([0, 15, -11], [17, 14, 17]),
    )


def sulci(rng: np.random.Generator, half_width: float) -> tuple[Array, Array, Array]:
    """Centres (N, 3), semi-axes (N, 3) and rotations (N, 3, 3) of the lenses of fluid.

    Each sulcus is a wavy row of three lenses along a line on the surface, 16 to 30 mm deep.
    """
    centre, semi = (np.array(values) for values in MAIN)
    rows = [_row(rng, centre, semi, unit) for unit in _spread(rng, 150)]
    for sign in (1, -1):  # and on the temporal lobes
        units = _spread(rng, 34)
        units = units[sign * units[:, 0] > 0.1]
        lobe = np.array([sign * 42.0, -8, -24]), np.array([25.0, 43, 20])
        rows += [_row(rng, *lobe, unit, 0.75) for unit in units]
    places, depths, lengths, turns = (np.concatenate(column) for column in zip(*rows, strict=True))
    width = half_width * rng.uniform(0.75, 1.3, len(depths))
    return places, np.stack([width, lengths, depths], 1), turns


def _spread(rng: np.random.Generator, count: int) -> Array:
    """(N, 3) directions spread evenly (a Fibonacci lattice, shaken), without those at the base."""
    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z**2)
    units = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], 1)
    units += 0.07 * rng.normal(size=units.shape)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    return units[(units[:, 2] > -0.45) & (np.abs(units[:, 0]) > 0.1)]


def _row(
    rng: np.random.Generator, centre: Array, semi: Array, unit: Array, small: float = 1.0
) -> tuple[Array, Array, Array, Array]:
    """Three lenses of one sulcus: places on the ellipsoid, depths, half lengths, rotations."""
    angle = rng.normal(0.0, 0.7) + (0.9 if abs(unit[1]) > 0.75 else 0.0)
    span, bend = 0.17 * small, rng.normal(0.0, 0.35)
    places, turns = [], []
    for step in (-1, 0, 1):
        place, turn = _on_surface(centre, semi, unit, angle + bend * step, span * step)
        places.append(place)
        turns.append(turn)
    depth = rng.uniform(16, 30) * small * np.array([0.85, 1.0, 0.85])
    return np.array(places), depth, np.full(3, 9.5 * small), np.array(turns)


def _on_surface(
    centre: Array, semi: Array, unit: Array, angle: float, along: float
) -> tuple[Array, Array]:
    """A point on the ellipsoid, `along` radians from `unit`, and axes: across, along, inwards."""
    up = np.array([0.0, 0, 1]) if abs(unit[2]) < 0.9 else np.array([0.0, 1, 0])
    east = np.cross(up, unit)
    east /= np.linalg.norm(east)
    way = np.cos(angle) * np.cross(unit, east) + np.sin(angle) * east
    place = np.cos(along) * unit + np.sin(along) * way
    normal = place / semi
    normal /= np.linalg.norm(normal)
    across = np.cross(way, normal)
    across /= np.linalg.norm(across)
    return centre + semi * place, np.stack([across, np.cross(normal, across), normal], 1)


def fissures(half_width: float, lining: float) -> Pieces:
    """Between the hemispheres, and above the temporal lobe with the insula; thicker by `lining`."""
    centre, semi = MAIN
    size = [half_width + 0.3 + lining, semi[1] + 6, semi[2] + 6]
    middle = ellipsoids(centre, size, rotation(0, 1.0, 0.8))
    side, insula = [], []
    for sign in (1, -1):
        turn = rotation(14, -16 * sign, 10 * sign)
        size = [24 + lining, 30 + lining, half_width + 1.0 + lining]
        side.append(ellipsoids([sign * 60, -6, -1], size, turn))
        size = [half_width + 0.4 + lining, 22 + lining, 14 + lining]
        insula.append(ellipsoids([sign * 41, -4, 3], size, rotation(0, 0, -8 * sign)))
    return join(middle, *side, *insula)


def ventricles(width: float) -> Pieces:
    """Lateral, third and fourth ventricles; `width` multiplies their calibre."""
    body, horn = [], []
    for sign in (1, -1):
        line = [[9, -33, 9], [6.5, -16, 18], [9, 8, 21], [20, 30, 15], [23, 44, 8], [20, 56, 7]]
        body.append(spline(np.array(line) * [sign, 1, 1], 12))
        line = [[22, 34, 12], [29, 24, -6], [32, 6, -16], [31, -10, -19]]
        horn.append(spline(np.array(line) * [sign, 1, 1], 7))
    calibre = width * np.interp(np.arange(12), [0, 2, 5, 8, 11], [4.2, 5.2, 4.6, 6.2, 2.2])
    lateral = chains(np.stack(body), calibre, flat=0.85)
    temporal = chains(np.stack(horn), width * np.linspace(4.5, 1.6, 7))
    fronts = ellipsoids([[8.5, -33, 9], [-8.5, -33, 9]], np.array([4.2, 5, 5]) * width)
    third = ellipsoids([0, 2, 0], [1.6 * width, 14, 10])
    fourth = ellipsoids([0, 32, -33], [7 * width, 4.2, 11], rotation(-12))
    aqueduct = chains([[0, 15, -4], [0, 22, -14], [0, 29, -24]], 1.1)
    return join(lateral, temporal, fronts, third, fourth, aqueduct)


def veins(rng: np.random.Generator) -> Pieces:
    """Sinuses under the skull, deep veins, cortical veins, and fine veins of the white matter."""
    centre, semi = (np.array(values) for values in MAIN)
    angle = np.radians(np.linspace(-62, 100, 22))  # over the top, from forehead to occiput
    arch = np.stack([0 * angle, np.sin(angle), np.cos(angle)], 1) * (semi - 2.2) + centre
    sagittal = chains(arch, np.linspace(1.6, 4.0, 22))
    straight = chains([[0, 44, 12], [0, 66, 6], arch[-1]], [2.2, 2.6, 3.0])
    side = [spline([arch[-1], [s * 34, 67, -10], [s * 49, 40, -15]], 9) for s in (1, -1)]
    deep = [[[s * 3, -6, 10], [s * 4, 14, 13], [s * 1, 36, 16], [0, 44, 12]] for s in (1, -1)]
    inner = chains(np.stack([spline(line, 8) for line in deep]), 1.1)
    return join(sagittal, straight, chains(np.stack(side), 3.2), inner, _medullary(rng))


def _medullary(rng: np.random.Generator, count: int = 28) -> Pieces:
    """Fine veins that run from the white matter to the lateral ventricles."""
    side = rng.choice([-1.0, 1.0], (count, 1))
    start = rng.uniform([10, -28, 14], [14, 34, 21], (count, 3))
    end = start + rng.uniform([12, -6, -3], [18, 6, 8], (count, 3))
    mirror = np.concatenate([side, side**2, side**2], 1)
    return chains(np.stack([start * mirror, end * mirror], 1), 0.6)


def nuclei() -> dict[str, tuple[str, Pieces]]:
    """Name -> (tissue, solids) of the grey matter inside: both sides at once."""
    return {
        "thalamus": ("deep_grey", _both([10, 10, 7], [8, 14, 9], rotation(0, 0, -28))),
        "caudate head": ("deep_grey", _both([14, -25, 9], [5.5, 10, 9], rotation(0, 0, -18))),
        "putamen": ("deep_grey", _both([26, -6, 4], [5, 16, 10], rotation(0, 0, -16))),
        "globus pallidus": ("pallidum", _both([19.5, -2, 2], [3.6, 8.5, 6], rotation(0, 0, -26))),
        "red nucleus": ("pallidum", _both([5, 14, -9], [3, 3.4, 4])),
        "substantia nigra": ("pallidum", _both([9.5, 7, -12], [2, 5.5, 4], rotation(0, 0, -42))),
    }


def _both(centre: list[float], semi: list[float], turn: Array | None = None) -> Pieces:
    """An ellipsoid on the left and its mirror image on the right."""
    turn = np.eye(3) if turn is None else turn
    mirror = np.diag([-1.0, 1, 1])
    places = [centre, [-centre[0], *centre[1:]]]
    return ellipsoids(places, semi, [turn, mirror @ turn @ mirror])


def brainstem() -> Pieces:
    """Pons and medulla with the cord down to the neck."""
    cord = spline([[0, 10, -18], [0, 15, -34], [0, 22, -56], [0, 24, -90], [0, 26, -160]], 14)
    radius = np.interp(np.arange(14), [0, 3, 6, 9, 13], [13, 12, 7.5, 5.5, 5.5])
    return join(
        chains(cord, radius, up=[1, 0, 0], flat=0.85), ellipsoids([0, 12, -30], [16, 12, 13])
    )


def cerebellum(margin: float = 0.0) -> Pieces:
    """Both hemispheres and the vermis."""
    places = [[24, 48, -38], [-24, 48, -38], [0, 48, -34]]
    return grow(ellipsoids(places, [[28, 29, 22], [28, 29, 22], [14, 25, 22]]), margin)


def folia(thickness: float) -> Pieces:
    """Horizontal lenses of fluid that cut the cerebellum into leaves."""
    heights = np.linspace(-56, -22, 8)
    places = [[sign * 26, 66, z] for sign in (1, -1) for z in heights]
    turns = [rotation(-0.9 * (z + 38) - 6, 4 * sign) for sign in (1, -1) for z in heights]
    return ellipsoids(places, [30, 22, thickness], turns)


def brain_parts(
    rng: np.random.Generator, folds: Folds, lesions: tuple[tuple[str, str, Pieces], ...] = ()
) -> tuple[Part, ...]:
    """All parts in the place of cerebrospinal fluid.

    lesions: (name, tissue, solids); they take the place of whatever lies there, except of veins,
    ventricles and earlier lesions.
    """
    room, vein = ventricles(folds.ventricles), veins(rng)
    lens = sulci(rng, folds.sulcus_mm)
    places, semi, turns = lens
    fluid = join(ellipsoids(*lens), fissures(folds.sulcus_mm, 0.0))
    lined = semi + np.array([CORTEX_MM, CORTEX_MM, CORTEX_MM])
    lining = join(ellipsoids(places, lined, turns), fissures(folds.sulcus_mm, CORTEX_MM))
    sick = [solids for _, _, solids in lesions]
    carved, core = join(room, vein, *sick), deep_core()
    inner = cerebrum(-CORTEX_MM)
    grey = Compound(cerebrum(), minus=join(fluid, core, carved))
    white = Compound(inner, minus=join(lining, core, carved))
    parts = [
        Part("cortex", "grey_matter", "csf", grey),
        Part("white matter", "white_matter", "grey_matter", white),
        Part("deep white matter", "white_matter", "csf", Compound(core, minus=carved)),
    ]
    for name, (tissue, solids) in nuclei().items():
        others = nuclei()["globus pallidus"][1] if name == "putamen" else None
        minus = carved if others is None else join(carved, others)
        parts.append(Part(name, tissue, "white_matter", Compound(solids, minus=minus)))
    hidden = join(carved, core, cerebrum())
    stem = brainstem()
    parts.append(Part("brainstem", "white_matter", "csf", Compound(stem, minus=hidden)))
    parts += _cerebellum_parts(join(hidden, stem), folds)
    inside = cerebrum(FLUID_MM)[:1]
    parts.append(Part("veins", "venous_blood", "csf", Compound(vein, inside, minus=room)))
    taken = join(room, vein)
    for name, tissue, solids in lesions:
        parts.append(Part(name, tissue, "csf", Compound(solids, minus=taken)))
        taken = join(taken, solids)
    return tuple(parts)


def _cerebellum_parts(hidden: Pieces, folds: Folds) -> list[Part]:
    """Leaves of grey matter round a core of white matter, with the dentate nuclei."""
    cortex = Compound(cerebellum(), minus=join(hidden, folia(folds.sulcus_mm * 0.7)))
    core = Compound(cerebellum(-5.0), minus=join(hidden, folia(folds.sulcus_mm * 0.7 + 2.4)))
    dentate = _both([15, 44, -38], [7, 6, 3.5], rotation(0, 0, 20))
    return [
        Part("cerebellar cortex", "grey_matter", "csf", cortex),
        Part("cerebellar white matter", "white_matter", "grey_matter", core),
        Part("dentate nucleus", "pallidum", "white_matter", Compound(dentate, core.union, hidden)),
    ]
