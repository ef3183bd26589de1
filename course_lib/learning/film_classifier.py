"""The film classifier: one answer out of six, the subject of the lessons on trust.

    classifier = load_film_classifier()
    classifier.probability(films)   # (N, 6): they sum to 1
    classifier.features(films)      # (N, 90)

Films show one of five findings, or none. Unlike the film judge, whose six sigmoids are independent,
a softmax has to choose: so it must answer even where no answer is right. Five members were trained
alike from different seeds, with dropout, so that ensembles and MC dropout have something to vote.
How they were made and how good they are: datasets/checkpoints/film_classifier/README.md.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from course_lib.data.film_inputs import finite_films
from course_lib.data.gan_films import DISEASES, SIZE
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.models.densenet import DenseNet, densenet

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "film_classifier"
CLASSES = ("normal", *DISEASES)
MEMBERS = (0, 1, 2, 3, 4)
DROPOUT = 0.1


class FilmClassifier(NamedTuple):
    """A trained classifier of films (N, 1, 64, 64) in 0..1, bone white.

    model: DenseNet at rest, films to 6 logits; differentiable, and fit for explain.cam.
    classes: the names of its outputs, the first one "normal".
    """

    model: DenseNet
    classes: tuple[str, ...] = CLASSES

    def logits(self, films: ArrayLike | Tensor, batch: int = 250) -> NDArray[np.float32]:
        """Outputs before the softmax (N, 6). Odd pictures are accepted: they are what is tested."""
        return _in_batches(self.model, films, batch)

    def probability(self, films: ArrayLike | Tensor, batch: int = 250) -> NDArray[np.float32]:
        """Softmax outputs (N, 6)."""
        return torch.from_numpy(self.logits(films, batch)).softmax(1).numpy()

    def features(self, films: ArrayLike | Tensor, batch: int = 250) -> NDArray[np.float32]:
        """Penultimate features (N, 90): the last maps averaged, what the last layer weighs."""
        return _in_batches(lambda part: self.model.features(part).mean((2, 3)), films, batch)


def new_film_classifier(seed: int, dropout: float = DROPOUT) -> DenseNet:
    """The network before training: the laptop DenseNet at half of the film's resolution."""
    torch.manual_seed(seed)
    return densenet("laptop", len(CLASSES), stem_stride=2, dropout=dropout)


def save_film_classifier(classifier: FilmClassifier, path: Path | str) -> Path:
    """Write one classifier into a file; half precision, which moves no answer. Returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: _half(value) for name, value in classifier.model.state_dict().items()}
    save_checkpoint(path, {"classes": list(classifier.classes), "model": weights})
    return path


def load_film_classifier(member: int = 0, folder: Path | str | None = None) -> FilmClassifier:
    """Member 0 to 4 of the ensemble that the course brings, or of another folder.

    Raises CheckpointError if its file is missing, damaged, or of another network.
    """
    path = Path(folder or SHIPPED) / f"member_{member}.pt"
    content = load_checkpoint(path)
    model = new_film_classifier(0)
    try:
        model.load_state_dict({name: value.float() for name, value in content["model"].items()})
        return FilmClassifier(model.eval(), tuple(content["classes"]))
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not hold a film classifier of this course "
            f"({type(error).__name__}: {error})."
        ) from error


def load_ensemble(members: Sequence[int] = MEMBERS) -> list[FilmClassifier]:
    """Several members; they differ in the seed only."""
    return [load_film_classifier(member) for member in members]


def one_finding_only(truth: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which films show at most one finding, and the class of each, (M,) and (M,).

    truth: bool (N, 6) of ``data.gan_films.truth_of``, the last column "normal". Class 0 is normal.
    """
    shown = np.asarray(truth, dtype=bool)
    kept = np.flatnonzero(shown.sum(1) == 1)
    return kept, (shown[kept].argmax(1) + 1) % shown.shape[1]


def _half(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


@torch.inference_mode()
def _in_batches(
    answer: Callable[[Tensor], Tensor], films: ArrayLike | Tensor, batch: int
) -> NDArray[np.float32]:
    parts = [answer(part).float() for part in finite_films(films, SIZE).split(batch)]
    return torch.cat(parts).numpy()
