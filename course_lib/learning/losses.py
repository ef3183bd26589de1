"""What is minimised. A loss is called with the model and a batch and returns one number."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

Loss = Callable[[nn.Module, Mapping[str, Tensor]], Tensor]


class MultiLabelLoss:
    """Weighted binary cross-entropy of K independent sigmoid outputs (CheXNet, arXiv:1711.05225).

    positive_weight: (K,) factor of the term of each label where it is present; None for ones.
    The batch holds image (B, C, H, W), target (B, K) in [0, 1] and, if some labels are not known,
    known (B, K) with 1 where they are.
    """

    def __init__(self, positive_weight: Tensor | None = None):
        self.positive_weight = positive_weight

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        logits = model(batch["image"])
        return masked_bce(logits, batch["target"], batch.get("known"), self.positive_weight)


def masked_bce(
    logits: Tensor,
    target: Tensor,
    known: Tensor | None = None,
    positive_weight: Tensor | None = None,
) -> Tensor:
    """Mean of -w y log p - (1 - y) log(1 - p) over the known labels, p = sigmoid(logit).

    logits, target, known (B, K); positive_weight w (K,). An unknown label has no term and no
    gradient; a batch without any known label has loss 0. Raises ValueError for other shapes.
    """
    if logits.shape != target.shape:
        raise ValueError(
            f"The model gave outputs of shape {tuple(logits.shape)} for targets of shape "
            f"{tuple(target.shape)}; it needs one output per label."
        )
    weight = None if positive_weight is None else positive_weight.to(logits)
    target = target.to(logits)
    if known is None:
        return functional.binary_cross_entropy_with_logits(logits, target, pos_weight=weight)
    if known.shape != target.shape:
        raise ValueError(f"known has shape {tuple(known.shape)}, target {tuple(target.shape)}.")
    known = known.to(device=logits.device, dtype=torch.bool)
    target = torch.where(known, target, 0.0)  # whatever stands for "unknown", even NaN, is silenced
    terms = functional.binary_cross_entropy_with_logits(
        logits, target, pos_weight=weight, reduction="none"
    )
    return torch.where(known, terms, 0.0).sum() / known.sum().clamp(min=1)


def positive_weights(target: Tensor, known: Tensor | None = None, limit: float = 20.0) -> Tensor:
    """(K,) weights N/P that let the P positives of a label weigh as much as its N negatives.

    target, known (cases, K). A label with no positive has weight 1: there is nothing to weigh.
    ``limit`` caps the weight, for a handful of very heavy cases makes training unstable.
    """
    mask = torch.ones_like(target, dtype=torch.bool) if known is None else known.bool()
    positives = ((target == 1) & mask).sum(0)
    negatives = ((target == 0) & mask).sum(0)
    weights = negatives / positives.clamp(min=1)
    return torch.where(positives > 0, weights, 1.0).clamp(max=limit)
