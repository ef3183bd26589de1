"""Axes for the generator that the course brings, and what walking along them does.

    python -m course_lib.generative.directions_study --out datasets/checkpoints/steering

30,000 films are made, judged and forgotten; axes are found (`directions`), made independent
(`directions_basis`) and tried on healthy starts. The logits are kept, so that a lesson can do
the regression itself without making the films again. Same command, same numbers, up to the last
digits of another processor. An interrupted run goes on from the last finished part. About eight
minutes of one core, most of them for films.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from course_lib.data.files import write_whole
from course_lib.data.gan_films import DISEASES, film_stack, gan_cohort
from course_lib.generative.directions import (
    Array,
    Axes,
    Slopes,
    find_axes,
    find_logit_axes,
    single_finding,
    unit,
    weighted_r2,
    weighted_regression,
)
from course_lib.generative.directions_basis import (
    dual_basis,
    effect_matrix,
    gram_schmidt,
    random_axes,
)
from course_lib.generative.directions_measure import (
    BODY,
    FILE,
    Measure,
    load_measure,
    save_measure,
    train_measure,
    true_numbers,
    twins,
)
from course_lib.generative.directions_shipped import SEED
from course_lib.generative.directions_walk import films_from, likelihood_from, logits_from, reach
from course_lib.generative.shipped import load_generator, sample_latents, weights_hash
from course_lib.learning.film_judge import FilmJudge, load_film_judge
from course_lib.models.pggan import Generator

MEASURED = 2000  # films whose heart, chest and weight are measured
STARTS = 30
STEP = 4.0  # of the effect matrices
Result = TypeVar("Result")


class Scene(NamedTuple):
    """All that the parts of the study need."""

    generator: Generator
    judge: FilmJudge
    measure: Measure

    def scores(self, latents: NDArray) -> NDArray:
        """Likelihoods and the body's numbers in spreads over patients, (N, 6 + 3)."""
        films = films_from(self.generator, latents)
        with torch.inference_mode():
            shown = torch.sigmoid(self.judge.model(films)).numpy()
        return np.column_stack([shown, self.measure.body(films) / self.measure.spread])


def trained_measure(folder: Path, films: int = 3000) -> Measure:
    """The reader of heart, chest and weight in `folder`, trained first if there is none.

    Its figures on the last 500 films, whose patients it has not met, go to measure.csv.
    """
    if (folder / FILE).is_file():
        return load_measure(folder)
    cohort = gan_cohort("study", films)
    pictures, truth = film_stack(cohort).numpy(), true_numbers(cohort, progress=True)
    cut = films - 500
    measure = train_measure(pictures[:cut], truth[:cut])
    said, true = measure.numbers(pictures[cut:] / np.float32(255)), truth[cut:]
    rows = {
        "number": measure.names,
        "correlation": [np.corrcoef(a, b)[0, 1] for a, b in zip(said.T, true.T, strict=True)],
        "error_in_spreads": (said - true).std(axis=0) / true.std(axis=0),
        "spread": true.std(axis=0),
    }
    _table(pd.DataFrame(rows), folder / "measure.csv")
    save_measure(measure, folder)
    return load_measure(folder)  # as it will be read again, in 16 bits


def body_slopes(scene: Scene, latents: NDArray) -> tuple[Slopes, Array]:
    """How heart, chest and weight depend on z, and R^2 (3,) on the last quarter of the films."""
    body = scene.measure.body(films_from(scene.generator, latents)) / scene.measure.spread
    cut, ones = len(latents) * 3 // 4, np.ones(len(latents))
    slopes = weighted_regression(latents[:cut], body[:cut], ones[:cut])
    return slopes, weighted_r2(body[cut:], slopes(latents[cut:]), ones[cut:])


Sets = dict[str, dict[str, Array]]  # name of the set -> disease -> axis (L,)


