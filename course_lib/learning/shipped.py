"""The CheXNet that the course brings: a small network, trained beforehand on virtual patients.

    chexnet = load_chexnet()
    scores = chexnet.scores(films)            # any source of films, (N, 14) in 0..1
    chexnet.thresholds["nodule"]              # best F1 on validation patients

How it was made and how good it is: datasets/checkpoints/chexnet/README.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from course_lib.data.dataset import FilmDataset
from course_lib.data.preprocess import pad_to_square, resize, to_uint8
from course_lib.data.source import AnySource
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.prediction import Predictions, predict
from course_lib.learning.rare_findings import without_weight
from course_lib.models.densenet import densenet

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "chexnet"
FILE = "chexnet.pt"


class Chexnet(NamedTuple):
    """A trained network with all that is needed to use it.

    model: DenseNet at rest, films (B, 1, size, size) in 0..1 to K logits. findings: names of the K
    outputs. thresholds: finding -> score with the best F1 on validation patients. size: pixels.
    positive_weight: finding -> factor of its positives in the loss, which lifts its scores.
    network, stem_stride: how the model was built (models.densenet.densenet).
    """

    model: nn.Module
    findings: tuple[str, ...]
    thresholds: dict[str, float]
    size: int
    positive_weight: dict[str, float]
    network: str = "laptop"
    stem_stride: int = 2

    def films(self, source: AnySource, masks: bool = False) -> FilmDataset:
        """A source prepared as this network needs it; findings it does not know stay unknown."""
        return FilmDataset(source, self.size, self.findings, masks=masks)

    def prepare(self, images: Sequence[NDArray]) -> torch.Tensor:
        """Pictures float32 (H, W) in 0..1 of any size to one tensor (N, 1, size, size)."""
        ready = [to_uint8(resize(pad_to_square(image), self.size)) for image in images]
        return torch.from_numpy(np.stack(ready))[:, None].float() / 255

    def scores(self, images: Sequence[NDArray], batch: int = 64) -> NDArray[np.float32]:
        """Sigmoid outputs (N, K) for pictures. They rank films; they are no probabilities."""
        films = self.prepare(images)
        with torch.inference_mode():
            parts = [torch.sigmoid(self.model(part)) for part in films.split(batch)]
        return torch.cat(parts).numpy()

    def predict(self, source: AnySource) -> Predictions:
        """Scores, labels and patients of a source that has labels."""
        return predict(self.model, self.films(source))

    def probability(self, scores: NDArray) -> NDArray[np.float64]:
        """Scores (..., K) with the loss's weights taken out again.

        Probabilities for patients like those of the training; for others they are not.
        """
        weight = np.array([self.positive_weight[name] for name in self.findings])
        return without_weight(np.asarray(scores, np.float64), weight)


def f1_thresholds(target: NDArray, score: NDArray) -> NDArray[np.float64]:
    """For each of K columns the score from which on "yes" gives the largest F1; (N, K) each.

    0.5 for a finding that no film shows.
    """
    best = []
    for truth, values in zip(np.asarray(target).T, np.asarray(score, np.float64).T, strict=True):
        order = np.argsort(-values, kind="stable")
        hits = np.cumsum(truth[order] == 1)
        f1 = 2 * hits / (np.arange(1, len(values) + 1) + max(hits[-1], 1))
        f1[:-1][np.diff(values[order]) == 0] = 0  # a threshold cannot lie between equal scores
        best.append(values[order][f1.argmax()] if hits[-1] else 0.5)
    return np.array(best)


def save_chexnet(chexnet: Chexnet, folder: Path | str) -> Path:
    """Write chexnet.pt into a folder; returns its path."""
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {**chexnet._asdict(), "findings": list(chexnet.findings)}
    content["model"] = chexnet.model.state_dict()
    save_checkpoint(path, content)
    return path


def load_chexnet(folder: Path | str | None = None) -> Chexnet:
    """The network in a folder; the one that the course brings when none is named.

    Raises CheckpointError if the file is missing, damaged, or of another kind.
    """
    path = Path(folder or SHIPPED) / FILE
    content = load_checkpoint(path)
    try:
        findings = tuple(content["findings"])
        stride = {} if content["network"] == "paper" else {"stem_stride": content["stem_stride"]}
        model = densenet(content["network"], len(findings), **stride)
        model.load_state_dict(content["model"])
        return Chexnet(**{**content, "model": model.eval(), "findings": findings})
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not hold a CheXNet of this course ({type(error).__name__}: {error})."
        ) from error
