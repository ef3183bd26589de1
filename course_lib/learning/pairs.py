"""Image to image: pairs to learn from, and what is minimised between them."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset


class Pairs(Dataset[dict[str, Tensor]]):
    """What goes in and what should come out, kept in memory.

    inputs (cases, ...) and targets (cases, ...), both float; further arrays by name (a sampling
    mask, coil maps) reach the loss with them. Raises ValueError if they differ in number.
    """

    def __init__(self, inputs: Tensor, targets: Tensor, **more: Tensor) -> None:
        self.arrays = {"input": inputs, "target": targets, **more}
        sizes = {name: len(array) for name, array in self.arrays.items()}
        if len(set(sizes.values())) != 1:
            raise ValueError(f"Every input needs its target, but the numbers differ: {sizes}.")

    def __len__(self) -> int:
        return len(self.arrays["input"])

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {name: array[index] for name, array in self.arrays.items()}


class PairLoss:
    """Mean squared ("l2") or absolute ("l1") difference between model(input) and target.

    arguments: names of further arrays of the pairs that the model takes after its input.
    """

    def __init__(self, kind: str = "l2", arguments: tuple[str, ...] = ()) -> None:
        if kind not in ("l1", "l2"):
            raise ValueError(f"The loss is 'l1' or 'l2', not {kind!r}.")
        self.measure = functional.l1_loss if kind == "l1" else functional.mse_loss
        self.arguments = arguments

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        output = model(batch["input"], *(batch[name] for name in self.arguments))
        if output.shape != batch["target"].shape:
            raise ValueError(
                f"The model gave {tuple(output.shape)} where the target is "
                f"{tuple(batch['target'].shape)}; they must be alike."
            )
        return self.measure(_real(output), _real(batch["target"]))


def _real(values: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones, so that both losses can take them."""
    return torch.view_as_real(values) if values.is_complex() else values
