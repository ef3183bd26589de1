"""Networks that answer with numbers: an age, a size, a ratio.

scale = Scale.of(training_values)
fit(model, Pairs(pictures, scale.small(values)), ..., NumberLoss("huber"), plan)
answers = predicted_values(model, test_pictures, scale)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

Penalty = Literal["squared", "absolute", "huber"]


class NumberLoss:
    """Mean penalty of the differences d between model(input) and target, both (B, K).

    "squared": d^2, least for the mean of what is possible; one typing error pulls with its full
    distance. "absolute": |d|, least for the median; every error pulls with the same force.
    "huber": d^2 / 2 up to `delta`, delta (|d| - delta / 2) beyond (Huber, Ann Math Stat
    1964;35:73): squared near by, absolute far away. A target that is NaN is not known and is left
    out. Raises ValueError for another penalty, other shapes or a delta that is not positive.
    """

    def __init__(self, penalty: Penalty = "squared", delta: float = 1.0) -> None:
        if penalty not in get_args(Penalty):
            raise ValueError(
                f"Unknown penalty {penalty!r}; choose from {', '.join(get_args(Penalty))}."
            )
        if not delta > 0:
            raise ValueError(f"delta is a distance above 0, not {delta}.")
        self.penalty, self.delta = penalty, delta

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        return self.between(model(batch["input"]), batch["target"])

    def between(self, answers: Tensor, targets: Tensor) -> Tensor:
        """The mean penalty of answers (B, K) against targets (B, K)."""
        if answers.shape != targets.shape:
            raise ValueError(
                f"The model gave {tuple(answers.shape)} where the target is "
                f"{tuple(targets.shape)}; it needs one output per number."
            )
        known = ~torch.isnan(targets)
        answers, targets = answers[known], targets[known].to(answers)
        if not known.any():
            return answers.sum()  # zero, with a gradient of zero
        if self.penalty == "squared":
            return functional.mse_loss(answers, targets)
        if self.penalty == "absolute":
            return functional.l1_loss(answers, targets)
        return functional.huber_loss(answers, targets, delta=self.delta)


@dataclass(frozen=True)
class Scale:
    """Mean (K,) and standard deviation (K,) of the training values.

    Years and ratios differ a hundredfold; brought to one scale, each counts alike in the loss, and
    a new network, whose outputs are near 0, begins with the mean as its answer.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, values: ArrayLike) -> "Scale":
        """The scale of values (N, K); NaN counts as not known.

        Raises ValueError where a column does not vary.
        """
        array = np.asarray(values, dtype=np.float64)
        mean, spread = np.nanmean(array, axis=0), np.nanstd(array, axis=0)
        if array.ndim != 2 or not (spread > 0).all():
            raise ValueError("Every number to be learned needs a column of values that differ.")
        return cls(mean, spread)

    def small(self, values: ArrayLike) -> Tensor:
        """Values (N, K) with mean 0 and standard deviation 1, as the network learns them."""
        return torch.as_tensor((np.asarray(values) - self.mean) / self.spread, dtype=torch.float32)

    def large(self, answers: ArrayLike) -> NDArray[np.float64]:
        """Answers (N, K) of the network in years, mm or whatever the values were in."""
        return np.asarray(answers, dtype=np.float64) * self.spread + self.mean


@torch.no_grad()
def predicted_values(
    model: nn.Module, pictures: ArrayLike, scale: Scale, batch_size: int = 128
) -> NDArray[np.float64]:
    """Numbers (N, K), in their own units, of a model at rest for pictures (N, C, H, W)."""
    model.eval()
    device = next(model.parameters()).device
    batches = torch.as_tensor(np.asarray(pictures), dtype=torch.float32).split(batch_size)
    answers = torch.cat([model(batch.to(device)).float().cpu() for batch in batches])
    return scale.large(answers.numpy())
