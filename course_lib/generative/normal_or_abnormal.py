"""Normal or abnormal? The classifier that measures how much illness a generated film carries.

As in the thesis (Kim M. 2021, section 2.2): a ResNet with one sigmoid output, trained in the same
way on real and on generated films.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from course_lib.data.augment import Augmentation
from course_lib.data.film_inputs import MOST_INVERTED, chest_contrast
from course_lib.data.gan_films import film_stack, truth_of
from course_lib.data.source import AnySource, Subset
from course_lib.data.split import assert_no_leakage
from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.resnet import ResNet, resnet


@dataclass(frozen=True)
class ClassifierSettings:
    """How both classifiers are trained, so that only their films differ.

    network: "paper" is the ResNet-50 of the thesis, "laptop" our small one for 64 pixels.
    """

    network: Literal["laptop", "paper"] = "laptop"
    plan: Plan = Plan(epochs=8, batch_size=32, learning_rate=4e-3)


class LabelledFilms(Dataset[dict[str, Tensor]]):
    """Films and whether they are abnormal, for ``train_classifier``.

    Args:
        films: uint8, or float in 0..1, (N, 1, 64, 64), bone white.
        abnormal: (N,) of 0 and 1.
        augment: changes of training films; which one is decided by seed, epoch and place.
        views: how many films one epoch shows, each about equally often; N if left out. Networks
            that learn from 50 and from 800 films then make equally many steps.

    Raises:
        ValueError: films that ``checked_films`` refuses, or labels that do not fit.
    """

    def __init__(
        self,
        films: ArrayLike | Tensor,
        abnormal: ArrayLike,
        augment: Augmentation | None = None,
        seed: int = 0,
        views: int | None = None,
    ) -> None:
        self.films = checked_films(films)
        self.abnormal = _labels(abnormal, len(self.films))
        self.augment, self.seed, self.epoch = augment, seed, 0
        self.views = len(self.films) if views is None else views

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch begins; it decides the random changes."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.views

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        number = index % len(self.films)
        image = self.films[number]
        if self.augment is not None:
            random = np.random.default_rng([self.seed, self.epoch, index])
            image = torch.from_numpy(self.augment(image[0].numpy(), random))[None]
        return {"image": image, "target": torch.tensor([float(self.abnormal[number])])}


class RealFilms(NamedTuple):
    """Real films in three parts that share no patient: 60 %, 20 % and 20 %."""

    train: LabelledFilms
    validation: LabelledFilms
    test: LabelledFilms


def real_films(source: AnySource) -> RealFilms:
    """Cut a source in its own order into 60 %, 20 % and 20 %; a film with any finding is abnormal.

    In order, so that others who learned from the first 60 % (the film judge did) have not seen the
    test either. Raises PatientLeakage if a patient's films lie on both sides of a cut.
    """
    cuts = [round(share * len(source)) for share in (0, 0.6, 0.8, 1)]
    parts = [Subset(source, range(a, b)) for a, b in zip(cuts, cuts[1:], strict=False)]
    assert_no_leakage(*parts)
    return RealFilms(*(LabelledFilms(film_stack(p), ~truth_of(p)[:, -1]) for p in parts))


def train_classifier(
    train: Dataset,
    validation: Dataset,
    settings: ClassifierSettings | None = None,
    seed: int = 0,
) -> ResNet:
    """A new classifier, at rest: films (B, 1, 64, 64) to one logit for "abnormal", (B, 1).

    train, validation: LabelledFilms, or several joined. seed: first weights and order of the films.
    """
    settings = settings or ClassifierSettings()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = resnet(settings.network, 1)
    fit(model, train, validation, MultiLabelLoss(), replace(settings.plan, seed=seed))
    return model.cpu().float().eval()


@torch.inference_mode()
def likelihood(
    model: nn.Module, films: ArrayLike | Tensor, batch: int = 250
) -> NDArray[np.float64]:
    """How likely each film (N, 1, 64, 64), float in 0..1, is abnormal: (N,) in 0..1.

    Raises ValueError for films that ``checked_films`` refuses, and for a model that does
    not have exactly one output.
    """
    logits = torch.cat([model(part) for part in checked_films(films).split(batch)])
    if logits.shape[1:] != (1,):
        raise ValueError(
            f"The classifier must answer one question, abnormal or not; it gave {logits.shape[1:]}."
        )
    return torch.sigmoid(logits[:, 0].double()).numpy()


def checked_films(films: ArrayLike | Tensor) -> Tensor:
    """Films as float32 (N, 1, H, W) in 0..1; uint8 is divided by 255.

    Raises ValueError for another shape, no film, NaN, grey values outside 0..1, and a set in which
    most lungs are white. (A single odd film passes: bad generators draw some.)
    """
    ready = torch.as_tensor(films).detach().cpu()
    ready = ready.float() / 255 if ready.dtype == torch.uint8 else ready.float()
    if ready.dim() != 4 or ready.shape[1] != 1 or len(ready) == 0:
        raise ValueError(f"Films must have the shape (N, 1, H, W); this is {tuple(ready.shape)}.")
    if not torch.isfinite(ready).all():
        raise ValueError("A film holds NaN or infinity; look at what made it.")
    low, high = ready.min().item(), ready.max().item()
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(
            f"Grey values must lie in 0..1; these go from {low:.3g} to {high:.3g}. What a "
            "generator made in -1..1 becomes a film by data.gan_films.to_grey."
        )
    if np.median(chest_contrast(ready)) < MOST_INVERTED:
        raise ValueError("Most lungs are white: the grey scale is inverted; give 1 - films.")
    return ready


def _labels(abnormal: ArrayLike, films: int) -> NDArray[np.bool_]:
    labels = np.asarray(abnormal)
    if labels.shape != (films,):
        raise ValueError(f"{films} films need {films} labels; these have shape {labels.shape}.")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("A label is 0 (normal) or 1 (abnormal); leave undecided films out.")
    return labels.astype(bool)
