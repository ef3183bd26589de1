"""What a trained model says about a data set, kept beside what is true."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import Dataset

from course_lib.learning.loading import make_loader


@dataclass(frozen=True)
class Predictions:
    """Outputs and labels of N cases and K labels, row by row in the order of the data set.

    probability (N, K) float32 in [0, 1]; target (N, K); known (N, K) bool; patient_id (N,).
    """

    probability: NDArray[np.float32]
    target: NDArray[np.float32]
    known: NDArray[np.bool_]
    patient_id: NDArray


@torch.no_grad()
def predict(
    model: nn.Module, dataset: Dataset, batch_size: int = 64, workers: int = 0
) -> Predictions:
    """Sigmoid outputs of ``model`` on every item, in full precision, on the model's own device.

    The items hold image (C, H, W) and target (K,), and may hold known (K,) and patient_id.
    Reduced precision is not used here: rounding makes ties, and ties change an AUC.
    """
    device = next(model.parameters()).device
    model.eval()
    parts: dict[str, list] = {"probability": [], "target": [], "known": [], "patient_id": []}
    for batch in make_loader(dataset, batch_size, workers=workers):
        probability = torch.sigmoid(model(batch["image"].to(device)).float())
        target = batch["target"]
        parts["probability"].append(probability.cpu().numpy())
        parts["target"].append(target.numpy())
        parts["known"].append(batch.get("known", torch.ones_like(target)).numpy().astype(bool))
        parts["patient_id"].append(np.asarray(batch.get("patient_id", [""] * len(target))))
    return Predictions(**{name: np.concatenate(arrays) for name, arrays in parts.items()})
