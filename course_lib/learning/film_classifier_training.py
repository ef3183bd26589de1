"""Train the five film classifiers, and keep them with their logs and what they say of test films.

    python -m course_lib.learning.film_classifier_training --out my_classifiers

Films: those of data.gan_films' cohorts that show at most one finding. To learn from: all of "all"
and films 0 to 2999 of "study"; 3000 to 3999 of "study" choose the epoch, 4000 to 4999 measure. A
run that was interrupted goes on when it is called again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.gan_films import film_stack, gan_cohort, truth_of
from course_lib.learning.film_classifier import (
    CLASSES,
    MEMBERS,
    FilmClassifier,
    new_film_classifier,
    one_finding_only,
    save_film_classifier,
)
from course_lib.learning.film_judge_training import MOST_SHIFT, PARTS, JudgedFilms
from course_lib.learning.label_smoothing import ClassLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit

PLAN = Plan(epochs=10, batch_size=32, learning_rate=5e-3, seed=613)


def classified_films(cohort: str = "study", part: str | None = None) -> tuple[Tensor, NDArray]:
    """Films uint8 (N, 1, 64, 64) with at most one finding, and their classes (N,).

    part: "train", "validation" or "test" of the cohort; None for all of it.
    """
    source = gan_cohort(cohort)
    films, truth = film_stack(source), truth_of(source)
    if part is not None:
        films, truth = films[PARTS[part]], truth[PARTS[part]]
    kept, classes = one_finding_only(truth)
    return films[torch.from_numpy(kept)], classes


class ClassifiedFilms(JudgedFilms):
    """Films with their class numbers, moved by chance while training as the judge's are."""

    def __init__(self, films: Tensor, classes: NDArray, shift: int = 0, seed: int = 0) -> None:
        super().__init__(films, classes, shift, seed)
        self.truth = self.truth.long()


def train_member(member: int, out: Path, plan: Plan = PLAN) -> FilmClassifier:
    """Train one member; its seed decides the weights at the start, the order and the dropout."""
    plan = replace(plan, seed=plan.seed + member)
    parts = [classified_films("all"), classified_films("study", "train")]
    films, classes = torch.cat([f for f, _ in parts]), np.concatenate([c for _, c in parts])
    model = new_film_classifier(plan.seed)
    history = fit(
        model,
        ClassifiedFilms(films, classes, MOST_SHIFT, plan.seed),
        ClassifiedFilms(*classified_films("study", "validation")),
        ClassLoss(),
        plan,
        out / f"run_{member}",
    )
    classifier = FilmClassifier(model.cpu().float().eval())
    save_film_classifier(classifier, out / f"member_{member}.pt")
    pd.DataFrame(history).to_csv(out / f"log_{member}.csv", index=False, float_format="%.5g")
    return classifier


def table_of_logits(classifiers: Sequence[FilmClassifier]) -> pd.DataFrame:
    """A row per member and test film: its class and the six logits."""
    films, classes = classified_films("study", "test")
    rows = []
    for member, classifier in enumerate(classifiers):
        logits = classifier.logits(films.float() / 255).round(3)
        table = pd.DataFrame(logits, columns=list(classifier.classes))
        rows.append(table.assign(member=member, film=np.arange(len(classes)), truth=classes))
    return pd.concat(rows, ignore_index=True)[["member", "film", "truth", *CLASSES]]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.learning.film_classifier_training")
    parser.add_argument("--out", required=True, type=Path, help="folder for networks and tables")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)  # two stall each other in a net as small as this
    classifiers = [train_member(member, given.out) for member in MEMBERS]
    table_of_logits(classifiers).to_csv(given.out / "test_logits.csv", index=False)
    print(f"{given.out}: five classifiers, their logs and what they say of the test films.")


if __name__ == "__main__":
    main()
