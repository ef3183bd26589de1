"""What every score says of 2,000 films, known and unknown, kept in a table for the lesson.

    python -m course_lib.robustness.unknown.record --out FOLDER

Two files: known.npz, what the detectors learn from (features, classes and appearance of films that
the network was trained with), and scores.csv, a row per film. The films are imaged when they are
not in the cache. Same command, same numbers, up to the last digits of the processor.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from course_lib.data.files import write_whole
from course_lib.data.gan_films import film_stack, gan_cohort, truth_of
from course_lib.learning.film_classifier import (
    MEMBERS,
    FilmClassifier,
    load_ensemble,
    load_film_classifier,
    one_finding_only,
)
from course_lib.robustness.unknown.appearance import appearance
from course_lib.robustness.unknown.detectors import SCORES, Detectors
from course_lib.robustness.unknown.exposure import KINDS, load_exposed
from course_lib.robustness.unknown.sets import UNKNOWN, known_films, unknown_films

SHIPPED = Path(__file__).resolve().parents[3] / "datasets" / "checkpoints" / "unknowns"
LEARNED = 2500  # patients of the network's training films whose features are kept
KNOWN_PATIENTS, EACH = 400, 60
PARTS = ("threshold", "test")


class Known(NamedTuple):
    """Films that the network was trained with: features (M, 90) of member 0, classes (M,), and the
    numbers (M, 8) of their appearance."""

    features: NDArray[np.float32]
    classes: NDArray[np.intp]
    numbers: NDArray[np.float32]


def known_record(folder: Path | str | None = None) -> Known:
    """What the detectors of the course learned from; ValueError where the file is missing."""
    path = Path(folder or SHIPPED) / "known.npz"
    if not path.is_file():
        raise ValueError(f"There is no {path}; the command at the top of record.py makes it.")
    with np.load(path) as kept:
        features, numbers = (kept[name].astype(np.float32) for name in ("features", "numbers"))
        return Known(features, kept["classes"].astype(np.intp), numbers)


def shipped_detectors(members: Sequence[FilmClassifier] | None = None) -> Detectors:
    """The detectors of the course, ready to be asked."""
    exposed = [load_exposed(kind) for kind in KINDS]
    return Detectors.fit(members or load_ensemble(), exposed, *known_record())


def recorded_scores(folder: Path | str | None = None) -> pd.DataFrame:
    """One row per film: set ("threshold", "test" or a name in UNKNOWN), film (its number there),
    truth (class, -1 where none of the six is right), answer (class of member 0), and the scores.
    """
    path = Path(folder or SHIPPED) / "scores.csv"
    if not path.is_file():
        raise ValueError(f"There is no {path}; the command at the top of record.py makes it.")
    return pd.read_csv(path)


def learn(classifier: FilmClassifier, n: int = LEARNED, **options) -> Known:
    """Features of films that the network was trained with. options: of VirtualChest."""
    chests = gan_cohort("all", n, **options)
    kept, classes = one_finding_only(truth_of(chests))
    films = film_stack(chests)[torch.from_numpy(kept)].float() / 255
    half = classifier.features(films).astype(np.float16)  # as they are kept
    return Known(half.astype(np.float32), classes, appearance(films).astype(np.float32))


def score_sets(
    detectors: Detectors,
    patients: int = KNOWN_PATIENTS,
    each: int = EACH,
    names: Sequence[str] = (*PARTS, *UNKNOWN),
    **options,
) -> pd.DataFrame:
    """The table of recorded_scores, made anew with that many films. options: of VirtualChest."""
    tables = []
    for name in tqdm(names, desc="Scoring sets", unit="set"):
        if name in PARTS:
            films, truth = known_films(name, patients, **options)
        else:
            films, truth = unknown_films(name, each, **options), np.full(each, -1)
        tables.append(_table(detectors, name, films, truth))
    return pd.concat(tables, ignore_index=True)


def _table(detectors: Detectors, name: str, films: Tensor, truth: NDArray) -> pd.DataFrame:
    answer = detectors.members[0].logits(films).argmax(1)
    facts = {"set": name, "film": np.arange(len(films)), "truth": truth, "answer": answer}
    return pd.DataFrame(facts).join(detectors.scores(films)[list(SCORES)])


def _save(known: Known, file: BinaryIO) -> None:
    np.savez_compressed(
        file,
        features=known.features.astype(np.float16),
        classes=known.classes.astype(np.uint8),
        numbers=known.numbers.astype(np.float16),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.robustness.unknown.record")
    parser.add_argument("--out", required=True, type=Path, help="folder for known.npz, scores.csv")
    parser.add_argument("--members", type=Path, help="folder of the film classifiers")
    parser.add_argument("--exposed", type=Path, help="folder of the exposed networks")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    members = [load_film_classifier(member, given.members) for member in MEMBERS]
    exposed = [load_exposed(kind, given.exposed) for kind in KINDS]
    known = learn(members[0])
    given.out.mkdir(parents=True, exist_ok=True)
    write_whole(given.out / "known.npz", lambda file: _save(known, file))
    table = score_sets(Detectors.fit(members, exposed, *known_record(given.out)))
    table.to_csv(given.out / "scores.csv", index=False, float_format="%.6g")
    print(f"{given.out}: what {len(SCORES)} scores say of {len(table)} films.")


if __name__ == "__main__":
    main()
