"""The virtual hospital with a dial: the same patients, imaged by a machine that changes.

    patients = meet(400, seed=6100)                    # slow: where every ray goes
    before = patients.films(CHEST_PA)                  # fast: what a machine makes of the rays
    after = patients.films(dialled("new software", 0.5))

Where the rays go does not depend on the machine. So the patients are met once, and then imaged on
as many machines as wanted, in a millisecond per film: differences between machines are differences
on the same patients, and nothing else (covariate shift: p(film) changes, p(illness) does not).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from tqdm.auto import tqdm

from course_lib.data.gan_films import DISEASES, SIZE
from course_lib.data.marker import burn_in
from course_lib.imaging.projection import Projection, path_lengths
from course_lib.imaging.radiography import CHEST_PA, Technique, expose
from course_lib.imaging.scanners import SCANNERS, Scanner, scanner_named
from course_lib.learning.film_classifier import one_finding_only
from course_lib.patient.cohort import SEVERITY, sample_cohort

EVEN = dict.fromkeys(DISEASES, 0.14)  # the prevalence in most of what the classifier learned from

# What may happen to room A, whose films the classifier learned from. Two are other rooms.
CHANGES: dict[str, Scanner] = {
    "other maker": SCANNERS["B"],
    "old plates": SCANNERS["C"],
    "low dose": Scanner("a fiftieth of the dose", "PA", replace(CHEST_PA, mas=CHEST_PA.mas / 50)),
    "grid forgotten": Scanner(
        "the anti-scatter grid stayed in its drawer", "PA", replace(CHEST_PA, grid=False)
    ),
    "new software": Scanner(
        "an update of the processing: fine structures are boosted, large ones flattened",
        "PA",
        replace(CHEST_PA, detail=1.2, compression=0.4),
    ),
}


@dataclass(frozen=True)
class Patients:
    """Patients with at most one finding, and all that is needed to image them again and again.

    rays: path lengths per tissue, one entry per patient; classes (N,): numbers in
    learning.film_classifier.CLASSES; noise (N,): the seed of each film's quantum noise.
    """

    rays: tuple[Projection, ...]
    classes: NDArray[np.intp]
    noise: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rays)

    def some(self, rows: ArrayLike) -> "Patients":
        """Only these patients; rows: numbers or a bool mask."""
        chosen = np.asarray(rows)
        numbers = np.arange(len(self))[chosen if chosen.size else chosen.astype(int)]
        rays = tuple(self.rays[i] for i in numbers)
        return Patients(rays, self.classes[numbers], self.noise[numbers])

    def films(self, technique: Technique = CHEST_PA) -> Tensor:
        """Their films, float32 (N, 1, H, W) in 0..1 in steps of 1/255, bone white.

        The same bits as VirtualChest makes on a scanner with this technique. Raises ValueError if
        the tube stands at another distance than where the rays came from, or nobody is there.
        """
        if not len(self):
            raise ValueError("There is no patient to image.")
        distance = self.rays[0].geometry.source_mm or 0.0
        if abs(technique.source_distance_mm - distance) > 1e-6:
            raise ValueError(
                f"These rays came from {distance:g} mm, this machine's tube stands at "
                f"{technique.source_distance_mm:g} mm: meet the patients again with its view."
            )
        pairs = zip(self.rays, self.noise, strict=True)
        made = [expose(rays, technique, int(seed)).pixels >> 4 for rays, seed in pairs]
        return torch.from_numpy(np.stack(made).astype(np.float32)[:, None] / 255)


def meet(
    n: int,
    seed: int,
    prevalence: Mapping[str, float] | None = None,
    severity: tuple[float, float] = SEVERITY,
    scanner: str = "A",
    size: int = SIZE,
) -> Patients:
    """Draw n virtual patients and follow the rays; those with two findings or more go home.

    prevalence: finding -> probability; 0.14 each where it is left out. severity: Beta (a, b), see
    patient.cohort; the default is that of everyday patients, milder than what the classifier
    learned from. scanner: "A", "B", "C" share rays; "portable" has its own. Same seed, same
    patients. About 30 ms each.
    """
    if n < 1:
        raise ValueError(f"At least one patient is needed, not {n}.")
    machine = scanner_named(scanner)
    specs = sample_cohort(n, seed, EVEN if prevalence is None else prevalence, 1.0, severity)
    shown = [[name in spec.labels for name in DISEASES] + [not spec.labels] for spec in specs]
    kept, classes = one_finding_only(shown)
    distance = machine.technique.source_distance_mm
    rays = tuple(
        _without_solids(path_lengths(specs[i].build(), machine.view, size, None, distance))
        for i in tqdm(kept, desc="meeting patients", unit="patient")
    )
    noise = [np.random.SeedSequence([seed, int(i)]).generate_state(1)[0] for i in kept]
    return Patients(rays, classes, np.array(noise, dtype=np.int64))


def _without_solids(rays: Projection) -> Projection:
    """The same rays; the anatomy behind them, nine tenths of the memory, is not needed again."""
    return replace(rays, patient=replace(rays.patient, parts=(), findings=()))


def blended(first: Technique, second: Technique, dial: float) -> Technique:
    """A machine between two: every number moves with the dial, 0 (first) to 1 (second).

    Numbers that must stay positive move by equal factors (kVp, mAs, lengths); what is either on
    or off, as the grid, switches half-way. Raises ValueError for a dial outside 0..1.
    """
    if not 0 <= dial <= 1:
        raise ValueError(f"The dial goes from 0 to 1, not to {dial}.")
    between = {}
    for field in fields(Technique):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, bool):
            between[field.name] = b if dial > 0.5 else a
        elif field.name in GEOMETRIC:
            between[field.name] = float(a * (b / a) ** dial) if a != b else a
        else:
            between[field.name] = float(a + (b - a) * dial)
    return Technique(**between)


GEOMETRIC = {
    "kvp", "mas", "filtration_mm_al", "source_distance_mm", "scintillator_mm", "noise_kev",
    "sharp_lp_mm", "compression_mm", "detail_mm", "steepness",
}  # fmt: skip


def dialled(change: str, dial: float = 1.0) -> Technique:
    """Room A on its way to one of CHANGES; ValueError lists them."""
    if change not in CHANGES:
        raise ValueError(f"There is no change {change!r}; there are {', '.join(CHANGES)}.")
    return blended(CHEST_PA, CHANGES[change].technique, dial)


def lettered(films: Tensor, letter: str = "P") -> Tensor:
    """The same films (N, 1, H, W) with a ward's letter burned into a corner of every one.

    Raises ValueError for another shape.
    """
    if films.ndim != 4 or films.shape[1] != 1 or not len(films):
        raise ValueError(f"Films have the shape (N, 1, H, W); these are {tuple(films.shape)}.")
    marked = [burn_in(film[0].numpy(), letter) for film in films]
    return torch.from_numpy(np.stack(marked))[:, None]
