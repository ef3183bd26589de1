"""The film judge: a small classifier of real films that says what a generated film shows.

    judge = load_film_judge()
    judge.likelihood(films)     # (N, 6): five findings and "normal", each 0..1
    judge.features(films)       # (N, 90): what it looks at, for distances between sets of films

It learned from virtual patients whom no generator has seen. How it was made and how good it is:
datasets/checkpoints/film_judge/README.md.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from course_lib.data.film_inputs import finite_films, refuse_inverted
from course_lib.data.gan_films import DISEASES, SIZE
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.models.densenet import DenseNet, densenet

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "film_judge"
FILE = "film_judge.pt"
OUTPUTS = (*DISEASES, "normal")


class FilmJudge(NamedTuple):
    """A trained classifier of films (N, 1, 64, 64) in 0..1, bone white.

    model: DenseNet at rest, films to 6 logits; differentiable, and fit for explain.cam.
    findings: the names of its outputs, the last one "normal".
    """

    model: DenseNet
    findings: tuple[str, ...] = OUTPUTS

    def likelihood(self, films: ArrayLike | Tensor, batch: int = 100) -> NDArray[np.float32]:
        """Sigmoid outputs (N, 6) for films that ``ready_films`` accepts."""
        return _in_batches(lambda part: torch.sigmoid(self.model(part)), films, batch)

    def features(self, films: ArrayLike | Tensor, batch: int = 100) -> NDArray[np.float32]:
        """Penultimate features (N, 90): the last maps averaged, what the last layer weighs."""
        return _in_batches(lambda part: self.model.features(part).mean((2, 3)), films, batch)


def ready_films(films: ArrayLike | Tensor, size: int = SIZE) -> Tensor:
    """Films as a tensor float32 (N, 1, size, size), or one sentence that says what is wrong.

    Raises ValueError for another shape, no film, NaN, grey values outside 0..1, and films whose
    lungs are white (inverted grey scale).
    """
    return refuse_inverted(finite_films(films, size))


def new_film_judge(seed: int) -> DenseNet:
    """The network before training: the laptop DenseNet at half of the film's resolution."""
    torch.manual_seed(seed)
    return densenet("laptop", len(OUTPUTS), stem_stride=2)


def save_film_judge(judge: FilmJudge, folder: Path | str) -> Path:
    """Write film_judge.pt into a folder; returns its path."""
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(path, {"findings": list(judge.findings), "model": judge.model.state_dict()})
    return path


def load_film_judge(folder: Path | str | None = None) -> FilmJudge:
    """The judge in a folder; the one that the course brings when none is named.

    Raises CheckpointError if the file is missing, damaged, or of another network.
    """
    path = Path(folder or SHIPPED) / FILE
    content = load_checkpoint(path)
    model = new_film_judge(0)
    try:
        model.load_state_dict(content["model"])
        return FilmJudge(model.eval(), tuple(content["findings"]))
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not hold a film judge of this course ({type(error).__name__}: {error})."
        ) from error


@torch.inference_mode()
def _in_batches(
    answer: Callable[[Tensor], Tensor], films: ArrayLike | Tensor, batch: int
) -> NDArray[np.float32]:
    parts = [answer(part).float() for part in ready_films(films).split(batch)]
    return torch.cat(parts).numpy()