def variants(rule: Axes, logit: Axes, body: Slopes) -> Sets:
    """Sets of axes to compare.

    rule: the thesis' way, films that show one thing. logit: all films. gram_schmidt: these, made
    orthogonal in their order. dual: these, all other diseases projected out. steady: heart, chest
    and weight projected out as well. random: the control.
    """
    found = found_diseases(logit)
    rows = np.array([logit.of(name) for name in found])
    others = {
        "logit": rows,
        "gram_schmidt": gram_schmidt(rows),
        "dual": dual_basis(rows),
        "steady": dual_basis(np.vstack([rows, body.slope]))[: len(rows)],
        "random": random_axes(len(rows), rows.shape[1], SEED),
    }
    sets: Sets = {"rule": {name: rule.of(name) for name in found_diseases(rule)}}
    return sets | {name: dict(zip(found, axes, strict=True)) for name, axes in others.items()}


def found_diseases(axes: Axes) -> tuple[str, ...]:
    """The diseases (without "normal") that have an axis."""
    return tuple(name for name in DISEASES if not axes.reason[axes.names.index(name)])


def effects(scene: Scene, starts: NDArray, sets: Sets) -> pd.DataFrame:
    """Table: set, axis moved, number, mean change and its standard error after STEP."""
    columns, rows = (*scene.judge.findings, *BODY), []
    for name, axes in sets.items():
        effect = effect_matrix(scene.scores, starts, list(axes.values()), STEP)
        for i, moved in enumerate(axes):
            for k, number in enumerate(columns):
                rows.append((name, moved, number, effect.mean[i, k], effect.error[i, k]))
    return pd.DataFrame(rows, columns=["axes", "moved", "number", "change", "error"])


def reached(scene: Scene, starts: NDArray, sets: Sets) -> pd.DataFrame:
    """Table: from below 0.1 to above 0.8? And what else changed on the way?

    One row per set of axes and disease: starts, arrived, median step and own likelihood before and
    after; the largest mean change of another disease's likelihood; mean change of the severity that
    the measure reads; mean and mean absolute change of heart, chest and weight, in spreads.
    """
    rows = []
    for name, axes in sets.items():
        for disease, axis in axes.items():
            rows.append({"axes": name, "disease": disease} | _reached(scene, starts, disease, axis))
    return pd.DataFrame(rows)


def _reached(scene: Scene, starts: NDArray, disease: str, axis: Array) -> dict[str, float]:
    output, own = scene.judge.findings.index(disease), DISEASES.index(disease)
    low = starts[likelihood_from(scene.generator, scene.judge.model, starts)[:, output] < 0.1]
    ask = scene.generator, scene.judge.model
    way = reach(*ask, low, axis, output, longest=10.0, pace=1.0)
    there = way.arrived
    row: dict[str, float] = {"starts": len(low), "arrived": int(there.sum())}
    if not there.any():
        return row
    numbers = [
        scene.measure.numbers(films_from(scene.generator, z[there])) for z in (low, way.latents)
    ]
    change = (numbers[1] - numbers[0]) / np.r_[scene.measure.spread, np.ones(len(DISEASES))]
    others = [k for k in range(len(DISEASES)) if k != own]
    row |= {
        "step": float(np.median(way.step[there])),
        "before": float(np.median(way.before[there, output])),
        "after": float(np.median(way.after[there, output])),
        "other": float(np.abs((way.after - way.before)[there][:, others].mean(axis=0)).max()),
        "severity": float(change[:, len(BODY) + own].mean()),
    }
    for k, number in enumerate(BODY):
        row[number] = float(change[:, k].mean())
        row[f"{number}_abs"] = float(np.abs(change[:, k]).mean())
    return row


