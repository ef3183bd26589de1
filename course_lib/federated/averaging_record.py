"""Federated averaging over several seeds: the recorded runs of the lesson.

    python -m course_lib.federated.averaging_record

repeats them (about five minutes on one thread) and goes on where it was stopped. A seed decides who
gets which films, the first weights and every shuffling; the films are always the same 960.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t
from tqdm.auto import tqdm

from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.faults import random_faults
from course_lib.federated.partition import by_classes, clients_of, iid
from course_lib.federated.rounds import FederatedPlan
from course_lib.federated.small_network import small_network
from course_lib.federated.tasks import Task, chest_task
from course_lib.federated.vectorised import federate_vectorised

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "federated_averaging"
SEEDS = (0, 1, 2, 3, 4)
HOSPITALS = 12
COLUMNS = ("setting", "seed", "round", "accuracy", "dropped")


class Setting(NamedTuple):
    """One way to federate; classes: how many each hospital sees; faulty: share of answers."""

    classes: int = 2
    epochs: int = 5
    mu: float = 0.0
    fraction: float = 1.0
    rounds: int = 20
    faulty: float = 0.0


SETTINGS = {
    "all six classes": Setting(classes=6),
    "two classes": Setting(),
    "two classes, E = 1": Setting(epochs=1),
    "two classes, E = 10": Setting(epochs=10),
    "two classes, mu = 0.1": Setting(mu=0.1),
    "two classes, mu = 1": Setting(mu=1.0),
    "two classes, a quarter asked": Setting(fraction=0.25),
    "50 rounds, all answer": Setting(classes=6, epochs=1, rounds=50),
    "50 rounds, 30 % fail": Setting(classes=6, epochs=1, rounds=50, faulty=0.3),
    "50 rounds, two classes, all answer": Setting(epochs=1, rounds=50),
    "50 rounds, two classes, 30 % fail": Setting(epochs=1, rounds=50, faulty=0.3),
}


def dealt(task: Task, classes: int, seed: int, hospitals: int = HOSPITALS) -> list[Client]:
    """The films of a task dealt out to hospitals that see so many classes each."""
    even = classes >= len(task.classes)
    shares = (
        iid(task.targets, hospitals, seed)
        if even
        else by_classes(task.targets, hospitals, classes, seed)
    )
    return clients_of(task.inputs, task.targets, shares)


def run(task: Task, setting: Setting, seed: int) -> list[dict]:
    """The rows of one federation, one per round."""
    local = LocalPlan(setting.epochs, 10, 0.05, setting.mu)
    history = federate_vectorised(
        small_network(len(task.classes), task.inputs.shape[-1], seed),
        dealt(task, setting.classes, seed),
        FederatedPlan(setting.rounds, setting.fraction, local, seed),
        test=task.test,
        faults=random_faults(setting.faulty, seed) if setting.faulty else None,
        progress=False,
    )
    return history.rows


def record(path: Path | str = SHIPPED / "runs.csv", seeds: Sequence[int] = SEEDS) -> None:
    """Run whatever is not in the table yet and add it, one federation at a time."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    done = {(row["setting"], int(row["seed"])) for row in read_rows(path)} if path.exists() else ()
    open_runs = [(name, s) for s in seeds for name in SETTINGS if (name, s) not in done]
    task = chest_task()
    for name, seed in tqdm(open_runs, desc="federations"):
        rows = run(task, SETTINGS[name], seed)
        lines = [
            (name, seed, row["round"], f"{row['accuracy']:.4f}", len(row["dropped"]))
            for row in rows
        ]
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([COLUMNS, *lines] if new else lines)


def read_rows(path: Path | str = SHIPPED / "runs.csv") -> list[dict[str, str]]:
    """The table as it was written. Raises ValueError if it has other columns."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path} should have the columns {', '.join(COLUMNS)}.")
        return list(reader)


def curves(setting: str, path: Path | str = SHIPPED / "runs.csv") -> NDArray[np.float64]:
    """Accuracy of every seed and round (seeds, rounds) of one setting."""
    rows = [row for row in read_rows(path) if row["setting"] == setting]
    if not rows:
        raise ValueError(f"No run of {setting!r}; choose from {', '.join(SETTINGS)}.")
    seeds = sorted({int(row["seed"]) for row in rows})
    return np.array(
        [[float(row["accuracy"]) for row in rows if int(row["seed"]) == seed] for seed in seeds]
    )


def final(setting: str, last: int = 5, path: Path | str = SHIPPED / "runs.csv") -> NDArray:
    """Mean accuracy of the last rounds, one number per seed; single rounds jump too much."""
    return curves(setting, path)[:, -last:].mean(1)


def paired(a: str, b: str, path: Path | str = SHIPPED / "runs.csv") -> tuple[float, float]:
    """Mean of final(a) - final(b) over the seeds, and half of its 95 % interval (t, paired)."""
    gap = final(a, path=path) - final(b, path=path)
    half = t.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / np.sqrt(len(gap))
    return float(gap.mean()), float(half)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=record.__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED / "runs.csv")
    torch.set_num_threads(1)
    record(parser.parse_args().out)
