"""Measure the course's generators as classifiers see them, and keep what came out.

    python -m course_lib.generative.fidelity_record --out my_fidelity

Three tables: the three steps at full size (``three_steps.csv``, with the score of every test film
in ``scores.csv``), four classifiers on three tasks (``four_classifiers.csv``), and the augmentation
study (``augmentation.csv``). Same command, same weights, same processor: same tables. A table that
is there is kept, so an interrupted run goes on with the next one.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.files import write_whole
from course_lib.data.gan_films import DISEASES, film_stack, gan_cohort, truth_of
from course_lib.data.source import Subset
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
    RealFilms,
    checked_films,
    real_films,
)
from course_lib.generative.shipped import load_generator, sample_films, weights_hash
from course_lib.generative.synthetic_training import balanced
from course_lib.learning.film_judge import FilmJudge, load_film_judge

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "fidelity"
SEEDS = (0, 1, 2)  # of the three steps
POOL = 4000  # films that may be added in the augmentation study
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


def all_three_steps(real: RealFilms, make: Make, seeds: Sequence[int]) -> list[Fidelity]:
    """The thesis' test, once for each seed (of weights, order and latents)."""
    return [three_steps(real, make, seed=seed) for seed in seeds]


def steps_table(results: Sequence[Fidelity]) -> pd.DataFrame:
    """Readings and comparisons of all seeds in one table."""
    parts = []
    for seed, result in enumerate(results):
        tables = {"reading": result.summary(), "comparison": result.comparisons()}
        for kind, one in tables.items():
            part = one.rename_axis("name").reset_index()
            parts.append(part.assign(seed=seed, kind=kind))
        parts[-2] = parts[-2].assign(made=result.made, undecided=result.undecided)
    return pd.concat(parts, ignore_index=True)


def scores_table(result: Fidelity) -> pd.DataFrame:
    """Every test film of one result: set, truth or pseudo-label, and the scores of the networks."""
    real, synthetic = result.real_on_real, result.synthetic_on_synthetic
    rows = {
        "set": ["real"] * len(real.truth) + ["synthetic"] * len(synthetic.truth),
        "abnormal": np.concatenate([real.truth, synthetic.truth]).astype(int),
        "classifier_real": np.concatenate([real.score, np.full(len(synthetic.truth), np.nan)]),
        "classifier_synthetic": np.concatenate([result.synthetic_on_real.score, synthetic.score]),
    }
    return pd.DataFrame(rows).round(5)


def four_classifiers(source, makers: Makers, seed: int = 0) -> pd.DataFrame:
    """The workshop's table for TASKS; training and test sets are half positive.

    source: real films, one per patient, cut as ``real_films`` cuts them.
    """
    cuts = [round(share * len(source)) for share in (0, 0.6, 0.8, 1)]
    films, truth = film_stack(source), truth_of(source)
    labels = {TASKS[0]: ~truth[:, -1], TASKS[1]: truth[:, EFFUSION], TASKS[2]: ~truth[:, -1]}
    parts = []
    for number, (task, positive) in enumerate(labels.items()):
        train, test = (
            _half_positive(films, positive, slice(*cut), seed) for cut in (cuts[:2], cuts[2:])
        )
        synthetic = _synthetic(task, makers, len(train.films) // 2, seed + 10 * number)
        calls = synthetic_training.compare(train, synthetic, test, seed=seed)
        rows = synthetic_training.table(calls).rename_axis("model").reset_index()
        parts.append(rows.assign(task=task, train_films=len(train.films)))
    return pd.concat(parts, ignore_index=True)


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


def _half_positive(films: Tensor, positive: NDArray, where: slice, seed: int) -> LabelledFilms:
    chosen = balanced(positive[where], seed=seed)
    return LabelledFilms(films[where][chosen], positive[where][chosen])


def augmentation(real: RealFilms, makers: Makers, settings: StudySettings) -> pd.DataFrame:
    """The augmentation study with generated films, and films that the generator learned from."""
    generated = makers.everybody(POOL, 77)
    unlabelled = film_stack(Subset(gan_cohort("all"), range(POOL))).float() / 255
    pools = Pools(generated, makers.abnormal(generated), unlabelled)
    return augmentation_study.study(real.train, real.test, pools, settings)


def record(out: Path | str, settings: StudySettings | None = None) -> None:
    """Write the tables that are not there yet, and about.json with the weights they belong to."""
    place = Path(out)
    place.mkdir(parents=True, exist_ok=True)
    about = {w: weights_hash(load_generator(w)) for w in ("all", "normal")}
    _refuse_other_weights(place / "about.json", about)
    write_whole(place / "about.json", lambda f: f.write(json.dumps(about).encode()))  # type: ignore
    source = gan_cohort("study")
    real, makers = real_films(source), Makers(maker("all"), maker("normal"), load_film_judge())
    if not (place / "three_steps.csv").is_file():
        results = all_three_steps(real, makers.everybody, SEEDS)
        _write(place / "scores.csv", scores_table(results[0]))
        _write(place / "three_steps.csv", steps_table(results))
    tables: dict[str, Callable[[], pd.DataFrame]] = {
        "four_classifiers.csv": lambda: four_classifiers(source, makers),
        "augmentation.csv": lambda: augmentation(real, makers, settings or StudySettings()),
    }
    for name, make in tables.items():
        if not (place / name).is_file():
            _write(place / name, make())


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


def _write(path: Path, table: pd.DataFrame) -> None:
    text = table.to_csv(index=False, float_format="%.5g", lineterminator="\n")
    write_whole(path, lambda file: file.write(text.encode()))  # type: ignore[arg-type]


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