def disease_alone(measure: Measure, n: int = 30) -> tuple[pd.DataFrame, dict[str, Array]]:
    """What a disease does to the measure's readings of the same virtual patient, and where it lies.

    Table: disease, number, mean and mean absolute change in spreads, and the measured severity. No
    walk can be asked to keep the readings steadier than that. Maps (64, 64) by disease: share of
    the patients whose mask covers the pixel.
    """
    rows, where = [], {}
    for disease in DISEASES:
        pair = twins(disease, n)
        change = measure.numbers(pair.ill) - measure.numbers(pair.healthy)
        where[disease] = pair.where
        severity = change[:, len(BODY) + DISEASES.index(disease)].mean()
        for k, number in enumerate(BODY):
            moved = change[:, k] / measure.spread[k]
            rows.append((disease, number, moved.mean(), np.abs(moved).mean(), severity))
    columns = ["disease", "number", "change", "change_abs", "severity"]
    return pd.DataFrame(rows, columns=columns), where


def study(folder: Path, n: int = 30_000, progress: bool = True) -> None:
    """The whole study, written to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    generator, judge = load_generator("all"), load_film_judge()
    generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    judge.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    key = weights_hash(generator)
    scene = Scene(generator, judge, trained_measure(folder))
    z = sample_latents(n, generator.latent_size, SEED).numpy()
    logits = _kept(
        folder / "logits.npz",
        key,
        lambda: logits_from(generator, judge.model, z, progress=progress, fast=True),
        n,
    )
    likelihood = 1 / (1 + np.exp(-logits))
    rule, logit = (
        find(z, values, judge.findings)
        for find, values in ((find_axes, likelihood), (find_logit_axes, logits))
    )
    body, body_r2 = body_slopes(scene, z[:MEASURED])
    sets = variants(rule, logit, body)
    healthy = single_finding(likelihood) == judge.findings.index("normal")
    starts = z[np.flatnonzero(healthy)[-STARTS:]]
    _table(effects(scene, starts, sets), folder / "effects.csv")
    del sets["gram_schmidt"]
    _table(reached(scene, starts, sets), folder / "reached.csv")
    alone, where = disease_alone(scene.measure)
    _table(alone, folder / "disease_alone.csv")
    steady = np.array(list(sets["steady"].values()))
    save_axes(folder / "axes.npz", key, rule, logit, steady, body, body_r2, where)


def save_axes(
    path: Path,
    key: str,
    rule: Axes,
    logit: Axes,
    steady: Array,
    body: Slopes,
    body_r2: Array,
    where: dict[str, Array],
) -> None:
    """Write everything that directions_shipped.load_steering reads, but the logits."""
    arrays = {f"rule_{name}": np.asarray(value) for name, value in rule._asdict().items()}
    arrays |= {f"logit_{name}": np.asarray(value) for name, value in logit._asdict().items()}
    arrays |= {"steady": steady, "body": unit(body.slope), "body_r2": body_r2, "key": np.array(key)}
    arrays |= {f"where_{name}": share.astype(np.float16) for name, share in where.items()}
    write_whole(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def _kept(path: Path, key: str, make: Callable[[], NDArray], n: int) -> NDArray:
    """What is in a file, if it belongs to these weights and is long enough; else made anew."""
    if path.is_file():
        with np.load(path) as saved:
            if str(saved["key"]) == key and len(saved["logits"]) >= n:
                return saved["logits"][:n].astype(np.float64)
    made = make().astype(np.float16)
    write_whole(path, lambda file: np.savez_compressed(file, logits=made, key=np.array(key)))  # type: ignore[arg-type]
    return made.astype(np.float64)


def _table(table: pd.DataFrame, path: Path) -> None:
    """Write a table with four decimals: what is beyond differs between processors."""
    table.to_csv(path, index=False, float_format="%.4f")


def main(words: Sequence[str] | None = None) -> None:
    """The command; see the head of this file."""
    parser = argparse.ArgumentParser(description="Find axes and try them on healthy starts.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--films", type=int, default=30_000)
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    study(options.out, options.films)


if __name__ == "__main__":
    main()
