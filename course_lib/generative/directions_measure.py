"""Is it still the same patient? Heart size, chest and weight, read off a film.

A generated film has no patient behind it, so nobody knows its true heart size. But virtual films
have one: a small network learns from them to read three numbers of the body, and how marked each
disease is. Then it reads the generated ones. Its own error, and what a disease alone does to its
readings, is measured on pairs of films of the same virtual patient, healthy and ill.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from tqdm.auto import tqdm

from course_lib.data.gan_films import DISEASES, SEVERITY, SIZE, film_stack
from course_lib.data.heart_size import heart_size
from course_lib.data.virtual import VirtualChest
from course_lib.generative.directions import Array
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.film_judge import ready_films
from course_lib.learning.pairs import Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.regression import NumberLoss, Scale, predicted_values
from course_lib.learning.trainer import fit
from course_lib.models.densenet import DenseNet, densenet

BODY = ("heart_ratio", "chest_mm", "bmi")
SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "steering"
FILE = "measure.pt"


class Measure(NamedTuple):
    """A trained reader of films: numbers (N, 8), first BODY, then the severity of each disease.

    heart_ratio: cardiothoracic ratio; chest_mm: inner width of the chest; bmi in kg/m^2; severities
    from 0 (absent) to 1. spread (3,): standard deviation of BODY over patients.
    """

    model: nn.Module
    scale: Scale
    names: tuple[str, ...] = (*BODY, *DISEASES)

    @property
    def spread(self) -> Array:
        """Standard deviation of each of BODY over the patients it learned from."""
        return self.scale.spread[: len(BODY)]

    def numbers(self, films: ArrayLike | torch.Tensor) -> Array:
        """The eight numbers of films (N, 1, 64, 64) in 0..1, checked by film_judge.ready_films."""
        return predicted_values(self.model, ready_films(films).numpy(), self.scale)

    def body(self, films: ArrayLike | torch.Tensor) -> Array:
        """Heart ratio, chest width in mm and BMI, (N, 3)."""
        return self.numbers(films)[:, : len(BODY)]


def true_numbers(cohort: VirtualChest, progress: bool = False) -> Array:
    """What `Measure` has to learn, (N, 8), from the patients behind the films: 20 ms each."""
    rows = []
    for spec in tqdm(cohort.specs, desc="measuring patients", disable=not progress):
        patient = spec.build()
        shown = patient.labels
        size = heart_size(patient)
        body = (size.ratio, size.chest_mm, patient.body.bmi)
        rows.append((*body, *(shown.get(name, 0.0) for name in DISEASES)))
    return np.array(rows)


def train_measure(
    films: NDArray[np.uint8], numbers: Array, seed: int = 0, epochs: int = 8, **options
) -> Measure:
    """Learn to read the numbers (N, 8) off films uint8 (N, 1, 64, 64); the last tenth validates.

    options: of learning.trainer.fit (folder, fabric). Three minutes on one core for 4,000 films.
    Raises ValueError for shapes that do not fit.
    """
    if len(films) != len(numbers):
        raise ValueError(f"{len(films)} films and {len(numbers)} rows of numbers do not fit.")
    cut = len(films) - len(films) // 10
    scale = Scale.of(numbers[:cut])
    pictures = torch.from_numpy(films).float() / 255
    target = scale.small(numbers)
    torch.manual_seed(seed)
    model = new_measure(numbers.shape[1])
    plan = Plan(epochs=epochs, batch_size=32, learning_rate=3e-3, seed=seed)
    train, check = (Pairs(pictures[part], target[part]) for part in (slice(cut), slice(cut, None)))
    fit(model, train, check, NumberLoss("huber"), plan, **options)
    return Measure(model.eval(), scale)


def new_measure(outputs: int = len(BODY) + len(DISEASES)) -> DenseNet:
    """The network before training: the laptop DenseNet, from 64 pixels on at half the size."""
    return densenet("laptop", outputs, stem_stride=2)


def save_measure(measure: Measure, folder: Path | str) -> Path:
    """Write measure.pt into a folder, weights in 16 bits; returns its path."""
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.half() if value.is_floating_point() else value
        for name, value in measure.model.state_dict().items()
    }
    scale = {"mean": measure.scale.mean.tolist(), "spread": measure.scale.spread.tolist()}
    save_checkpoint(path, {"names": list(measure.names), "scale": scale, "model": weights})
    return path


def load_measure(folder: Path | str | None = None) -> Measure:
    """The measure in a folder; the course's own when none is named.

    Raises CheckpointError if the file is missing, damaged, or of another network.
    """
    path = Path(folder or SHIPPED) / FILE
    content = load_checkpoint(path)
    try:
        names, scale = tuple(content["names"]), content["scale"]
        model = new_measure(len(names))
        model.load_state_dict(content["model"])
        numbers = Scale(np.array(scale["mean"]), np.array(scale["spread"]))
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not hold a measure of this course ({type(error).__name__}: {error})."
        ) from error
    return Measure(model.eval(), numbers, names)


class Twins(NamedTuple):
    """The same patients, healthy and with one disease: films float32 (N, 1, 64, 64) in 0..1.

    where (64, 64): share of the ill films whose mask covers a pixel.
    """

    healthy: NDArray[np.float32]
    ill: NDArray[np.float32]
    where: Array


def twins(disease: str, n: int = 30, seed: int = 5210, **options) -> Twins:
    """n virtual patients imaged twice, without and with a disease. options: of VirtualChest.

    The films are kept in the cache. Raises ValueError for a disease that is not in DISEASES.
    """
    if disease not in DISEASES:
        raise ValueError(f"{disease!r} is not one of {', '.join(DISEASES)}.")
    nobody = dict.fromkeys(DISEASES, 0.0)
    well, sick = (
        VirtualChest(n, seed, SIZE, DISEASES, prevalence=share, severity=SEVERITY, **options)
        for share in (nobody, nobody | {disease: 1.0})
    )
    masks = [sick[i].masks.get(disease) for i in range(n)]
    where = np.mean([mask for mask in masks if mask is not None], axis=0)
    healthy, ill = ((film_stack(cohort).float() / 255).numpy() for cohort in (well, sick))
    return Twins(healthy, ill, where)
