"""Two recorded trainings: the film classifier goes on learning, without and with changed films.

    python -m course_lib.robustness.adaptation_record --out my_adaptation

Both start from member 0 and see the same films equally often; only one sees them with changed
appearance. Then all three networks read the films of new patients on every machine of
shift_films.CHANGES. A run that was interrupted goes on when it is called again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from course_lib.learning.film_classifier import (
    CLASSES,
    FilmClassifier,
    load_film_classifier,
    save_film_classifier,
)
from course_lib.learning.film_classifier_training import ClassifiedFilms, classified_films
from course_lib.learning.film_judge_training import MOST_SHIFT
from course_lib.learning.label_smoothing import ClassLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.robustness.adaptation_augment import Appearance, ChangedFilms
from course_lib.robustness.shift_films import CHANGES, dialled, meet

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "film_adaptation"
PLAN = Plan(epochs=2, batch_size=32, learning_rate=1e-3, seed=619)
NONE = Appearance(0, 0, 0, 0, 0)
TRAININGS = {"more of the same": NONE, "changed appearance": Appearance()}
FIRST, ROOM_A = "as shipped", "A"
TEST_FILMS, TEST_SEED = 600, 6150


def go_on(name: str, out: Path, start: FilmClassifier, plan: Plan = PLAN) -> FilmClassifier:
    """One of TRAININGS, from `start`, which is changed in place; weights and log go to `out`."""
    parts = [classified_films("all"), classified_films("study", "train")]
    films, classes = torch.cat([f for f, _ in parts]), np.concatenate([c for _, c in parts])
    history = fit(
        start.model,
        ChangedFilms(films, classes, TRAININGS[name], MOST_SHIFT, plan.seed),
        ClassifiedFilms(*classified_films("study", "validation")),
        ClassLoss(),
        plan,
        out / "runs" / _folder(name),
    )
    trained = FilmClassifier(start.model.cpu().float().eval())
    save_film_classifier(trained, out / _folder(name) / "member_0.pt")
    log = pd.DataFrame(history).drop(columns="seconds")
    log.to_csv(out / _folder(name) / "log.csv", index=False, float_format="%.5g")
    return trained


def load_adapted(name: str, folder: Path | str | None = None) -> FilmClassifier:
    """The network that came out of one of TRAININGS, at rest.

    folder: where the record lies, if not where the course keeps its own. Raises ValueError for
    another name, CheckpointError for a missing or damaged file.
    """
    if name not in TRAININGS:
        raise ValueError(f"There is no training {name!r}; there are {', '.join(TRAININGS)}.")
    return load_film_classifier(0, Path(folder or SHIPPED) / _folder(name))


def table_of_answers(networks: dict[str, FilmClassifier]) -> pd.DataFrame:
    """Rows network, machine, film, truth and six logits: new patients on every machine."""
    patients = meet(TEST_FILMS, TEST_SEED)
    tables = []
    for machine in (ROOM_A, *CHANGES):
        films = patients.films() if machine == ROOM_A else patients.films(dialled(machine))
        for name, network in networks.items():
            table = pd.DataFrame(network.logits(films).round(2), columns=list(CLASSES))
            facts = {"network": name, "machine": machine, "film": np.arange(len(table))}
            tables.append(table.assign(**facts, truth=patients.classes))
    columns = ["network", "machine", "film", "truth", *CLASSES]
    return pd.concat(tables, ignore_index=True)[columns]


def recorded_answers(network: str, machine: str, folder: Path | str | None = None) -> pd.DataFrame:
    """The recorded rows of one network and machine; ValueError if there are none."""
    table = pd.read_csv(Path(folder or SHIPPED) / "answers.csv")
    chosen = table[(table.network == network) & (table.machine == machine)]
    if chosen.empty:
        raise ValueError(
            f"Nothing was recorded for {network!r} on {machine!r}; networks: "
            f"{', '.join(table.network.unique())}; machines: {', '.join(table.machine.unique())}."
        )
    return chosen.reset_index(drop=True)


def _folder(name: str) -> str:
    return name.replace(" ", "_")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.robustness.adaptation_record")
    parser.add_argument("--out", required=True, type=Path, help="folder for networks and tables")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)  # two stall each other in a net as small as this
    networks = {FIRST: load_film_classifier()}
    for name in TRAININGS:
        networks[name] = go_on(name, given.out, load_film_classifier())
    table_of_answers(networks).to_csv(given.out / "answers.csv", index=False)
    print(f"{given.out}: two networks, their logs, and what three say of every machine's films.")


if __name__ == "__main__":
    main()
