"""What a training run is told beforehand, and the learning rate that follows from it."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

SCHEDULES = Literal["cosine", "plateau", "halving", "constant"]


@dataclass(frozen=True)
class Plan:
    """The settings of a training run. Same plan, data and weights at the start: same result.

    epochs: how often every training case is shown.
    batch_size: cases per step (in each process, when there are several).
    learning_rate: the highest learning rate of the run.
    schedule: "cosine" warms up over the first tenth of the run and then falls to zero;
        "plateau" divides by ten after each epoch that brings no better validation loss (CheXNet);
        "halving" halves after `halve_after` epochs without a better validation loss, and ends
        the run after as many once the rate has fallen below `lowest_rate` (SCXNN);
        "constant" does none of these.
    optimiser: "adam", "adamw", "rmsprop" or "sgd" (with momentum 0.9).
    patience: stop after so many epochs without a better validation loss; None never stops early.
    workers: processes that load the data; 0 loads in this one.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-3
    schedule: SCHEDULES = "cosine"
    optimiser: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    weight_decay: float = 0.0
    patience: int | None = None
    seed: int = 0
    workers: int = 0
    halve_after: int = 50
    lowest_rate: float = 1e-4

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("A plan needs at least one epoch and one case per batch.")
        if self.patience is not None and self.patience < 1:
            raise ValueError("Patience is a number of epochs, 1 or more; None never stops early.")
        if not self.learning_rate > 0:
            raise ValueError(f"The learning rate must be above zero; it is {self.learning_rate}.")
        if self.schedule not in get_args(SCHEDULES):
            known = ", ".join(get_args(SCHEDULES))
            raise ValueError(f"Unknown schedule {self.schedule!r}; choose from {known}.")
        if self.halve_after < 1 or not self.lowest_rate > 0:
            raise ValueError("Halving needs halve_after of 1 epoch or more and a lowest_rate > 0.")
        if self.optimiser not in ("adam", "adamw", "rmsprop", "sgd"):
            raise ValueError(f"Unknown optimiser {self.optimiser!r}: adam, adamw, rmsprop or sgd.")


def cosine_rate(plan: Plan, step: int, steps: int) -> float:
    """Learning rate of step ``step`` of ``steps``: a linear warm-up, then half a cosine to zero."""
    warm_up = max(1, steps // 10)
    if step < warm_up:
        return plan.learning_rate * (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def epochs_without_gain(losses: list[float]) -> int:
    """How many epochs at the end of a list of validation losses brought no new minimum."""
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def stale_epochs(losses: list[float], rates: list[float]) -> int:
    """How many epochs at the end brought no new minimum and ran at the present learning rate.

    losses, rates: validation loss and learning rate of every epoch so far. A new minimum or a new
    rate starts the count again.
    """
    at_this_rate = 0
    for rate in reversed(rates):
        if rate != rates[-1]:
            break
        at_this_rate += 1
    return min(epochs_without_gain(losses), at_this_rate)
