"""Three defences against changed films: train with them, clean every film, or raise the alarm.

    robust = fit(model, ..., loss=AdversarialLoss(eps=2 / 255))    # learn from attacked films
    cleaned = Cleaned(model, gaussian)                             # denoise, then answer
    alarm = AttackDetector()(films) > threshold                    # a side model looks for attacks

Each is a function of films that can be differentiated, so an attacker who knows it goes through it:
``attacks.pgd(cleaned, ...)``, and ``attacks.ascend(unnoticed(model, detector, threshold), ...)``.
What cannot be differentiated (JPEG) is passed on the way back as if it were not there: BPDA,
Athalye et al., arXiv:1802.00420, section 4.1.

Sources: adversarial training, Madry et al., arXiv:1706.06083; side model, Metzen et al.,
arXiv:1702.04267; why detection falls, Carlini and Wagner, arXiv:1705.07263.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.learning.label_smoothing import smoothed_cross_entropy
from course_lib.models.dncnn import dncnn
from course_lib.robustness.attacks import Model, Objective, margin, pgd

Denoiser = Callable[[Tensor], Tensor]  # films (N, 1, H, W) in 0..1 -> the same shape


class Cleaned(nn.Module):
    """A classifier that cleans every film before it answers: (N, 1, H, W) -> logits."""

    def __init__(self, model: nn.Module, denoise: Denoiser) -> None:
        super().__init__()
        self.model, self.denoise = model, denoise
        self.train(model.training)

    def forward(self, films: Tensor) -> Tensor:
        return self.model(self.denoise(films))


def gaussian(films: Tensor, sigma: float = 0.8) -> Tensor:
    """Blurred with a Gaussian of ``sigma`` pixels; edges continue. ValueError unless sigma > 0."""
    if not sigma > 0:
        raise ValueError(f"sigma is a width in pixels above 0, not {sigma}.")
    reach = max(1, round(3 * sigma))
    place = torch.arange(-reach, reach + 1, dtype=films.dtype, device=films.device)
    bell = torch.exp(-((place / sigma) ** 2) / 2)
    bell = bell / bell.sum()
    wide = functional.pad(films, [reach] * 4, mode="replicate")
    return functional.conv2d(
        functional.conv2d(wide, bell[None, None, :, None]), bell[None, None, None]
    )


def median(films: Tensor, width: int = 3) -> Tensor:
    """Every pixel becomes the median of width x width neighbours; ValueError for an even width."""
    if width < 3 or width % 2 == 0:
        raise ValueError(f"The width of a median filter is 3, 5, 7, ..., not {width}.")
    wide = functional.pad(films, [width // 2] * 4, mode="replicate")
    patches = functional.unfold(wide, width)
    return patches.median(dim=1).values.reshape(films.shape)


def jpeg(films: Tensor, quality: int = 60) -> Tensor:
    """Compressed to JPEG (8 bits) and read again. It has no useful gradient; see ``bypassed``."""
    grey = (films.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    coded = [cv2.imencode(".jpg", one[0], settings)[1] for one in grey]
    back = np.stack([np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)) for code in coded])
    return torch.from_numpy(back)[:, None].to(films) / 255


def bypassed(denoise: Denoiser) -> Denoiser:
    """The same denoiser, with the gradient of doing nothing (BPDA).

    A denoiser returns nearly the film it was given, so on the way back the identity is a fair
    approximation, although rounding and sorting have no gradient of their own.
    """
    return lambda films: films + (denoise(films) - films).detach()


def new_denoiser(seed: int = 0) -> nn.Module:
    """A small DnCNN, before training."""
    torch.manual_seed(seed)
    return dncnn("laptop")


class AttackDetector(nn.Module):
    """The side model: films (N, 1, H, W) -> (N,) logits, above 0 where it suspects an attack.

    It sees only fine structure (the film minus its own blur), three times enlarged by convolutions
    of stride 2; what a film shows does not matter to it.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.decide = nn.Linear(2 * width, 1)

    def forward(self, films: Tensor) -> Tensor:
        fine = 20 * (films - gaussian(films, 1.0))  # about -1..1: noise is a few grey values
        return self.decide(self.look(fine).mean((2, 3)))[:, 0]


def unnoticed(
    model: Model, detector: Model, threshold: float = 0.0, sure: float = 1.0, weight: float = 1.0
) -> Objective:
    """What an attacker raises who knows the side model: misread, *and* below its threshold.

    Each part stops counting once it is reached by ``sure`` logits, so that neither is bought at
    the other's cost (Carlini and Wagner, arXiv:1705.07263).
    """
    misread = margin(model)

    def objective(films: Tensor, truth: Tensor) -> Tensor:
        missing = (sure - misread(films, truth)).clamp(min=0)
        seen = (detector(films) - threshold + sure).clamp(min=0)
        return -missing - weight * seen

    return objective


class AdversarialLoss:
    """Cross-entropy on films that are attacked anew in every step, for ``learning.trainer.fit``.

    The attack looks at the network at rest (dropout off, norms fixed) and starts at random points
    that its own seed decides.
    """

    def __init__(self, eps: float, steps: int = 2, seed: int = 0) -> None:
        self.eps, self.steps = eps, steps
        self.random = np.random.default_rng(seed)

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        films, target = batch["image"], batch["target"]
        inner = getattr(model, "module", model)  # Fabric wraps it, and wants all gradients itself
        training = model.training
        model.eval()
        start = int(self.random.integers(2**31))
        attacked = pgd(inner, films, target, self.eps, steps=self.steps, seed=start)
        model.train(training)
        return smoothed_cross_entropy(model(attacked), target, 0.0)
