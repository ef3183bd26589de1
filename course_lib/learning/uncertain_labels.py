"""What to do with labels that say "perhaps": the policies of CheXpert.

    ignore     an uncertain label has no term in the loss
    ones       it counts as present          zeros      it counts as absent
    multi      a third class of its own; at the end only present and absent compete
    self       train with "ignore", ask that network about the uncertain films, train again

Source: Irvin et al., CheXpert, arXiv:1901.07031, section 3.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Policy = Literal["ignore", "ones", "zeros", "multi", "self"]
ABSENT, PRESENT, UNCERTAIN = 0, 1, 2


def hedge_labels(
    target: NDArray, severity: NDArray, share: float, rng: np.random.Generator, false: float = 0.1
) -> NDArray[np.bool_]:
    """Which labels (N, K) a careful reporter would hedge: most of the mild, few of the healthy.

    A film with the finding is hedged with probability share * 2 (1 - severity), at most 1; a film
    without it with probability false * share. severity (N, K) lies in 0..1.
    """
    mild = np.clip(2 * share * (1 - severity), 0, 1)
    chance = np.where(np.asarray(target) == 1, mild, false * share)
    return rng.random(np.shape(target)) < chance


def policy_labels(
    policy: Policy, target: NDArray, uncertain: NDArray
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(targets, known) (N, K) for a loss; "multi" gives class numbers 0, 1, 2, all known.

    Raises ValueError for an unknown policy, and for "self", which needs a network first.
    """
    target, uncertain = np.asarray(target, np.float32), np.asarray(uncertain, bool)
    values = {"ignore": 0.0, "ones": PRESENT, "zeros": ABSENT, "multi": UNCERTAIN}
    if policy not in values:
        raise ValueError(f"policy must be one of {', '.join(values)} here, not {policy!r}.")
    known = ~uncertain if policy == "ignore" else np.ones_like(uncertain)
    return np.where(uncertain, np.float32(values[policy]), target), known


def own_opinion(
    target: NDArray, uncertain: NDArray, probability: NDArray
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Self-training: uncertain labels become the first network's probabilities (N, K)."""
    mixed = np.where(uncertain, probability, target).astype(np.float32)
    return mixed, np.ones_like(uncertain, dtype=bool)


class ThreeClassLoss:
    """Cross-entropy over absent, present, uncertain for each of K findings.

    The model gives (B, 3 K); the batch's target (B, K) holds class numbers.
    """

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        target = batch["target"].long()
        logits = model(batch["image"]).reshape(*target.shape, 3)
        return functional.cross_entropy(logits.flatten(0, 1), target.to(logits.device).flatten())


class PresentAgainstAbsent(nn.Module):
    """A three-class network seen as K logits: present minus absent; "uncertain" is left out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, films: Tensor) -> Tensor:
        """(B, C, H, W) to (B, K); the sigmoid is the softmax over the two remaining classes."""
        logits = self.network(films)
        three = logits.reshape(len(logits), -1, 3)
        return three[..., PRESENT] - three[..., ABSENT]


def flip_labels(target: NDArray, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Labels with mistakes that keep the prevalence: of each finding `share` are missed.

    As many films without the finding get it instead. target (N, K) of 0 and 1. Raises ValueError
    for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"The share of wrong labels lies between 0 and 1, not {share}.")
    noisy = np.array(target, np.float32)
    for column in noisy.T:
        present, absent = np.flatnonzero(column == 1), np.flatnonzero(column == 0)
        wrong = min(round(share * len(present)), len(absent))
        column[rng.choice(present, wrong, replace=False)] = 0
        column[rng.choice(absent, wrong, replace=False)] = 1
    return noisy


def as_batches_expect(dataset, target: NDArray, known: NDArray) -> None:
    """Give a FilmDataset other labels than its source has (for training only)."""
    if np.shape(target) != dataset.targets.shape or np.shape(known) != dataset.known.shape:
        raise ValueError(f"Labels must have shape {dataset.targets.shape}, not {np.shape(target)}.")
    dataset.targets = np.asarray(target, np.float32)
    dataset.known = np.asarray(known, bool)
