"""Answers that cannot be right are dropped; aggregations that a few liars cannot steer."""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.federated.client import Update
from course_lib.federated.server import Aggregate, State, TooFewAnswers
from course_lib.federated.weights import Weights, as_vector, check_alike, from_vector


def screen(updates: Sequence[Update], weights: Weights) -> tuple[list[Update], dict[str, str]]:
    """The updates that can be used, and client -> reason for each that cannot.

    Dropped: other names or shapes, NaN or infinity in weights or loss, no cases.
    """
    kept, reasons = [], {}
    for update in updates:
        reason = what_is_wrong(update, weights)
        if reason:
            reasons[update.name] = reason
        else:
            kept.append(update)
    return kept, reasons


def what_is_wrong(update: Update, weights: Weights) -> str:
    """One sentence about an update that cannot be used; "" if it can."""
    try:
        check_alike(update.weights, weights)
    except ValueError as error:
        return f"wrong shape: {error}"
    for name, value in update.weights.items():
        if not torch.isfinite(value).all():
            return f"NaN or infinity in {name}"
    if update.cases < 1:
        return f"says that it learned from {update.cases} cases"
    return "" if update.loss == update.loss else "its loss is NaN"


def median(weights: Weights, updates: Sequence[Update], state: State) -> tuple[Weights, State]:
    """The median of every single number (Yin 2018); right while liars are fewer than half."""
    rows = _rows(updates)
    middle = rows.quantile(0.5, dim=0, interpolation="midpoint") if len(rows) > 1 else rows[0]
    return from_vector(middle, weights), state


def trimmed_mean(share: float) -> Aggregate:
    """The mean of every number without the highest and lowest share of them (Yin 2018)."""
    if not 0 <= share < 0.5:
        raise ValueError(f"Less than half can be cut off at each end; {share} is not possible.")

    def aggregate(
        weights: Weights, updates: Sequence[Update], state: State
    ) -> tuple[Weights, State]:
        rows = _rows(updates).sort(dim=0).values
        cut = int(share * len(rows))
        return from_vector(rows[cut : len(rows) - cut].mean(0), weights), state

    return aggregate


def krum(faulty: int, keep: int = 1) -> Aggregate:
    """The update(s) that lie closest to their neighbours (Blanchard 2017).

    faulty: liars that must be survived; needs at least 2 * faulty + 3 answers. keep above 1 takes
    the mean of the best ones (multi-Krum). With fewer answers it raises TooFewAnswers.
    """

    def aggregate(
        weights: Weights, updates: Sequence[Update], state: State
    ) -> tuple[Weights, State]:
        if len(updates) < 2 * faulty + 3:
            raise TooFewAnswers(
                f"To survive {faulty} liars Krum needs {2 * faulty + 3} answers; "
                f"{len(updates)} came."
            )
        rows = _rows(updates)
        best = krum_scores(rows, faulty).argsort()[:keep]
        return from_vector(rows[best].mean(0), weights), state

    return aggregate


def krum_scores(rows: Tensor, faulty: int) -> Tensor:
    """For each row of (K, P) the sum of squared distances to its K - faulty - 2 nearest ones."""
    distances = torch.cdist(rows.double(), rows.double()).square()
    nearest = distances.sort(dim=1).values[:, 1 : len(rows) - faulty - 1]
    return nearest.sum(1)


def _rows(updates: Sequence[Update]) -> Tensor:
    return torch.stack([as_vector(update.weights) for update in updates])
