"""Measure the course's generators as classifiers see them, and keep what came out.

    python -m course_lib.generative.fidelity_record --out my_fidelity

Three tables: the three steps at full size (``three_steps.csv``, with the score of every test film
in ``scores.csv``), four classifiers on three tasks (``four_classifiers.csv``), and the augmentation
study (``augmentation.csv``). Same command, same weights, same processor: same tables. What is there
is kept, so an interrupted run goes on: part by part (a seed, or a task).
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.files import write_whole
from course_lib.data.gan_films import DISEASES, film_stack, gan_cohort, truth_of
from course_lib.data.source import AnySource, Subset
from course_lib.generative import augmentation_study, synthetic_training
from course_lib.generative.augmentation_study import Pools, StudySettings
from course_lib.generative.fidelity import (
    Fidelity,
    Make,
    comparisons,
    synthetic_films,
    three_steps,
)
from course_lib.generative.normal_or_abnormal import (
    LabelledFilms,
    checked_films,
    real_films,
)
from course_lib.generative.shipped import load_generator, sample_films, weights_hash
from course_lib.generative.synthetic_training import balanced
from course_lib.learning.film_judge import FilmJudge, load_film_judge

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "fidelity"
SEEDS = (0, 1, 2)  # of the three steps
POOL = 2500  # films that may be added in the augmentation study
EACH = 420  # training films of each kind for the four classifiers: there are 429 effusions
EFFUSION = DISEASES.index("pleural_effusion")
TASKS = (
    "normal or abnormal",
    "pleural effusion or not",
    "normal or abnormal, a generator for each",
)


@dataclass(frozen=True)
class Makers:
    """All that makes and judges films: both generators and the film judge."""

    everybody: Make
    healthy: Make
    judge: FilmJudge

    def abnormal(self, films: Tensor) -> NDArray[np.float64]:
        """The judge's likelihood that films are abnormal: 1 minus that of "normal"."""
        return 1 - self._asked(films)[:, -1]

    def effusion(self, films: Tensor) -> NDArray[np.float64]:
        """The judge's likelihood of a pleural effusion."""
        return self._asked(films)[:, EFFUSION]

    @torch.inference_mode()
    def _asked(self, films: Tensor) -> NDArray[np.float64]:
        # The network itself: FilmJudge.likelihood refuses a batch in which one film looks inverted,
        # and a generator may draw such a film once in ten thousand.
        parts = [self.judge.model(part) for part in checked_films(films).split(250)]
        return torch.sigmoid(torch.cat(parts).double()).numpy()


def maker(which: str) -> Make:
    """One of the shipped generators as a function of number and seed."""
    generator = load_generator(which)
    return lambda n, seed: sample_films(generator, n, seed)


def steps_table(result: Fidelity, seed: int) -> pd.DataFrame:
    """Readings and comparisons of one run of the three steps, one row each."""
    readings = result.summary().assign(made=result.made, undecided=result.undecided)
    both = {"reading": readings, "comparison": result.comparisons()}
    parts = [one.rename_axis("name").reset_index().assign(kind=kind) for kind, one in both.items()]
    return pd.concat(parts, ignore_index=True).assign(seed=seed)


def scores_table(result: Fidelity, findings: Sequence[str]) -> pd.DataFrame:
    """Every test film of one result: set, findings, truth or pseudo-label, scores of the networks.

    findings: of the real test films, see ``shown``; nobody knows those of generated films.
    """
    real, synthetic = result.real_on_real, result.synthetic_on_synthetic
    rows = {
        "set": ["real"] * len(real.truth) + ["synthetic"] * len(synthetic.truth),
        "findings": [*findings, *["unknown"] * len(synthetic.truth)],
        "abnormal": np.concatenate([real.truth, synthetic.truth]).astype(int),
        "classifier_real": np.concatenate([real.score, np.full(len(synthetic.truth), np.nan)]),
        "classifier_synthetic": np.concatenate([result.synthetic_on_real.score, synthetic.score]),
    }
    return pd.DataFrame(rows)


def shown(source: AnySource) -> list[str]:
    """The findings of every film, joined by "+"; "normal" where there is none."""
    names = np.array([*DISEASES, "normal"])
    return ["+".join(names[row]) for row in truth_of(source)]


