"""One class per film: cross-entropy, softened labels, and help from auxiliary classifiers.

Sources: label smoothing, Szegedy et al., arXiv:1512.00567, section 7; the weight 0.3 of auxiliary
classifiers, Szegedy et al., arXiv:1409.4842, section 5.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


def smoothed_targets(target: Tensor, classes: int, smoothing: float = 0.1) -> Tensor:
    """Class numbers (B,) as probabilities (B, classes): 1 - s for the class, s spread over all.

    A network that must reach probability 1 drives its logits apart without end; one that aims at
    0.9 stops. Raises ValueError if `smoothing` is not in [0, 1) or a class number does not exist.
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"Smoothing is a share from 0 to below 1, not {smoothing}.")
    if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < classes:
        raise ValueError(f"Class numbers must lie between 0 and {classes - 1}.")
    one_hot = nn.functional.one_hot(target, classes).float()
    return (1 - smoothing) * one_hot + smoothing / classes


def smoothed_cross_entropy(logits: Tensor, target: Tensor, smoothing: float = 0.1) -> Tensor:
    """Mean over the batch of -sum_k q_k log p_k, q the smoothed targets, p = softmax(logits).

    logits (B, K), target (B,) class numbers.
    """
    wanted = smoothed_targets(target, logits.shape[1], smoothing).to(logits)
    return -(wanted * logits.log_softmax(1)).sum(1).mean()


class ClassLoss:
    """The loss of films that belong to exactly one of K classes each.

    The batch holds image (B, C, H, W) and target (B,), class numbers.

    smoothing: share of the label that is spread over all classes; Inception v3 takes 0.1.
    auxiliary: weight of each auxiliary classifier; above 0 the model is called with
        `auxiliaries=True` while it trains (GoogLeNet, Inception v2 and v3).
    measure: called as measure(logits, target); smoothed cross-entropy when omitted.
    """

    def __init__(
        self,
        smoothing: float = 0.0,
        auxiliary: float = 0.0,
        measure: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        self.auxiliary = auxiliary
        self.measure = measure or (lambda z, t: smoothed_cross_entropy(z, t, smoothing))

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        image, target = batch["image"], batch["target"]
        if not (self.auxiliary and model.training):  # at rest only the main classifier counts
            return self.measure(model(image), target)
        main, *others = model(image, auxiliaries=True)
        helped = torch.stack([self.measure(logits, target) for logits in others]).sum()
        return self.measure(main, target) + self.auxiliary * helped
