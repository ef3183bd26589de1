"""A virtual head: skin, skull, brain, eyes and airways, drawn from a seed, an age and a sex.

Patient axes, in mm: x to the Left, y to Posterior, z to Superior, starting in the middle of the
brain between the commissures. The brain itself is in brain.py, its diseases in brain_lesions.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from course_lib.patient.brain import FLUID_MM, Folds, brain_parts, cerebrum
from course_lib.patient.solids import (
    Array,
    Compound,
    Part,
    Pieces,
    box_ellipsoid,
    chains,
    ellipsoids,
    grow,
    join,
    rotation,
    spline,
)

SKIN_MM, FAT_MM = 2.0, 4.5


@dataclass(frozen=True)
class Head:
    """Proportions of one head. scale (3,) multiplies x, y, z of an average adult's head."""

    seed: int
    age: float
    sex: str
    scale: tuple[float, float, float]
    folds: Folds
    skull_mm: float
    scalp_mm: float


def sample_head(seed: int, age: float | None = None, sex: str | None = None) -> Head:
    """A healthy head drawn from `seed`; what is given is kept. ValueError for a wrong sex or age.

    With age sulci and ventricles widen (ventricles about double in volume from 30 to 75 years,
    after Scahill et al., Arch Neurol 2003;60:989).
    """
    if sex not in (None, "F", "M"):
        raise ValueError(f"Sex must be 'F' or 'M', got {sex!r}.")
    if age is not None and not 18 <= age <= 100:
        raise ValueError(f"Heads are drawn for adults from 18 to 100 years, got {age:g}.")
    rng = np.random.default_rng([seed, *b"head"])
    draw = rng.normal(size=8)
    male = bool(rng.random() < 0.5) if sex is None else sex == "M"
    years = float(np.clip(50 + 17 * draw[0], 18, 92)) if age is None else float(age)
    size = (1.015 if male else 0.965) + 0.02 * draw[1]
    wide, long, tall = size * (1 + 0.02 * draw[2:5])
    older = max(years - 25, 0.0)
    folds = Folds(
        sulcus_mm=float((0.55 + 0.013 * older) * np.exp(0.10 * draw[5])),
        ventricles=float((0.80 + 0.0075 * older) * np.exp(0.10 * draw[6])),
    )
    return Head(
        seed, years, "M" if male else "F", (float(wide), float(long), float(tall)), folds,
        skull_mm=float(6.5 * np.exp(0.1 * draw[7])), scalp_mm=SKIN_MM + FAT_MM,
    )  # fmt: skip


def head_parts(
    seed: int,
    age: float | None = None,
    sex: str | None = None,
    lesions: tuple[tuple[str, str, Pieces], ...] = (),
) -> tuple[Part, ...]:
    """All parts of a head; the same seed gives the same person. See `parts_of`."""
    return parts_of(sample_head(seed, age, sex), lesions)


def parts_of(head: Head, lesions: tuple[tuple[str, str, Pieces], ...] = ()) -> tuple[Part, ...]:
    """Solids of a head of these proportions.

    lesions: (name, tissue, solids in the unscaled brain), see brain_lesions.
    """
    rng = np.random.default_rng([head.seed, *b"brain"])
    parts = (*_shell(head), *brain_parts(rng, head.folds, lesions))
    return tuple(replace(p, geometry=scaled(p.geometry, head.scale)) for p in parts)


def scaled(solid: Pieces | Compound, factors: ArrayLike) -> Pieces | Compound:
    """The solid stretched by factors (3,) along x, y and z about the origin."""
    if isinstance(solid, Compound):
        inner = (solid.union, solid.within, solid.minus)
        return Compound(*(None if s is None else _scaled(s, factors) for s in inner))  # type: ignore[arg-type]
    return _scaled(solid, factors)


def _scaled(pieces: Pieces, factors: ArrayLike) -> Pieces:
    """Points x become S x: W becomes W / S, and a plane's normal n becomes n / S, made unit."""
    s: Array = np.asarray(factors, float)
    normals = pieces.normals / s
    size = np.linalg.norm(normals, axis=-1)
    size[size == 0] = 1.0  # planes that cut nothing have no normal
    return Pieces(
        pieces.centre * s, pieces.shape / s, normals / size[..., None], pieces.offsets / size,
        pieces.half * s, pieces.radius * float(s.mean()),
    )  # fmt: skip


def cavity(margin: float = 0.0) -> Pieces:
    """The inside of the skull, `margin` mm larger."""
    fossa = ellipsoids([0, 44, -37], [55, 42, 33])
    base = ellipsoids([0, 8, -26], [20, 26, 18])
    return join(cerebrum(FLUID_MM + margin), grow(join(fossa, base), margin))


def canal(radius: float) -> Pieces:
    """Foramen magnum and spinal canal."""
    line = spline([[0, 24, -52], [0, 23, -70], [0, 24, -92], [0, 26, -170]], 8)
    return chains(line, radius)


