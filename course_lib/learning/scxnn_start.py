"""A common start for thirteen small encoders, in the place of ImageNet.

The thesis starts each DenseNet-121 from weights that have seen 1.3 million photographs. Nobody has
such weights for the small DenseNet of the laptop preset. So one encoder first learns to name all
diseases of the training films at once; thirteen copies of it then go their own ways.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from course_lib.data.scxnn import PreparedFilms
from course_lib.data.scxnn_augment import ScxnnAugmentation
from course_lib.learning.checkpoint import load_checkpoint
from course_lib.learning.losses import MultiLabelLoss, positive_weights
from course_lib.learning.plan import Plan
from course_lib.learning.scxnn_screening import SHIPPED
from course_lib.learning.trainer import fit
from course_lib.models.scxnn_encoders import encoder

START_FILE = "start.pt"


class NamingDataset(Dataset):
    """Films of one or more prepared sets with all their diseases, as MultiLabelLoss takes them:
    image (1, size, size), target (D,) and known (D,)."""

    def __init__(
        self,
        parts: tuple[PreparedFilms, ...],
        diseases: tuple[str, ...],
        augment: ScxnnAugmentation | None = None,
        seed: int = 0,
    ) -> None:
        self.places = [(part, i) for part in parts for i in range(len(part))]
        labels = [part.records[i].label_vector(diseases) for part, i in self.places]
        self.targets = torch.from_numpy(np.stack([targets for targets, _ in labels]))
        self.known = torch.from_numpy(np.stack([known for _, known in labels]))
        self.augment, self.seed, self.epoch = augment, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch begins: film i in epoch e always changes in the same way."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        part, place = self.places[index]
        film = part.film(place).astype(np.float32) / 255
        if self.augment is not None:
            random = np.random.default_rng([self.seed, self.epoch, index])
            film = self.augment.draw(random).on_image(film)
        return {
            "image": torch.from_numpy(film)[None],
            "target": self.targets[index],
            "known": self.known[index],
        }


def common_start(
    backbone: str,
    training: tuple[PreparedFilms, ...],
    validation: PreparedFilms,
    diseases: tuple[str, ...],
    plan: Plan,
    folder: Path | str | None = None,
) -> nn.Module:
    """An encoder that has learned to name all `diseases` of the training films (no masks needed).

    folder: keeps the run, so that it can be resumed. Its last layer has one output per disease.
    """
    torch.manual_seed(plan.seed)
    network = encoder(backbone, len(diseases))
    train = NamingDataset(training, diseases, ScxnnAugmentation(), plan.seed)
    check = NamingDataset((validation,), diseases)
    loss = MultiLabelLoss(positive_weights(train.targets, train.known, limit=5.0))
    fit(network, train, check, loss, plan, folder)
    return network.eval()


def load_start(folder: Path | str | None = None) -> dict[str, Tensor]:
    """The common start in a folder, or the one that the course brings, for `load_encoder`.

    Raises CheckpointError if it is missing or damaged.
    """
    return load_checkpoint(Path(folder or SHIPPED) / START_FILE)["weights"]
