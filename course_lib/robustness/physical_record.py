"""Design a sheet of platelets, put it on patients it has never met, and keep both.

    python -m course_lib.robustness.physical_record --out FOLDER      # about 1 minute

sheet.csv: thickness in mm, a line per row of platelets. physical.csv: how many of the new patients
the network calls by the target's name without a sheet, with the designed one, and with the same
platelets in random order, each with a Wilson interval.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from course_lib.data.gan_films import DISEASES, SEVERITY
from course_lib.evaluation.intervals import wilson
from course_lib.learning.film_classifier import CLASSES, FilmClassifier, load_film_classifier
from course_lib.patient.cohort import sample_cohort
from course_lib.patient.person import Patient
from course_lib.robustness.physical import Sheet, design_sheet, film_of, rays_of, wearing

TARGET = CLASSES.index("pneumothorax")
SEEDS = {"design": 6210, "test": 6211}
THICKEST_MM, STEPS, FILMS_PER_STEP = 0.5, 80, 16
SHUFFLES = 2


def patients_without(finding: str, n: int, seed: int) -> list[Patient]:
    """The first n patients of a cohort who have at most one finding, and not this one."""
    if finding not in DISEASES:
        raise ValueError(
            f"There is no finding {finding!r} here; choose from {', '.join(DISEASES)}."
        )
    chances = dict.fromkeys(DISEASES, 0.14)
    specs = sample_cohort(2 * n + 20, seed, chances, 1.0, SEVERITY)
    people = (spec.build() for spec in specs)
    fitting = (one for one in people if len(one.labels) <= 1 and finding not in one.labels)
    return [one for _, one in zip(range(n), fitting, strict=False)]


def placement(number: int) -> tuple[float, float]:
    """Where the shirt sits on new patient `number`: up to 10 mm off, either way."""
    left, up = np.random.default_rng([SEEDS["test"], number]).uniform(-10, 10, 2)
    return float(left), float(up)


def films_wearing(
    patients: Sequence[Patient], sheet: Sheet | None, seed: int
) -> NDArray[np.float32]:
    """Films (N, 1, 64, 64), the whole patient through the whole simulator, with their own noise."""
    dressed = [
        one if sheet is None else wearing(one, sheet, placement(number))
        for number, one in enumerate(patients)
    ]
    return np.stack([film_of(one, seed + number) for number, one in enumerate(dressed)])[:, None]


def table_of_hits(
    classifier: FilmClassifier, sheet: Sheet, patients: Sequence[Patient]
) -> pd.DataFrame:
    """A row per sheet: how many patients get the target's name, share, low, high, and its mass."""
    worn: dict[str, Sheet | None] = {"none": None, "designed": sheet}
    worn |= {f"shuffled {number}": sheet.shuffled(number) for number in range(1, SHUFFLES + 1)}
    rows = []
    for number, (name, one) in enumerate(worn.items()):
        films = films_wearing(patients, one, 10_000 * number)
        hits = int((classifier.logits(films).argmax(1) == TARGET).sum())
        interval = wilson(hits, len(patients))
        mass = 0.0 if one is None else one.mass_g
        rows.append((name, mass, hits, len(patients), hits / len(patients), *interval))
    columns = ["sheet", "mass_g", "hits", "patients", "share", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.robustness.physical_record")
    parser.add_argument("--out", required=True, type=Path, help="folder for the two tables")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    classifier = load_film_classifier(0)
    rays = rays_of(patients_without("pneumothorax", 150, SEEDS["design"]))
    sheet, losses = design_sheet(
        classifier.model, rays, TARGET, thickest_mm=THICKEST_MM, steps=STEPS,
        films_per_step=FILMS_PER_STEP, seed=1,
    )  # fmt: skip
    print("mean loss while designing:", ", ".join(f"{loss:.2f}" for loss in losses[::10]))
    np.savetxt(given.out / "sheet.csv", sheet.thickness_mm, "%.3f", delimiter=",")
    shipped = Sheet(np.loadtxt(given.out / "sheet.csv", delimiter=","))
    people = patients_without("pneumothorax", 120, SEEDS["test"])
    table = table_of_hits(classifier, shipped, people)
    table.to_csv(given.out / "physical.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