def face(margin: float) -> Pieces:
    """Face, jaw, nose and neck; margin mm larger than their muscles."""
    solids = ellipsoids(
        [[0, -44, -54], [0, -52, -88], [0, -94, -52], [0, 30, -60]],
        [[56, 44, 46], [42, 42, 34], [9, 16, 20], [60, 56, 44]],
    )
    neck = box_ellipsoid([0, 18, -140], [54, 56, 300], 80)
    return join(grow(solids, margin), grow(neck, margin))


def _shell(head: Head) -> list[Part]:
    """Skin, fat, muscle, bone, airways and eyes; ends with the fluid that fills the skull."""
    t, tube = head.skull_mm, canal(9.0)
    skull, air, jaws = cavity(t), _airways(), _jaws_and_neck()
    orbit = ellipsoids([[31, -60, -34], [-31, -60, -34]], [17, 27, 16])
    flesh = Compound(_soft(jaws, 0.0), minus=join(skull, tube, orbit, air))
    outside = join(cavity(t + head.scalp_mm), _soft(jaws, head.scalp_mm), _ears())
    layers = [
        Part("skin", "soft_tissue", "air", Compound(outside)),
        Part("fat", "fat", "soft_tissue",
             Compound(join(cavity(t + FAT_MM), _soft(jaws, FAT_MM)))),
        Part("muscles", "muscle", "fat", flesh),
        Part("airways", "air", "fat", Compound(air, minus=skull)),
        *_bones(jaws, join(skull, tube, air)),
        *_eyes(skull),
    ]  # fmt: skip
    for name, tissue, under, margin in (
        ("skull", "bone_cortical", "fat", t),
        ("diploe", "bone_spongy", "bone_cortical", 0.72 * t),
        ("inner table", "bone_cortical", "bone_spongy", 0.28 * t),
        ("cerebrospinal fluid", "csf", "bone_cortical", 0.0),
    ):
        layers.append(Part(name, tissue, under, Compound(cavity(margin), minus=tube)))
    layers.append(Part("spinal canal", "csf", "fat", Compound(tube)))
    return layers


def _soft(jaws: Pieces, margin: float) -> Pieces:
    """Muscles round face, jaws and neck, with eyelids where there is a margin."""
    lids = [grow(globes(), margin - 1.0)] if margin > 0 else []
    return join(face(margin), grow(jaws, 2.5 + margin), *lids)


def _ears() -> Pieces:
    """Two discs that stand off a little."""
    turns = [rotation(0, 0, 24 * sign) for sign in (1, -1)]
    return ellipsoids([[75, 22, -34], [-75, 22, -34]], [5, 15, 27], turns)


def _airways() -> Pieces:
    """Nose, maxillary and sphenoid sinuses, throat and windpipe."""
    nose = ellipsoids([[4.5, -66, -56], [-4.5, -66, -56]], [3.2, 30, 17])
    sinus = ellipsoids([[27, -58, -60], [-27, -58, -60], [0, -28, -40]],
                       [[12, 15, 14], [12, 15, 14], [11, 10, 8]])  # fmt: skip
    throat = spline([[0, -30, -62], [0, -18, -84], [0, -16, -112], [0, -14, -160]], 9)
    return join(nose, sinus, chains(throat, 7.5), ellipsoids([0, -58, -90], [22, 20, 3]))


def _jaws_and_neck() -> Pieces:
    """Mandible, hard palate and the bodies of the cervical vertebrae."""
    arc = spline([[44, -14, -58], [42, -30, -92], [24, -72, -106], [0, -84, -108],
                  [-24, -72, -106], [-42, -30, -92], [-44, -14, -58]], 15)  # fmt: skip
    jaw = chains(arc, 9.0, flat=0.6)
    palate = ellipsoids([0, -64, -79], [27, 27, 5])
    heights = -74.0 - 17.5 * np.arange(6)
    neck = box_ellipsoid([[0, 7, z] for z in heights], [12, 10, 40], 7.5)
    return join(jaw, palate, neck)


def _bones(shell: Pieces, away: Pieces) -> list[Part]:
    """Marrow in a cortical shell."""
    return [
        Part("jaws and neck", "bone_cortical", "muscle", Compound(shell, minus=away)),
        Part("their marrow", "bone_spongy", "bone_cortical",
             Compound(grow(shell, -1.8), minus=away)),
    ]  # fmt: skip


def globes() -> Pieces:
    """Both eyeballs."""
    return ellipsoids([[31, -71, -35], [-31, -71, -35]], [12, 12, 12])


def _eyes(skull: Pieces) -> list[Part]:
    """Globes full of fluid, lenses, optic nerves and eye muscles, in the fat of the orbits."""
    globe = globes()
    lens = ellipsoids([[31, -80, -35], [-31, -80, -35]], [4.6, 2, 4.6])
    nerves = [[[s * 30, -60, -35], [s * 25, -52, -33], [s * 20, -45, -32]] for s in (1, -1)]
    nerve = chains(np.stack([spline(line, 6) for line in nerves]), 2.2)
    away = join(skull, globe)
    return [
        Part("eyes", "csf", "fat", Compound(globe, minus=skull)),
        Part("lenses", "soft_tissue", "csf", Compound(lens, minus=skull)),
        Part("optic nerves", "white_matter", "fat", Compound(nerve, minus=away)),
    ]
