"""What SCXNN minimises: cross-entropy of the class plus lambda times the error of the painting."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional


class ScxnnLoss:
    """-w_y log softmax(logits)_y + weight * mean((painted - lesion)^2) (Kim 2024, section 3.3.4).

    weight: lambda, 0.8 in the thesis. class_weight: (K,) weights w of the classes; None for ones.
    The model gives logits (B, K) and painted (B, 1, H, W) or None; the batch holds image, class
    (B,) and lesion (B, 1, H, W). Where nothing is painted the second term is missing.
    """

    def __init__(self, weight: float = 0.8, class_weight: Tensor | None = None) -> None:
        if weight < 0:
            raise ValueError(f"The weight of the reconstruction is 0 or more, not {weight}.")
        self.weight, self.class_weight = weight, class_weight

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        logits, painted = model(batch["image"])
        balance = None if self.class_weight is None else self.class_weight.to(logits.device)
        loss = functional.cross_entropy(logits.float(), batch["class"], balance)
        if painted is None or self.weight == 0:
            return loss
        return loss + self.weight * functional.mse_loss(painted.float(), batch["lesion"])
