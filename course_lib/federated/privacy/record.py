"""Accuracy against epsilon over several seeds: the recorded runs of the lesson.

    python -m course_lib.federated.privacy.record

repeats them (about four minutes on one thread) and goes on where it was stopped. The task is
scikit-learn's digits. A seed decides the split, who gets which digits, the first weights and
all noise.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from scipy.stats import t
from tqdm.auto import tqdm

from course_lib.federated.client import LocalPlan
from course_lib.federated.partition import clients_of, iid
from course_lib.federated.privacy.accountant import epsilon
from course_lib.federated.privacy.differential_privacy import (
    dp_fedavg,
    private_steps,
    private_training,
)
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.small_network import small_network
from course_lib.federated.tasks import digits_task
from course_lib.federated.vectorised import federate_vectorised

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "datasets" / "checkpoints" / "federated_privacy"
SEEDS = (0, 1, 2, 3, 4)
ROUNDS = 8
CLIP = 1.0
PATIENT_PLAN = LocalPlan(epochs=2, batch_size=32, learning_rate=0.5)
HOSPITAL_PLAN = LocalPlan(epochs=2, batch_size=10, learning_rate=0.1)
COLUMNS = ("hides", "hospitals", "noise", "epsilon", "seed", "accuracy")


class Setting(NamedTuple):
    """hides: "a patient" or "a hospital"; noise in units of the clipping norm."""

    hides: str
    hospitals: int
    noise: float


SETTINGS = (
    *(Setting("a patient", 10, noise) for noise in (0.0, 0.7, 1.0, 2.0, 4.0)),
    *(Setting("a hospital", 10, noise) for noise in (0.0, 0.5, 1.0, 2.0)),
    *(Setting("a hospital", 100, noise) for noise in (0.0, 0.5, 1.0, 2.0, 4.0)),
)


def delta_of(units: int) -> float:
    """The usual choice, below one over the number of those who are protected: 1 / (2 n)."""
    return 1 / (2 * units)


def epsilon_of(setting: Setting, cases: int) -> float:
    """What a setting promises; cases: those of all hospitals together."""
    if setting.hides == "a hospital":
        return epsilon(setting.noise, 1.0, ROUNDS, delta_of(setting.hospitals))
    rate, steps = private_steps(cases // setting.hospitals, PATIENT_PLAN, ROUNDS)
    return epsilon(setting.noise, rate, steps, delta_of(cases))


def run(setting: Setting, seed: int) -> tuple[float, float]:
    """(epsilon, accuracy at the end) of one federation."""
    task = digits_task(seed)
    shares = iid(task.targets, setting.hospitals, seed)
    clients = clients_of(task.inputs, task.targets, shares)
    net = small_network(10, 8, seed)
    if setting.hides == "a patient":
        plan = FederatedPlan(ROUNDS, 1.0, PATIENT_PLAN, seed)
        history = federate(
            net, clients, plan, test=task.test, progress=False,
            train=private_training(CLIP, setting.noise),
        )  # fmt: skip
    else:
        plan = FederatedPlan(ROUNDS, 1.0, HOSPITAL_PLAN, seed)
        server = dp_fedavg(CLIP, setting.noise, seed)
        history = federate_vectorised(
            net, clients, plan, test=task.test, progress=False, aggregate=server
        )
    return epsilon_of(setting, len(task.targets)), history.rows[-1]["accuracy"]


def record(path: Path | str = SHIPPED / "runs.csv", seeds: Sequence[int] = SEEDS) -> None:
    """Run whatever is not in the table yet and add it, one federation at a time."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    done = set()
    if path.exists():
        table = pd.read_csv(path)
        done = set(zip(table.hides, table.hospitals, table.noise, table.seed, strict=True))
    waiting = [(s, seed) for seed in seeds for s in SETTINGS if (*s, seed) not in done]
    for setting, seed in tqdm(waiting, desc="federations"):
        spent, right = run(setting, seed)
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            row = (*setting, f"{spent:.3f}", seed, f"{right:.4f}")
            writer.writerows([COLUMNS, row] if new else [row])


def summary(path: Path | str = SHIPPED / "runs.csv") -> pd.DataFrame:
    """Per setting: epsilon, mean accuracy over the seeds, and half of its 95 % interval (t)."""
    table = pd.read_csv(path)
    if tuple(table.columns) != COLUMNS:
        raise ValueError(f"{path} should have the columns {', '.join(COLUMNS)}.")
    groups = table.groupby(["hides", "hospitals", "noise"], sort=False)
    rows = groups.agg(epsilon=("epsilon", "first"), mean=("accuracy", "mean"), n=("seed", "size"))
    error = groups["accuracy"].std() / rows["n"] ** 0.5
    rows["half"] = error * t.ppf(0.975, rows["n"] - 1)
    return rows.reset_index()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=record.__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED / "runs.csv")
    torch.set_num_threads(1)
    record(parser.parse_args().out)
