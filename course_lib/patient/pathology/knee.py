"""What can be wrong with a virtual knee: tears, fluid, bruises.

Each finding is a function of a random generator and a severity in (0, 1]; it returns a `Change`
in the axes of `knee_anatomy` (x lateral). Descriptions follow the usual signs on MR images: a torn
ACL is interrupted or swollen and bright; a meniscal tear is a bright line that reaches the
surface; ageing of a meniscus is bright inside only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from course_lib.patient.knee_anatomy import (
    ACL,
    CARTILAGE_MM,
    CORTEX_MM,
    JOINT_Z,
    acl,
    condyle,
    femur,
    ligament,
    meniscus,
    meniscus_point,
    patella,
    plateau,
    recess,
)
from course_lib.patient.painting import Layer, Solid
from course_lib.patient.solids import (
    Compound,
    Pieces,
    chains,
    ellipsoids,
    grow,
    join,
    rotation,
    spline,
)


@dataclass(frozen=True)
class Change:
    """What a finding does to the layers of a knee, and the solids that show it (`truth`).

    before, after: layers to paint just before or after that of a name; without: names that are
    not painted at all; added: layers at the end.
    """

    truth: tuple[Solid, ...]
    before: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    after: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    added: tuple[Layer, ...] = ()


Finding = Callable[[np.random.Generator, float], Change]


def acl_tear(rng: np.random.Generator, severity: float) -> Change:
    """Partial (mild) or complete (severe) tear of the anterior cruciate ligament."""
    middle = rng.uniform(0.35, 0.65)
    if severity < 0.4:  # partial: the band is there, its core is torn and swollen
        half = 0.12 + 0.4 * severity
        core = acl((max(middle - half, 0), min(middle + half, 1)), 0.55 + 0.5 * severity)
        torn = Layer("torn acl", "torn_ligament", core)
        return Change((core,), without=("acl",), added=(Layer("acl", "acl", acl()), torn))
    gap = 0.06 + 0.14 * severity
    place = spline(ACL, 25)[int(24 * middle)]
    size = np.array([4.0, 5.5, 5.5]) * (0.9 + 0.5 * severity) * rng.uniform(0.9, 1.1, 3)
    cloud = ellipsoids(place, size, rotation(rng.uniform(-30, 30)))
    fallen = np.asarray(ACL) + np.array([[0], [1], [1.5], [0.5]]) * [0, 0, -2 * severity]
    upper = acl((0, middle - gap))
    lower = ligament(fallen, [4.6, 4.4, 4.6, 5.8], (middle + gap, 1))
    return Change(
        (cloud,),
        without=("acl",),
        added=(
            Layer("torn acl", "torn_ligament", cloud),
            Layer("acl", "acl", join(upper, lower)),
        ),
    )


def meniscal_tear(rng: np.random.Generator, severity: float) -> Change:
    """A cleft that reaches the surface; severe ones may be a bucket handle.

    Two thirds are in the medial meniscus, most in the posterior horn.
    """
    side = "medial" if rng.random() < 0.67 else "lateral"
    if severity > 0.75 and side == "medial" and rng.random() < 0.5:
        return _bucket_handle(rng)
    turn = np.radians(rng.uniform(15, 110))
    place = meniscus_point(side, turn, rng.uniform(0.62, 0.8))
    place = place + [0, 0, rng.uniform(-0.5, 0.5)]
    thick = 0.8 + 0.9 * severity
    lying = rng.random() < 0.55  # horizontal or oblique, else vertical along the rim
    tilt = rng.uniform(-25, 25) if lying else rng.uniform(65, 90)
    along = np.degrees(turn) * (1 if side == "lateral" else -1)
    turned = rotation(0, 0, along) @ rotation(0, tilt, 0)
    cleft = ellipsoids(place, [6.0, 5 + 6 * severity, thick], turned)
    tear = Compound(meniscus(side), within=cleft)
    return Change((tear,), after={f"{side} meniscus": (Layer("tear", "torn_meniscus", tear),)})


def _bucket_handle(rng: np.random.Generator) -> Change:
    """The inner part of the medial meniscus has flipped into the notch, beside the PCL."""
    x = rng.uniform(-8, -5)
    line = [[x, -8, JOINT_Z], [x + 2, 4, JOINT_Z + 1], [x, 16, JOINT_Z]]
    handle = chains(line, [[2.2, 2.4, 2.2]])
    bed = Compound(
        meniscus("medial"), within=ellipsoids([-12, 4, JOINT_Z], [13, 18, 6]),
        minus=meniscus("medial", inner=False),
    )  # fmt: skip
    return Change(
        (handle, bed),
        after={"medial meniscus": (Layer("bed", "fluid", bed),)},
        added=(Layer("handle", "meniscus", handle),),
    )


def ageing(rng: np.random.Generator) -> Change:
    """Bright material inside the posterior horns that does not reach the surface: no tear."""
    layers = {}
    for side in ("medial", "lateral"):
        turns = np.radians(np.linspace(rng.uniform(10, 40), rng.uniform(70, 110), 4))
        core = chains(meniscus_point(side, turns, 0.86), [rng.uniform(0.6, 1.3, 4)])
        layers[f"{side} meniscus"] = (Layer("ageing", "aged_meniscus", core),)
    return Change((), after=layers)


def effusion(rng: np.random.Generator, severity: float) -> Change:
    """More fluid than the 1 to 2 mm of a healthy recess."""
    fluid = recess(2.4 + 6.5 * severity)
    return Change((fluid,), after={"recess": (Layer("effusion", "fluid", fluid),)})


def bone_bruise(rng: np.random.Generator, severity: float) -> Change:
    """Oedema where femur and tibia hit each other as the ACL gives way: lateral, front and back."""
    size = (5.5 + 5 * severity) * rng.uniform(0.85, 1.15, (2, 3))
    above = Compound(ellipsoids([21, -2, 7], size[0]), within=condyle("lateral"))
    below = Compound(ellipsoids([21, 19, -13], size[1] * [1.2, 0.8, 0.8]), within=plateau())
    return _in_marrow(above, below)


def marrow_oedema(rng: np.random.Generator, severity: float) -> Change:
    """Oedema elsewhere: inner condyle, inner plateau or kneecap."""
    size = (5 + 6 * severity) * rng.uniform(0.85, 1.15, 3)
    places: list[tuple[list[float], Pieces]] = [
        ([-23, 8, 8], condyle("medial")),
        ([-22, 4, -14], plateau()),
        ([0, -39, 27], patella()),
    ]
    centre, bone = places[int(rng.integers(3))]
    moved = np.asarray(centre) + rng.normal(0, 3, 3)
    return _in_marrow(Compound(ellipsoids(moved, size), within=bone))


def _in_marrow(*solids: Solid) -> Change:
    layers = tuple(Layer("oedema", "marrow_oedema", solid) for solid in solids)
    return Change(solids, after={"other marrow": layers})


def cartilage_defect(rng: np.random.Generator, severity: float) -> Change:
    """A hole in the cartilage of a condyle, filled with fluid."""
    side = "medial" if rng.random() < 0.7 else "lateral"
    x = (-21 if side == "medial" else 21) + rng.normal(0, 3)
    hole = ellipsoids([x, rng.uniform(-2, 16), -1], [3.5 + 4 * severity, 4 + 5 * severity, 6])
    coat = grow(condyle(side), CARTILAGE_MM + CORTEX_MM)
    defect = Compound(coat, within=hole, minus=femur()[2])
    shown = Compound(coat, within=hole, minus=grow(condyle(side), CORTEX_MM))
    return Change((shown,), after={"cartilage": (Layer("defect", "fluid", defect),)})


def bakers_cyst(rng: np.random.Generator, severity: float) -> Change:
    """A pouch of fluid at the inner back of the knee."""
    size = np.array([5, 4, 10]) * (0.7 + 0.9 * severity)
    cyst = ellipsoids([-21, 37, 4], size, rotation(rng.uniform(-10, 10)))
    return Change((cyst,), after={"muscle": (Layer("cyst", "fluid", cyst),)})


def mcl_sprain(rng: np.random.Generator, severity: float) -> Change:
    """Fluid on both sides of the medial collateral ligament."""
    line = [[-37, 6, 28], [-39, 4, -2], [-36, 0, -32]]
    wet = chains(line, [[9, 10, 8]], 0.3 + 0.3 * severity, [0.0, 1, 0])
    return Change((wet,), before={"mcl": (Layer("sprain", "oedema", wet),)})


FINDINGS: Mapping[str, Finding] = {
    "ACL tear": acl_tear,
    "meniscal tear": meniscal_tear,
    "effusion": effusion,
    "bone bruise": bone_bruise,
    "marrow oedema": marrow_oedema,
    "cartilage defect": cartilage_defect,
    "Baker's cyst": bakers_cyst,
    "MCL sprain": mcl_sprain,
}
