"""Losses for findings that most films do not show.

With y in {0, 1}, p = sigmoid(logit), P films with a finding and N without:

    plain      -y log p - (1 - y) log(1 - p)                     CheXNet's fourteen outputs
    balanced   factor N / P on the first term                    see ``losses.positive_weights``
    chexnet    factors N / (P + N) and P / (P + N)               CheXNet's pneumonia detector, eq. 1
    focal      factor (1 - p)^g where y = 1, p^g where y = 0     Lin et al., arXiv:1708.02002, eq. 4

CheXNet: Rajpurkar et al., arXiv:1711.05225.
"""

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.learning.losses import MultiLabelLoss, positive_weights

Weighting = Literal["plain", "balanced", "chexnet", "focal"]
Measure = Callable[[Tensor, Tensor], Tensor]


class KnownTermsLoss:
    """The mean of ``measure(logits, target)`` (B, K) over the labels that are known.

    The batch is that of ``MultiLabelLoss``; a batch without any known label has loss 0.
    """

    def __init__(self, measure: Measure) -> None:
        self.measure = measure

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        logits = model(batch["image"])
        target = batch["target"].to(logits)
        known = batch.get("known", torch.ones_like(target)).to(logits.device, torch.bool)
        terms = self.measure(logits, torch.where(known, target, 0.0))
        return torch.where(known, terms, 0.0).sum() / known.sum().clamp(min=1)


def two_sided_terms(logits: Tensor, target: Tensor, present: Tensor, absent: Tensor) -> Tensor:
    """-present y log p - absent (1 - y) log(1 - p); logits, target (B, K), factors (K,)."""
    yes = -functional.logsigmoid(logits) * present.to(logits)
    no = -functional.logsigmoid(-logits) * absent.to(logits)
    return target * yes + (1 - target) * no


def focal_terms(logits: Tensor, target: Tensor, focus: float = 2.0) -> Tensor:
    """Cross-entropy (B, K), each term times (1 - probability of the true answer)^focus.

    Films that are answered well already hardly count any more. focus 0 is the plain loss.
    """
    plain = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (1 - torch.exp(-plain)) ** focus * plain


def chexnet_factors(target: Tensor, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """CheXNet's w+ = N / (P + N) and w- = P / (P + N), (K,) each; target, known (cases, K).

    A label with no known case gets zeros: there is nothing to learn.
    """
    mask = torch.ones_like(target, dtype=torch.bool) if known is None else known.bool()
    present = ((target == 1) & mask).sum(0).float()
    absent = ((target == 0) & mask).sum(0).float()
    cases = (present + absent).clamp(min=1)
    return absent / cases, present / cases


def loss_named(weighting: Weighting, target: Tensor, known: Tensor | None = None):
    """A loss of the table above for training labels target, known (cases, K).

    Raises ValueError for another name.
    """
    if weighting == "plain":
        return MultiLabelLoss()
    if weighting == "balanced":
        return MultiLabelLoss(positive_weights(target, known))
    if weighting == "chexnet":
        present, absent = chexnet_factors(target, known)
        return KnownTermsLoss(lambda z, y: two_sided_terms(z, y, present, absent))
    if weighting == "focal":
        return KnownTermsLoss(focal_terms)
    known_names = ", ".join(get_args(Weighting))
    raise ValueError(f"Unknown weighting {weighting!r}; choose from {known_names}.")


def without_weight(score, weight):
    """The probability behind a score that was trained with a positive factor ``weight``.

    A loss with factor w on the positives is smallest at s = w p / (w p + 1 - p), not at p: the
    weight adds log w to the logit. This takes it away: p = s / (s + w (1 - s)). Arrays broadcast.
    (The same algebra corrects for a changed prevalence: Saerens et al., Neural Comput 2002;14:21.)
    """
    return score / (score + weight * (1 - score))
