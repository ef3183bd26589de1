"""Pictures of one class each, kept in memory, and what a trained network says of them."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset


class Pictures(Dataset[dict[str, Tensor]]):
    """Pictures (N, C, H, W) float and their class numbers (N,), for ``ClassLoss`` and ``fit``.

    Raises ValueError if they differ in number.
    """

    def __init__(self, pictures: ArrayLike, classes: ArrayLike) -> None:
        self.pictures = torch.as_tensor(np.asarray(pictures), dtype=torch.float32)
        self.classes = torch.as_tensor(np.asarray(classes), dtype=torch.long)
        if self.pictures.dim() != 4 or self.classes.shape != self.pictures.shape[:1]:
            raise ValueError(
                f"Pictures of shape {tuple(self.pictures.shape)} and classes of shape "
                f"{tuple(self.classes.shape)} do not belong together."
            )

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"image": self.pictures[index], "target": self.classes[index]}


@torch.no_grad()
def class_probabilities(
    model: nn.Module, pictures: ArrayLike, batch_size: int = 128
) -> NDArray[np.float64]:
    """Softmax outputs (N, K) of a model at rest for pictures (N, C, H, W)."""
    model.eval()
    device = next(model.parameters()).device
    batches = torch.as_tensor(np.asarray(pictures), dtype=torch.float32).split(batch_size)
    outputs = [model(batch.to(device)).float().softmax(1).cpu() for batch in batches]
    return torch.cat(outputs).numpy().astype(np.float64)
