"""An attack that has a mass: thin metal platelets on a shirt, worn by the patient.

Nobody edits the film. The platelets lie on the patient's back, are crossed by the same rays, and
the film is exposed with scatter and fresh noise by ``imaging.radiography``; so the change has to
survive another patient, another placement, another tube voltage and other noise.

    sheet = design_sheet(classifier.model, rays_of(patients), target=0, seed=1)
    films = [film_of(wearing(patient, sheet), seed=n) for n, patient in enumerate(new_patients)]

Designing goes forward through the real simulator. On the way back it takes a simple approximation:
more metal makes a pixel brighter in proportion to the path through it. Averaging over drawn films
is "expectation over transformation", Athalye et al., arXiv:1707.07397; a pattern for everybody is
the patch of Brown et al., arXiv:1712.09665, and the printed glasses of Sharif et al., CCS 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from course_lib.imaging.attenuation import find_material
from course_lib.imaging.intervals import PieceRays, stretch
from course_lib.imaging.projection import Projection, path_lengths
from course_lib.imaging.radiography import CHEST_PA, Technique, expose
from course_lib.patient.person import Patient
from course_lib.patient.solids import Part, Pieces, tubes

SIZE = 64
PITCH_MM, RADIUS_MM = 20.0, 9.0
GAP_MM = 4.0  # between skin and metal: the shirt


@dataclass(frozen=True)
class Sheet:
    """Round platelets in rows and columns: thickness_mm (rows, columns), head first, of a metal.

    Raises ValueError for thicknesses that are negative, NaN, or not in two dimensions.
    """

    thickness_mm: NDArray[np.float64]
    metal: str = "copper"

    def __post_init__(self) -> None:
        given = np.asarray(self.thickness_mm, dtype=float)
        if given.ndim != 2 or not np.all((given >= 0) & np.isfinite(given)):
            raise ValueError(
                "thickness_mm must be a table (rows, columns) of lengths of 0 or more."
            )
        find_material(self.metal)  # ValueError for a metal that nobody knows
        object.__setattr__(self, "thickness_mm", given)

    @property
    def mass_g(self) -> float:
        """Mass of all platelets, grams."""
        volume_mm3 = np.pi * RADIUS_MM**2 * self.thickness_mm.sum()
        return float(find_material(self.metal).density * volume_mm3 / 1000)

    def shuffled(self, seed: int) -> "Sheet":
        """The same platelets, sewn on in random order: same metal, same mass, no design."""
        mixed = np.random.default_rng(seed).permutation(self.thickness_mm.ravel())
        return Sheet(mixed.reshape(self.thickness_mm.shape), self.metal)


def platelets(
    patient: Patient,
    thickness_mm: NDArray[np.float64],
    shift_mm: tuple[float, float] = (0.0, 0.0),
) -> Pieces:
    """The platelets as solids, one for each entry of thickness_mm (rows, columns).

    The middle of the sheet lies over the middle of the lungs; shift_mm moves it to the patient's
    left and upwards.
    """
    body, (rows, columns) = patient.body, thickness_mm.shape
    middle = body.apex - body.lung_height / 2 + shift_mm[1]
    x = (np.arange(columns) - (columns - 1) / 2) * PITCH_MM + shift_mm[0]
    z = middle - (np.arange(rows) - (rows - 1) / 2) * PITCH_MM
    across, up = np.meshgrid(x, z)
    start = np.stack([across, np.full_like(across, body.half_depth + GAP_MM), up], -1).reshape(
        -1, 3
    )
    end = start + np.array([0.0, 1.0, 0.0]) * thickness_mm.reshape(-1, 1)
    return tubes(start, end, np.full(len(start), RADIUS_MM))


def wearing(patient: Patient, sheet: Sheet, shift_mm: tuple[float, float] = (0.0, 0.0)) -> Patient:
    """The patient in the shirt: the platelets are solids like any others, in air."""
    present = sheet.thickness_mm.ravel() > 0
    solid = platelets(patient, np.maximum(sheet.thickness_mm, 1e-3), shift_mm)[present]
    return replace(patient, parts=(*patient.parts, Part("platelets", sheet.metal, "air", solid)))


def footprints(
    rays: Projection, shape: tuple[int, int], shift_mm: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float32]:
    """(rows x columns, H, W): mm of each platelet on every ray, per mm of its thickness."""
    solid = platelets(rays.patient, np.ones(shape), shift_mm)
    crossed = PieceRays(solid, rays.geometry, widen=True).sums(np.arange(len(solid)), len(solid))
    return np.asarray(crossed * stretch(rays.geometry), np.float32)


def rays_of(patients: Sequence[Patient], size: int = SIZE) -> list[Projection]:
    """Geometry once, for as many exposures as are wanted."""
    return [path_lengths(patient, size=size) for patient in patients]


def film_of(
    patient: Patient | Projection, seed: int, technique: Technique = CHEST_PA
) -> NDArray[np.float32]:
    """A film (64, 64) in 0..1 as the classifier gets it: 8 bits, `seed` draws the noise."""
    rays = path_lengths(patient, size=SIZE) if isinstance(patient, Patient) else patient
    return np.asarray((expose(rays, technique, seed).pixels >> 4) / np.float32(255), np.float32)


def film_with(
    rays: Projection, crossed: NDArray[np.float32], sheet: Sheet, seed: int, technique: Technique
) -> NDArray[np.float32]:
    """The same from footprints: metal is added to the path lengths, the rest is the simulator."""
    metal = np.tensordot(sheet.thickness_mm.ravel().astype(np.float32), crossed, 1)
    return film_of(replace(rays, lengths={**rays.lengths, sheet.metal: metal}), seed, technique)


def design_sheet(
    model: nn.Module,
    rays: Sequence[Projection],
    target: int,
    shape: tuple[int, int] = (14, 12),
    thickest_mm: float = 0.3,
    metal: str = "copper",
    steps: int = 60,
    films_per_step: int = 16,
    seed: int = 0,
) -> tuple[Sheet, list[float]]:
    """Find thicknesses with which the network names class `target`, whoever wears them.

    rays: the attacker's own patients. Each step draws films_per_step of them, a placement (10 mm
    either way), a tube voltage (110 to 130 kVp) and noise, and moves the thicknesses by one step of
    Adam, back into 0..thickest_mm. Returns the sheet and the mean loss of
    every step. Raises ValueError for a target that the network does not have.
    """
    random = np.random.default_rng(seed)
    thickness = torch.from_numpy(random.uniform(0, thickest_mm / 2, shape))
    optimiser = torch.optim.Adam([thickness], lr=0.06 * thickest_mm, betas=(0.8, 0.95))
    losses = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.06 * thickest_mm * (1 - 0.9 * step / steps)
        films, crossed = _draw(rays, Sheet(thickness.numpy(), metal), films_per_step, random)
        loss, gradient = _loss_and_gradient(model, films, target)
        losses.append(loss)
        # d loss / d thickness: what each pixel would cost, times the metal's share in it
        by_platelet = np.einsum("nhw,njhw->j", gradient, crossed).reshape(shape)
        thickness.grad = torch.from_numpy(by_platelet.astype(np.float64))
        optimiser.step()
        thickness.clamp_(0, thickest_mm)
    return Sheet(thickness.numpy().copy(), metal), losses


def _draw(
    rays: Sequence[Projection], sheet: Sheet, films: int, random: np.random.Generator
) -> tuple[Tensor, NDArray[np.float32]]:
    """Films (N, 1, H, W) of drawn patients in the sheet, and its footprints (N, J, H, W)."""
    made, crossed = [], []
    for number in random.choice(len(rays), films, replace=films > len(rays)):
        one, shift = rays[number], random.uniform(-10, 10, 2)
        print_ = footprints(one, sheet.thickness_mm.shape, (float(shift[0]), float(shift[1])))
        technique = replace(CHEST_PA, kvp=float(random.uniform(110, 130)))
        made.append(film_with(one, print_, sheet, int(random.integers(2**31)), technique))
        crossed.append(print_)
    return torch.from_numpy(np.stack(made))[:, None], np.stack(crossed)


def _loss_and_gradient(model: nn.Module, films: Tensor, target: int) -> tuple[float, NDArray]:
    """Mean cross-entropy towards the target, and its slope by metal in each pixel, (N, H, W).

    The film curve is steep in the middle greys and flat in black and white: f (1 - f).
    """
    films = films.requires_grad_()
    logits = model(films)
    if not 0 <= target < logits.shape[1]:
        raise ValueError(f"The network has the classes 0 to {logits.shape[1] - 1}, not {target}.")
    wanted = torch.full((len(films),), target)
    loss = functional.cross_entropy(logits, wanted)
    (gradient,) = torch.autograd.grad(loss, films)
    grey = films.detach()
    return float(loss.detach()), (gradient * grey * (1 - grey))[:, 0].numpy()
