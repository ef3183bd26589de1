"""The recorded anomaly study: which of twelve findings does a generator of normals notice?

    python -m course_lib.generative.anomaly_study --out FOLDER

Every film gets a healthy twin from the encoder and 25 steps of search; a linear generator and the
supervised film judge answer on the same films. On a part of the films longer searches are drawn as
curves. Each piece is kept in the cache as soon as it is done: the same command goes on where it
stopped. It writes scores.csv, choices.csv, curves.csv, usual.npz and about.json.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.cache import cache_folder
from course_lib.data.files import write_whole
from course_lib.data.gan_films import film_stack, gan_cohort, to_grey
from course_lib.data.scxnn_films import dilate
from course_lib.evaluation.delong import delong
from course_lib.evaluation.roc import auc
from course_lib.explain.localisation import covered
from course_lib.generative.anomaly import (
    SUMMARIES,
    difference_maps,
    mean_square,
    peak_hits,
    save_usual,
    unusual,
    usual_differences,
)
from course_lib.generative.anomaly_films import KNOWN, StudyFilms, study_films
from course_lib.generative.anomaly_linear import fit_linear
from course_lib.generative.latent_encoder import SHIPPED, LatentEncoder, load_encoder
from course_lib.generative.latent_search import Loss, SearchPlan, search_twins
from course_lib.generative.shipped import load_generator, weights_hash
from course_lib.learning.film_judge import load_film_judge
from course_lib.models.pggan import Generator

STEPS = 25  # of the search that every film gets
EVERY = {"each": 6, "normals": 40}  # films of the curves
LINEAR_FILMS = 1500  # healthy films that the linear generator learns from


class Curve(NamedTuple):
    """One way to search, followed over its steps."""

    start: str
    loss: Loss
    keep: tuple[int, ...]


CURVES = (
    Curve("random", "mpse", (0, 25, 50, 200)),
    Curve("random", "mse", (0, 25, 50)),
    Curve("encoder", "mpse", (0, 25, 50)),
    Curve("encoder", "mse", (0, 25, 50)),
)


def chosen_summary(maps: NDArray, study: StudyFilms) -> tuple[str, NDArray, pd.DataFrame]:
    """Pick map and summary on the validation films of known diseases, never on the test films.

    maps: (N, 64, 64) differences of all study films. Returns its name, the scores (N,), and the
    table of all candidates with the mean AUC over the five diseases.
    """
    usual = usual_differences(maps[study.where("usual")])
    kinds = {"difference": maps, "unusual difference": unusual(maps, usual)}
    healthy, rows, scores = study.where("threshold"), [], {}
    for kind, values in kinds.items():
        for name, summary in SUMMARIES.items():
            score = summary(values)
            areas = [_auc(score, study.where("validation", one), healthy) for one in KNOWN]
            scores[f"{kind}, {name}"] = score
            rows.append({"map": kind, "summary": name, "auc": float(np.mean(areas))})
    table = pd.DataFrame(rows)
    best = table.loc[table.auc.idxmax()]
    name = f"{best['map']}, {best['summary']}"
    return name, scores[name], table


def judge_scores(study: StudyFilms) -> dict[str, NDArray[np.float64]]:
    """What the supervised film judge says: "any disease" (largest of five), "not normal"."""
    said = load_film_judge().likelihood(study.films).astype(np.float64)
    return {"any disease": said[:, :-1].max(1), "not normal": 1 - said[:, -1]}


def curve_table(study: StudyFilms, rows: NDArray, maps: dict[int, NDArray], curve: Curve, usual):
    """AUC over all findings together, after so many steps; maps: step -> (len(rows), 64, 64)."""
    ill = study.finding[rows] != "normal"
    table = []
    for step, values in maps.items():
        for kind, used in (("difference", values), ("unusual difference", unusual(values, usual))):
            score = mean_square(used) if kind == "difference" else SUMMARIES["top 1 %"](used)
            area = delong(ill, score)
            table.append(
                {"start": curve.start, "loss": curve.loss, "steps": step, "map": kind}
                | {"auc": area.auc, "low": area.interval.low, "high": area.interval.high}
                | {"residual_normal": float(mean_square(values[~ill]).mean() ** 0.5)}
            )
    return pd.DataFrame(table)


def twins_of_all(
    generator: Generator, encoder: LatentEncoder, study: StudyFilms, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Twins of every film: "encoder" alone, and after STEPS steps of search ("search")."""
    plan = SearchPlan(steps=STEPS, keep=(0,))
    found = search_twins(generator, study.films, plan, start=encoder, seed=seed)
    with torch.no_grad():
        guessed = torch.cat([to_grey(generator(z)) for z in found.kept[0].split(100)])
    return {"encoder": guessed.numpy(), "search": found.films.numpy()}


