"""Train what the lesson on adversarial films attacks, and keep it with its logs.

    python -m course_lib.robustness.defence_training robust --out FOLDER    # about 4 minutes
    python -m course_lib.robustness.defence_training others --out FOLDER    # about 2 minutes

"robust": the film classifier goes on learning, from films attacked anew in every step. "others":
a network of another build (for transfer), a denoiser and a side model that know attacked films.
Films: 0-2999 of the cohort "study" and the first 1200 of "all" (data.gan_films), those with at
most one finding; 250 of the validation films of "study" choose the epoch. An interrupted training
goes on.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from course_lib.learning.film_classifier import CLASSES, FilmClassifier, load_film_classifier
from course_lib.learning.film_classifier_training import ClassifiedFilms, classified_films
from course_lib.learning.film_judge_training import MOST_SHIFT
from course_lib.learning.label_smoothing import ClassLoss
from course_lib.learning.losses import Loss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.plain import SmallResNet
from course_lib.robustness.attacks import fgsm, pgd
from course_lib.robustness.defences import AdversarialLoss, AttackDetector, new_denoiser

Net = TypeVar("Net", bound=nn.Module)
EPS = 2 / 255  # what the robust network is trained against
MORE = 1200  # films of "all"
PLANS = {
    "robust": Plan(epochs=6, batch_size=32, learning_rate=2e-3, seed=621),
    "resnet": Plan(epochs=5, batch_size=32, learning_rate=5e-3, seed=622),
    "denoiser": Plan(epochs=3, batch_size=32, learning_rate=2e-3, seed=623),
    "detector": Plan(epochs=5, batch_size=32, learning_rate=3e-3, seed=624),
}


def training_films() -> tuple[Tensor, NDArray]:
    """Films uint8 (N, 1, 64, 64) to learn from and their classes."""
    study, more = classified_films("study", "train"), classified_films("all")
    return torch.cat([study[0], more[0][:MORE]]), np.concatenate([study[1], more[1][:MORE]])


def new_resnet(seed: int = 0) -> SmallResNet:
    """The network of another build: a residual net of 14 layers, 6 outputs, before training."""
    torch.manual_seed(seed)
    return SmallResNet(14, len(CLASSES), 1, width=8)


def _train(model: Net, name: str, loss: Loss, out: Path, films: tuple) -> Net:
    """One training with its log; the weights in half precision, which moves no answer."""
    train, validation = films
    history = fit(model, train, validation, loss, PLANS[name], out / f"run_{name}")
    pd.DataFrame(history).to_csv(out / f"log_{name}.csv", index=False, float_format="%.5g")
    model.cpu().float().eval()
    weights = {
        key: value.half() if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    torch.save(weights, out / f"{name}.pt")
    return model


def classification_films() -> tuple[ClassifiedFilms, ClassifiedFilms]:
    """What the robust network and the residual net learn from, and what chooses their epoch."""
    films, classes = classified_films("study", "validation")
    train = ClassifiedFilms(*training_films(), MOST_SHIFT, seed=620)
    return train, ClassifiedFilms(films[:250], classes[:250])


def train_robust(out: Path) -> FilmClassifier:
    """Adversarial training that begins with member 0 of the film classifier."""
    loss = AdversarialLoss(EPS, steps=2, seed=625)
    model = _train(load_film_classifier(0).model, "robust", loss, out, classification_films())
    return FilmClassifier(model)


class FilmPairs(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Films as they are given (N, 1, H, W) float with what is wanted for each."""

    def __init__(self, films: Tensor, wanted: Tensor) -> None:
        self.films, self.wanted = films, wanted

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"image": self.films[index], "target": self.wanted[index]}


def attacked_films(classifier: FilmClassifier, n: int = 2100) -> tuple[Tensor, Tensor]:
    """Films as float and the same attacked: FGSM and PGD in turn, eps from 0.5 to 2 grey values."""
    films, classes = training_films()
    films, truth = films[:n].float() / 255, torch.as_tensor(classes[:n])
    attacked = []
    for number, (part, which) in enumerate(zip(films.split(100), truth.split(100), strict=True)):
        eps = (0.5, 1, 2)[number % 3] / 255
        one_step = number // 3 % 2
        attacked.append(
            fgsm(classifier.model, part, which, eps)
            if one_step
            else pgd(classifier.model, part, which, eps, steps=5, seed=number)
        )
    return films, torch.cat(attacked)


def clean_again(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Loss of the denoiser: squared difference to the film before the attack, in grey values."""
    return functional.mse_loss(255 * model(batch["image"]), 255 * batch["target"])


def tell_apart(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Loss of the side model: attacked (1) or not (0)."""
    return functional.binary_cross_entropy_with_logits(model(batch["image"]), batch["target"])


def train_others(out: Path) -> None:
    """The residual net, the denoiser and the side model."""
    _train(new_resnet(PLANS["resnet"].seed), "resnet", ClassLoss(), out, classification_films())
    films, attacked = attacked_films(load_film_classifier(0))
    last = len(films) - 300
    both, wanted = torch.cat([attacked, films], 1), films  # a denoiser leaves clean films alone

    def pairs(part: slice) -> FilmPairs:
        given = torch.cat([both[part, :1], both[part, 1:]])
        return FilmPairs(given, torch.cat([wanted[part], wanted[part]]))

    _train(
        new_denoiser(1),
        "denoiser",
        clean_again,
        out,
        (pairs(slice(last)), pairs(slice(last, None))),
    )

    def marked(part: slice) -> FilmPairs:
        given = pairs(part).films
        return FilmPairs(given, (torch.arange(len(given)) < len(given) // 2).float())

    torch.manual_seed(2)
    _train(
        AttackDetector(),
        "detector",
        tell_apart,
        out,
        (marked(slice(last)), marked(slice(last, None))),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.robustness.defence_training")
    parser.add_argument("what", choices=["robust", "others"])
    parser.add_argument("--out", required=True, type=Path, help="folder for networks and logs")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # two stall each other in networks as small as these
    {"robust": train_robust, "others": train_others}[given.what](given.out)
    print(f"{given.out}: {given.what} trained.")


if __name__ == "__main__":
    main()
