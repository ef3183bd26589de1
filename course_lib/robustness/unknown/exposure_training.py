"""Expose the first film classifier to outliers, twice, and keep both networks with their logs.

    python -m course_lib.robustness.unknown.exposure_training --out FOLDER

A fine-tuning of three epochs on films 0 to 2999 of the cohort "study"; 3000 to 3999 choose the
epoch. A run that was interrupted goes on when it is called again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from course_lib.learning.film_classifier import (
    FilmClassifier,
    load_film_classifier,
    save_film_classifier,
)
from course_lib.learning.film_classifier_training import classified_films
from course_lib.learning.film_judge_training import MOST_SHIFT
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.robustness.unknown.exposure import (
    KINDS,
    ExposedFilms,
    ExposureLoss,
    cheap_outliers,
    disease_outliers,
)

PLAN = Plan(epochs=3, batch_size=32, learning_rate=1e-3, seed=6360)
CHEAP, OF_EACH_DISEASE = 1500, 150


def outliers_of(kind: str, films: Tensor, seed: int, **options) -> Tensor:
    """The outliers of a kind, made of (or besides) known films; equal weight for both sorts."""
    cheap = cheap_outliers(films, CHEAP, seed)
    if kind == "cheap":
        return cheap
    ill = disease_outliers(OF_EACH_DISEASE, **options)
    return torch.cat([cheap, ill.repeat(-(-len(cheap) // len(ill)), 1, 1, 1)])


def expose(
    kind: str, out: Path, start: FilmClassifier, plan: Plan = PLAN, **options
) -> FilmClassifier:
    """Fine-tune `start` in place with outliers of a kind; member_0.pt and log.csv in out / kind."""
    films, classes = classified_films("study", "train")
    others, their_classes = classified_films("study", "validation")
    outliers = outliers_of(kind, films, plan.seed, **options)
    shown = torch.from_numpy(np.random.default_rng(plan.seed).permutation(len(outliers)))
    learn, choose = outliers[shown[len(shown) // 5 :]], outliers[shown[: len(shown) // 5]]
    history = fit(
        start.model,
        ExposedFilms(films, classes, learn, MOST_SHIFT, plan.seed),
        ExposedFilms(others, their_classes, choose, 0, plan.seed),
        ExposureLoss(),
        plan,
        out / f"run_{kind}",
    )
    exposed = FilmClassifier(start.model.cpu().float().eval())
    save_film_classifier(exposed, out / kind / "member_0.pt")
    log = pd.DataFrame(history)
    log.to_csv(out / kind / "log.csv", index=False, float_format="%.5g")
    return exposed


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    program = "python -m course_lib.robustness.unknown.exposure_training"
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--out", required=True, type=Path, help="folder for networks and logs")
    parser.add_argument("--members", type=Path, help="folder of the film classifiers")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for kind in KINDS:
        expose(kind, given.out, load_film_classifier(0, given.members))
    print(f"{given.out}: two exposed networks and their logs.")


if __name__ == "__main__":
    main()
