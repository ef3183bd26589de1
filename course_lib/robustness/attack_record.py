"""Attack the plain and the robust network as hard as a lesson has no time for, and keep the tables.

    python -m course_lib.robustness.attack_record --out FOLDER      # about 2 minutes

Test films of the cohort "study" that no network learned from. curves.csv: accuracy against eps of
both networks, attacked with their own gradients. checks.csv: is the robust one really robust, or
does it only hide its gradient? More steps, more starts, other losses, borrowed films, huge eps.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from course_lib.evaluation.intervals import wilson
from course_lib.learning.film_classifier import FilmClassifier, load_film_classifier
from course_lib.learning.film_classifier_training import classified_films
from course_lib.robustness.attack_networks import load_robust_classifier
from course_lib.robustness.attack_transfer import accuracy_curve
from course_lib.robustness.attacks import Model, fgsm, pgd, predicted, strongest
from course_lib.robustness.defence_training import EPS

GREY_VALUES = (0, 0.25, 0.5, 1, 2, 4)  # eps times 255
FILMS, FILMS_CHECKED = 150, 50


def films_to_attack(n: int) -> tuple[Tensor, Tensor]:
    """The first n test films, 0..1, and their classes."""
    films, classes = classified_films("study", "test")
    return films[:n].float() / 255, torch.as_tensor(classes[:n])


def curves(networks: dict[str, FilmClassifier], films: Tensor, truth: Tensor) -> pd.DataFrame:
    """Accuracy against eps: PGD of 7 steps from a random start, a row per network and eps."""

    def attack(model: Model, films: Tensor, truth: Tensor, eps: float) -> Tensor:
        return pgd(model, films, truth, eps, steps=7, seed=1)

    eps = [grey / 255 for grey in GREY_VALUES]
    tables = [
        accuracy_curve(one.model, films, truth, eps, attack).assign(network=name)
        for name, one in networks.items()
    ]
    return pd.concat(tables, ignore_index=True)


def attacks_on(
    robust: Model, plain: Model, films: Tensor, truth: Tensor, eps: float = EPS
) -> Iterator[tuple[str, float, Tensor]]:
    """Name, eps and films of each attack on the robust network."""
    random = np.random.default_rng(0).choice([-1.0, 1.0], films.shape)
    yield "none", 0.0, films
    yield "random signs", eps, (films + eps * torch.from_numpy(random).float()).clamp(0, 1)
    yield "made for the plain network", eps, pgd(plain, films, truth, eps, steps=10)
    yield "FGSM", eps, fgsm(robust, films, truth, eps)
    for steps in (5, 20, 40):
        yield f"PGD, {steps} steps", eps, pgd(robust, films, truth, eps, steps=steps)
    yield "2 losses, 2 starts", eps, strongest(robust, films, truth, eps, steps=20, restarts=2)
    for grey in (8, 32):
        yield "PGD, 10 steps", grey / 255, pgd(robust, films, truth, grey / 255, steps=10)


def checks(robust: Model, plain: Model, films: Tensor, truth: Tensor) -> pd.DataFrame:
    """Accuracy of the robust network under each attack, with Wilson intervals."""
    rows = []
    for name, eps, attacked in attacks_on(robust, plain, films, truth):
        right = int((predicted(robust, attacked) == truth).sum())
        interval = wilson(right, len(films))
        rows.append((name, eps, right / len(films), *interval, len(films)))
    return pd.DataFrame(rows, columns=["attack", "eps", "accuracy", "low", "high", "films"])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.robustness.attack_record")
    parser.add_argument("--out", required=True, type=Path, help="folder for the two tables")
    parser.add_argument(
        "--networks", type=Path, help="folder of robust.pt; the shipped one if omitted"
    )
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    networks = {"plain": load_film_classifier(0), "robust": load_robust_classifier(given.networks)}
    table = curves(networks, *films_to_attack(FILMS))
    table.to_csv(given.out / "curves.csv", index=False, float_format="%.5g")
    print(table.to_string(index=False))
    models = networks["robust"].model, networks["plain"].model
    table = checks(*models, *films_to_attack(FILMS_CHECKED))
    table.to_csv(given.out / "checks.csv", index=False, float_format="%.5g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