def twins_of_some(
    generator: Generator, encoder: LatentEncoder, films: Tensor, curve: Curve, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Twins of some films after each number of steps that the curve keeps."""
    plan = SearchPlan(steps=max(curve.keep), loss=curve.loss, keep=curve.keep)
    start = encoder if curve.start == "encoder" else None
    found = search_twins(generator, films, plan, start=start, seed=seed)
    with torch.no_grad():
        return {str(step): to_grey(generator(z)).numpy() for step, z in found.kept.items()}


def kept_part(
    folder: Path, name: str, belongs: str, make: Callable[[], dict[str, NDArray]]
) -> dict[str, NDArray]:
    """A piece of work, made now or read where it lies; `belongs` names what it was made from."""
    path = folder / f"{name}-{belongs}.npz"
    if not path.is_file():
        begun = time.process_time()
        made = {**make(), "seconds": np.array(time.process_time() - begun)}
        write_whole(path, lambda file: np.savez_compressed(file, **made))  # type: ignore[arg-type]
    with np.load(path) as saved:
        return {key: saved[key] for key in saved.files}


def score_table(
    study: StudyFilms, maps: dict[str, NDArray]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """One row per film with the score of every detector; all candidates; the chosen ones."""
    table = pd.DataFrame({"part": study.part, "finding": study.finding})
    chosen, candidates = {}, []
    for method, values in maps.items():
        name, table[method], choice = chosen_summary(values, study)
        chosen[method] = name
        candidates.append(choice.assign(method=method))
    table["residual"] = mean_square(maps["search"])
    for name, score in judge_scores(study).items():
        table[name] = score
    odd = unusual(maps["search"], usual_differences(maps["search"][study.where("usual")]))
    table["peak_hit"] = [
        peak_hits(one, mask) if mask.any() else ""
        for one, mask in zip(odd, study.masks, strict=True)
    ]
    table["peak_luck"] = [covered(dilate(mask)) if mask.any() else np.nan for mask in study.masks]
    return table, pd.concat(candidates), chosen


def run_study(
    out: Path,
    generator: Generator,
    study: StudyFilms,
    seed: int = 54,
    *,
    parts: Path | None = None,
    linear_films: int = LINEAR_FILMS,
) -> None:
    """All pieces, one after the other, and the tables that follow from them.

    out: where encoder.pt lies and the tables go; parts: where finished pieces are kept.
    """
    encoder = load_encoder(generator, out)
    from_noise = f"{weights_hash(generator)}-{len(study.films)}-{seed}"
    belongs = f"{from_noise}-{_hash_of(encoder)}"
    parts = parts or cache_folder(None) / "anomaly-study"
    both = kept_part(parts, "twins", belongs, lambda: twins_of_all(generator, encoder, study, seed))
    linear = fit_linear(film_stack(gan_cohort("normal", linear_films)), generator.latent_size)
    maps = {name: difference_maps(study.films, both[name]) for name in ("encoder", "search")}
    maps["linear"] = difference_maps(study.films, linear.twins(study.films))
    table, candidates, chosen = score_table(study, maps)
    _write(out / "scores.csv", table)
    _write(out / "choices.csv", candidates)
    usual = usual_differences(maps["search"][study.where("usual")])
    save_usual(usual, out)
    seconds = {"twins": float(both["seconds"])}
    about = {
        "generator": weights_hash(generator),
        "chosen": chosen,
        "steps": STEPS,
        "cpu_seconds": seconds,
    }
    _write_about(out, about)
    rows = study.some(**EVERY)
    curves = []
    for curve in CURVES:
        name = f"{curve.start}-{curve.loss}"
        films = study.films[rows]
        work = partial(twins_of_some, generator, encoder, films, curve, seed)
        made = kept_part(parts, name, belongs if curve.start == "encoder" else from_noise, work)
        seconds[name] = float(made["seconds"])
        found = {step: difference_maps(films, made[str(step)]) for step in curve.keep}
        curves.append(curve_table(study, rows, found, curve, usual))
        _write(out / "curves.csv", pd.concat(curves))
        _write_about(out, about)


def _hash_of(encoder: LatentEncoder) -> str:
    last = encoder.last.weight.detach().numpy().tobytes()
    return hashlib.sha256(last).hexdigest()[:8]


def _auc(score: NDArray, ill: NDArray, healthy: NDArray) -> float:
    truth = np.r_[np.ones(len(ill), int), np.zeros(len(healthy), int)]
    return auc(truth, score[np.r_[ill, healthy]])


def _write(path: Path, table: pd.DataFrame) -> None:
    text = table.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    write_whole(path, lambda file: file.write(text.encode()))


def _write_about(out: Path, about: dict) -> None:
    text = json.dumps(about, indent=1) + "\n"
    write_whole(out / "about.json", lambda file: file.write(text.encode()))


def main(words: Sequence[str] | None = None) -> None:
    """The command; see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.generative.anomaly_study")
    parser.add_argument("--out", default=str(SHIPPED), help="folder; encoder.pt lies there")
    parser.add_argument("--generator", default="normal", help='"normal" or a file')
    parser.add_argument("--seed", type=int, default=54)
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    run_study(Path(given.out), load_generator(given.generator), study_films(), given.seed)


if __name__ == "__main__":
    main()