def four_classifiers(task: str, source: AnySource, makers: Makers, seed: int = 0) -> pd.DataFrame:
    """The workshop's table for one of TASKS; training and test sets are half positive.

    source: real films, one per patient, cut as ``real_films`` cuts them.
    """
    start, end, test_start, test_end = (round(share * len(source)) for share in (0, 0.6, 0.8, 1))
    films, truth = film_stack(source), truth_of(source)
    positive = truth[:, EFFUSION] if task == TASKS[1] else ~truth[:, -1]
    train = _half_positive(films, positive, slice(start, end), EACH, seed)
    test = _half_positive(films, positive, slice(test_start, test_end), None, seed)
    synthetic = _synthetic(task, makers, len(train.films) // 2, seed + 10 * TASKS.index(task))
    calls = synthetic_training.compare(train, synthetic, test, seed=seed)
    rows = synthetic_training.table(calls).rename_axis("model").reset_index()
    return rows.assign(task=task, train_films=len(train.films))


def _synthetic(task: str, makers: Makers, each: int, seed: int) -> LabelledFilms:
    if task == TASKS[1]:
        made = synthetic_films(makers.everybody, makers.effusion, each, each, seed)
        return LabelledFilms(made.films, made.abnormal)
    if task == TASKS[0]:
        made = synthetic_films(makers.everybody, makers.abnormal, each, each, seed)
        return LabelledFilms(made.films, made.abnormal)
    ill = synthetic_films(makers.everybody, makers.abnormal, 0, each, seed).films
    return LabelledFilms(
        torch.cat([ill, makers.healthy(each, seed)]), np.repeat([True, False], each)
    )


def _half_positive(
    films: Tensor, positive: NDArray, where: slice, most: int | None, seed: int
) -> LabelledFilms:
    """Equally many films of both kinds from one part, at most so many of each."""
    rarer = int(min(positive[where].sum(), (~positive[where]).sum()))
    chosen = balanced(positive[where], min(rarer, most or rarer), seed)
    return LabelledFilms(films[where][chosen], positive[where][chosen])


def pools(makers: Makers) -> Pools:
    """Generated films with the judge's opinion, and films that the generator learned from."""
    generated = makers.everybody(POOL, 77)
    unlabelled = film_stack(Subset(gan_cohort("all"), range(POOL))).float() / 255
    return Pools(generated, makers.abnormal(generated), unlabelled)


def record(out: Path | str) -> None:
    """Write what is missing of the tables, and about.json with the weights they belong to."""
    place = Path(out)
    about = {which: weights_hash(load_generator(which)) for which in ("all", "normal")}
    _refuse_other_weights(place / "about.json", about)
    _write(place / "about.json", json.dumps(about, indent=1) + "\n")
    source = gan_cohort("study")
    real, makers = real_films(source), Makers(maker("all"), maker("normal"), load_film_judge())

    def steps(seed: int) -> pd.DataFrame:
        result = three_steps(real, makers.everybody, seed=seed)
        if seed == SEEDS[0]:
            known = shown(source)[-len(real.test.films) :]
            _write(place / "scores.csv", _csv(scores_table(result, known)))
        return steps_table(result, seed)

    def added(seed: int) -> pd.DataFrame:
        settings = StudySettings(seeds=(seed,))
        return augmentation_study.study(real.train, real.test, extra, settings)

    _complete(place / "three_steps.csv", "seed", SEEDS, steps)
    classify = lambda task: four_classifiers(task, source, makers)  # noqa: E731
    _complete(place / "four_classifiers.csv", "task", TASKS, classify)
    extra = pools(makers)
    _complete(place / "augmentation.csv", "seed", StudySettings().seeds, added)


def _complete(
    path: Path, column: str, wanted: Sequence, make: Callable[[Any], pd.DataFrame]
) -> None:
    """Add to a table the parts that it lacks; after each part the file is whole."""
    there = pd.read_csv(path) if path.is_file() else pd.DataFrame({column: []})
    for part in wanted:
        if part not in set(there[column]):
            tables = [there, make(part)] if len(there) else [make(part)]
            there = pd.concat(tables, ignore_index=True)
            _write(path, _csv(there))


def load_record(name: str, folder: Path | str | None = None) -> pd.DataFrame:
    """A recorded table: "three_steps", "scores", "four_classifiers" or "augmentation".

    Raises FileNotFoundError that says how it is made.
    """
    place = Path(folder or SHIPPED) / f"{name}.csv"
    if not place.is_file():
        raise FileNotFoundError(
            f"{place} is missing; make it: python -m course_lib.generative.fidelity_record"
        )
    return pd.read_csv(place)


def recorded_comparisons() -> pd.DataFrame:
    """The comparison of both classifiers, computed anew from the recorded scores."""
    scores = load_record("scores").query("set == 'real'")
    return comparisons(scores.abnormal, scores.classifier_real, scores.classifier_synthetic)


def _refuse_other_weights(path: Path, about: dict[str, str]) -> None:
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != about:
        raise ValueError(
            f"{path.parent} holds results of other generators; give another folder or empty it."
        )


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format="%.7g", lineterminator="\n")


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write(text.encode()))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.generative.fidelity_record")
    parser.add_argument("--out", default=str(SHIPPED), help="folder for the tables")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)  # two stall each other in nets as small as these
    record(given.out)
    print(f"{given.out}: the tables of the three steps, four classifiers and added films.")


if __name__ == "__main__":
    main()
