"""Path lengths of X-rays through a patient, in closed form.

A film point has coordinates (u, v) in mm from the film's centre, u to the image's right and v
downwards. Every ray is an affine function of (u, v), so along it a piece's quadric is a quadratic
equation whose coefficients are polynomials in (u, v): a handful of numbers per piece, evaluated
only inside the piece's own shadow. Nothing is voxelised and nothing is approximated, except that
tubes thinner than a pixel are widened to it at constant cross-section (a detector element averages
over its area; without this they would flicker between pixels).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.geometry import Geometry, film_geometry
from course_lib.imaging.intervals import PieceRays, stretch
from course_lib.imaging.texture import add_parenchyma
from course_lib.imaging.unions import CompoundRays
from course_lib.patient.person import Finding, Patient, in_pose
from course_lib.patient.solids import Compound, Part, Pieces, join

Image = NDArray[np.float32]
Recipe = tuple[tuple[str, str, float], ...]  # tissue, displaced tissue, fraction


class Group(NamedTuple):
    """Solids that do the same to the tissues and are drawn together."""

    recipe: Recipe
    solid: Pieces | Compound


def part_lengths(parts: tuple[Part, ...], geometry: Geometry) -> dict[str, Image]:
    """Tissue -> (H, W) path length in mm, summed over parts with their displaced tissues."""
    return _project(parts, geometry)[0]


def _project(
    parts: tuple[Part, ...], geometry: Geometry, marked: tuple[Part, ...] = ()
) -> tuple[dict[str, Image], dict[int, Image]]:
    """Path lengths in mm by tissue, and those of the marked parts' solids by the solid's id."""
    tissues = sorted({p.tissue for p in parts} | {p.displaces for p in parts})
    total = {tissue: np.zeros(geometry.shape, np.float32) for tissue in tissues}
    wanted = {id(part.geometry) for part in marked}
    shadows: dict[int, Image] = {}
    oblique = stretch(geometry)
    for group, length in _central_lengths(_grouped(parts, wanted), geometry):
        _add(total, group.recipe, length)
        if id(group.solid) in wanted:
            shadows[id(group.solid)] = length * oblique
    total.pop("air", None)
    for length in total.values():
        length *= oblique
    return total, shadows


def _add(total: dict[str, Image], recipe: Recipe, length: Image) -> None:
    """What a solid does to the path lengths of the tissues."""
    for tissue, displaced, fraction in recipe:
        share = length if fraction == 1 else np.float32(fraction) * length
        total[tissue] += share
        if displaced != "air":
            total[displaced] -= share


def _grouped(parts: tuple[Part, ...], alone: set[int]) -> list[Group]:
    """Solids with what they do to the tissues; pieces that do the same become one batch, except
    those whose id is in `alone`."""
    uses: dict[int, list[Part]] = {}
    for part in parts:
        uses.setdefault(id(part.geometry), []).append(part)
    groups: list[Group] = []
    batches: dict[Recipe, list[Pieces]] = {}
    for number, same in uses.items():
        recipe = tuple((part.tissue, part.displaces, part.fraction) for part in same)
        solid = same[0].geometry
        if isinstance(solid, Compound) or number in alone:
            groups.append(Group(recipe, solid))
        else:
            batches.setdefault(recipe, []).append(solid)
    return groups + [Group(recipe, join(*solids)) for recipe, solids in batches.items()]


def _central_lengths(groups: list[Group], geometry: Geometry) -> Iterator[tuple[Group, Image]]:
    """Every group with its (H, W) mm, as if all rays were as short as the central one."""
    batches = [(group, group.solid) for group in groups if isinstance(group.solid, Pieces)]
    compounds = [(group, group.solid) for group in groups if isinstance(group.solid, Compound)]
    jobs: list[Callable[[], Iterable[Image]]] = []
    if batches:
        jobs.append(partial(_batch_lengths, [pieces for _, pieces in batches], geometry))
    if compounds:
        rays = CompoundRays([compound for _, compound in compounds], geometry)
        jobs += [partial(lambda n: [rays.lengths(n)], number) for number in range(len(compounds))]
    with ThreadPoolExecutor(2) as pool:
        # Large films gain from a second thread; small ones only pay for starting it.
        mapped = pool.map if geometry.shape[0] >= 512 else map
        drawn = chain.from_iterable(mapped(lambda job: job(), jobs))
        yield from zip([group for group, _ in [*batches, *compounds]], drawn, strict=True)


def _batch_lengths(batches: list[Pieces], geometry: Geometry) -> Image:
    """(batches, H, W): all pieces of all batches in one go."""
    group = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
    return PieceRays(join(*batches), geometry, widen=True).sums(group, len(batches))


@dataclass(frozen=True)
class Projection:
    """What the rays met: all that a film of this patient depends on, before any exposure.

    lengths: tissue -> (H, W) mm. masks: finding -> (H, W) bool.
    """

    patient: Patient
    lengths: dict[str, Image]
    masks: dict[str, NDArray[np.bool_]]
    geometry: Geometry
    view: str

    @property
    def spacing_mm(self) -> float:
        """Pixel size on the film, mm."""
        return self.geometry.spacing_mm


def path_lengths(
    patient: Patient,
    view: str = "PA",
    size: int = 256,
    field_mm: float | None = None,
    source_distance_mm: float | None = 1800.0,
    texture: bool = True,
) -> Projection:
    """Path lengths of every tissue and the mask of every finding on a size x size film.

    field_mm is the side of the film (None: the radiographer's choice, which fits the chest);
    source_distance_mm the distance from focal spot to film (None: parallel rays);
    texture=False leaves out the lungs' fine structure. Raises
    ValueError for an unknown view or a size below 16.
    """
    if size < 16:
        raise ValueError(f"A film needs at least 16 x 16 pixels, got size={size}.")
    patient = in_pose(patient, view)
    side, centre = framing(patient, view)
    geometry = film_geometry(
        view, centre, size, field_mm or side, source_distance_mm,
        film_distance_mm=patient.body.half_depth + 60, rotation_deg=patient.rotation_deg,
    )  # fmt: skip
    marked = tuple(part for finding in patient.findings for part in finding.marks)
    lengths, shadows = _project(patient.solids, geometry, marked)
    if texture:
        lengths = add_parenchyma(lengths, patient.seed, view, geometry.spacing_mm * size)
    masks: dict[str, NDArray[np.bool_]] = {}
    for finding in patient.findings:
        mask = finding_mask(finding, shadows)
        masks[finding.name] = masks.get(finding.name, False) | mask
    return Projection(patient, lengths, masks, geometry, view)


def framing(patient: Patient, view: str) -> tuple[float, NDArray[np.float64]]:
    """Side of the film in mm and (3,) centre of the field: lungs with a margin."""
    body = patient.body
    rng = body.rng(f"framing {view}")
    widest = 2.0 * body.half_width if view != "LAT" else 2.0 * body.half_depth
    side = np.clip(max(1.34 * widest, 1.54 * body.lung_height) * rng.uniform(0.97, 1.1), 300, 440)
    middle = body.apex + (0.15 + 0.025 * rng.normal() - 0.5) * side
    return float(side), np.array([5 * rng.normal(), 0.0, middle])


def finding_mask(finding: Finding, shadows: dict[int, Image]) -> NDArray[np.bool_]:
    """(H, W): where the rays run through the finding's own solids for more than its threshold.

    shadows: path lengths in mm through the solids, by the solid's id.
    """
    total = sum(np.float32(part.fraction) * shadows[id(part.geometry)] for part in finding.marks)
    return np.asarray(total > finding.threshold_mm)


def part_length(solid: Pieces | Compound, geometry: Geometry) -> Image:
    """(H, W) mm: path lengths through pieces (summed) or through a compound (a set)."""
    ((_, length),) = _central_lengths([Group((), solid)], geometry)
    return length * stretch(geometry)
