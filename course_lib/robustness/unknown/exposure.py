"""Outlier exposure: show the network films that are nothing, and teach it to say so.

Hendrycks, Mazeika and Dietterich, ICLR 2019, arXiv:1812.04606. Besides its own films the network is
shown outliers, and pays when its answer to them is anything but "all classes alike". It then knows
those outliers; whether it knows others is the question. Two sorts are compared: cheap ones, made of
known films without any patient, and these together with four diseases that the course's unknown
sets lack.
"""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from course_lib.data.gan_films import SIZE, film_stack
from course_lib.generative.anomaly_films import chests_with
from course_lib.learning.film_classifier import FilmClassifier, load_film_classifier
from course_lib.learning.film_judge_training import JudgedFilms
from course_lib.learning.loading import epoch_seed

SHIPPED = Path(__file__).resolve().parents[3] / "datasets" / "checkpoints" / "outlier_exposure"
KINDS = ("cheap", "diseases")
DISEASE_SEEDS = {
    "edema": 6350,
    "emphysema": 6351,
    "active_tuberculosis": 6352,
    "pleural_calcification": 6353,
}


def load_exposed(kind: str = "cheap", folder: Path | str | None = None) -> FilmClassifier:
    """Member 0 of the film classifiers after exposure to outliers of this kind (see KINDS)."""
    if kind not in KINDS:
        raise ValueError(f"There is no exposure to {kind!r}; choose from {', '.join(KINDS)}.")
    return load_film_classifier(0, Path(folder or SHIPPED) / kind)


def exposure_loss(
    logits: Tensor, target: Tensor, outlier_logits: Tensor, weight: float = 0.5
) -> Tensor:
    """Cross-entropy of known films, plus weight times that of outliers with "all classes alike".

    logits (N, K), target (N,), outlier_logits (M, K). The second term is smallest, log K, where all
    probabilities are 1 / K. weight 0.5 as in the paper.
    """
    doubt = -outlier_logits.log_softmax(1).mean(1).mean()
    return functional.cross_entropy(logits, target) + weight * doubt


class ExposureLoss:
    """The same for the training loop: the batch holds image, target and outlier."""

    def __init__(self, weight: float = 0.5) -> None:
        self.weight = weight

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        known = len(batch["image"])
        logits = model(torch.cat([batch["image"], batch["outlier"]]))  # one pass, as in the paper
        return exposure_loss(logits[:known], batch["target"], logits[known:], self.weight)


class ExposedFilms(JudgedFilms):
    """Known films uint8 (N, 1, H, W), each with an outlier that seed and epoch draw.

    outliers uint8 (M, 1, H, W); classes (N,). Known films are moved a little, as when the network
    was trained first.
    """

    def __init__(
        self, films: Tensor, classes: NDArray, outliers: Tensor, shift: int = 0, seed: int = 0
    ) -> None:
        self.outliers = outliers
        if len(outliers) == 0:
            raise ValueError("Exposure needs at least one outlier.")
        super().__init__(films, classes, shift, seed)
        self.truth = self.truth.long()

    def set_epoch(self, epoch: int) -> None:
        super().set_epoch(epoch)
        random = np.random.default_rng([epoch_seed(self.seed, epoch), 1])
        self.partners = random.integers(0, len(self.outliers), len(self.films))

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        outlier = self.outliers[self.partners[index]].float() / 255
        return {**super().__getitem__(index), "outlier": outlier}


def cheap_outliers(films: Tensor, n: int, seed: int) -> Tensor:
    """n pictures uint8 (n, 1, 64, 64) made of known films uint8 (N, 1, 64, 64), in turn by

    cutting a film into tiles and shuffling them, laying two films over each other (one of them
    upside down), and random clouds.
    """
    rng = np.random.default_rng(seed)
    grey = films[:, 0].numpy().astype(np.float32) / 255
    recipes = (_tiles, _double_exposure, _clouds)
    made = [recipes[i % 3](grey[rng.permutation(len(grey))[:2]], rng) for i in range(n)]
    return torch.from_numpy(np.round(np.stack(made) * 255).astype(np.uint8))[:, None]


def disease_outliers(n: int, **options) -> Tensor:
    """n films (uint8) of each of four diseases that are neither known nor tested on. options: of
    VirtualChest."""
    chests = [chests_with(name, n, seed, **options) for name, seed in DISEASE_SEEDS.items()]
    return torch.cat([film_stack(some) for some in chests])


def _tiles(pair: NDArray, rng: np.random.Generator) -> NDArray:
    side = int(rng.choice([8, 16, 32]))
    across = SIZE // side
    tiles = pair[0].reshape(across, side, across, side).swapaxes(1, 2).reshape(-1, side, side)
    mixed = rng.permutation(tiles).reshape(across, across, side, side)
    return mixed.swapaxes(1, 2).reshape(SIZE, SIZE)


def _double_exposure(pair: NDArray, rng: np.random.Generator) -> NDArray:
    share = rng.uniform(0.35, 0.65)
    return share * pair[0] + (1 - share) * pair[1][::-1]


def _clouds(pair: NDArray, rng: np.random.Generator) -> NDArray:
    blurred = cv2.GaussianBlur(rng.normal(size=(SIZE, SIZE)), (0, 0), rng.uniform(0.5, 8))
    blurred = (blurred - blurred.mean()) / blurred.std()
    return np.clip(rng.uniform(0.2, 0.8) + rng.uniform(0.05, 0.25) * blurred, 0, 1)
