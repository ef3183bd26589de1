"""Does mixing with averages help? FedMix and its relatives, measured again at laptop size.

    python -m course_lib.federated.replication --out FOLDER [--only STUDY]

Every study changes one thing: the share lambda, the number of cases in an average, the classes that
a hospital sees, how many hospitals a round asks, or how long they learn alone. All methods of a
setting share hospitals, first weights and the choice of clients, seed by seed, so that differences
can be paired. What is done is kept; called again, the command goes on. Same command, same numbers.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_lib.data.files import write_whole
from course_lib.federated.client import Client, LocalPlan, Pool
from course_lib.federated.mafl import bytes_of_pool, every_case, pool_of
from course_lib.federated.objectives import (
    Objective,
    fedmix,
    global_mix,
    local_mix,
    naive_mix,
    plain,
)
from course_lib.federated.partition import by_classes, clients_of
from course_lib.federated.replication_seeds import World, federate_seeds
from course_lib.federated.rounds import FederatedPlan
from course_lib.federated.tasks import Task, chest_task, digits_task
from course_lib.federated.weights import number_of_bytes, weights_of

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "fedmix"
FILE = "runs.csv"
SEEDS = tuple(range(8))
LAST_ROUNDS = 10  # an accuracy is the mean over the last rounds: single rounds jump
HIDDEN = 64
BATCH = 10
MU = 0.1  # of the methods called FedProx


def divided_twice(lam: float) -> Objective:
    """FedMix as some public code has it: the third term divided by the batch's size once more."""
    right, without = fedmix(lam).loss, fedmix(lam, taylor=False).loss

    def loss(*batch) -> Tensor:
        rest = without(*batch)
        return rest + (right(*batch) - rest) / BATCH

    return Objective("FedMix divided twice", loss, "averages", lam)


METHODS: dict[str, Callable[[float], Objective]] = {
    "FedAvg": lambda lam: plain(),
    "LocalMix": local_mix,
    "NaiveMix": naive_mix,
    "FedMix": fedmix,
    "FedMix without Taylor": lambda lam: fedmix(lam, taylor=False),
    "GlobalMix": global_mix,
    "FedMix divided twice": divided_twice,
}
PUBLISHED = tuple(name for name in METHODS if name != "FedMix divided twice")


@dataclass(frozen=True)
class Setting:
    """One column of a table: what is learned, where, and how.

    clients of ``cases`` cases each; fraction of them asked per round; target: the accuracy whose
    first round is noted; per_average: M_k, None for all cases of a hospital; mu: FedProx.
    """

    task: str
    clients: int
    cases: int
    fraction: float
    rounds: int
    target: float
    classes_per_client: int = 2
    epochs: int = 5
    lam: float = 0.1
    per_average: int | None = None
    mu: float = 0.0


DIGITS = Setting("digits", clients=20, cases=60, fraction=0.25, rounds=30, target=0.7)
CHEST = Setting("chest", clients=12, cases=60, fraction=1 / 3, rounds=40, target=0.3)
FEW = ("FedAvg", "NaiveMix", "FedMix", "GlobalMix")


def studies() -> Iterator[tuple[str, Setting, str]]:
    """Everything that is run, as (study, setting, method); the most important first."""
    for base in (DIGITS, CHEST):
        yield from (("methods", base, method) for method in PUBLISHED)
    for base in (DIGITS, CHEST):
        for lam in (0.05, 0.2, 0.5):
            setting = _but(base, lam=lam)
            for method in ("NaiveMix", "FedMix", "FedMix without Taylor", "GlobalMix"):
                yield "lambda", setting, method
    for base, long in ((DIGITS, 20), (CHEST, 15)):
        yield from (("epochs", _but(base, epochs=long, lam=0.05), method) for method in FEW)
    for base in (DIGITS, CHEST):
        for method in ("FedAvg", "LocalMix", "NaiveMix", "FedMix"):
            yield "fedprox", _but(base, mu=MU), method
    for size in (2, 5, 20):
        for method in ("NaiveMix", "FedMix"):
            yield "averages", _but(DIGITS, per_average=size), method
    for classes in (1, 3, 5, 10):
        yield from (("classes", _but(DIGITS, classes_per_client=classes), m) for m in FEW)
    for fraction in (0.1, 0.5):
        yield from (("fraction", _but(DIGITS, fraction=fraction), method) for method in FEW)
    for lam in (0.1, 0.2):
        yield "slip", _but(DIGITS, lam=lam), "FedMix divided twice"


def studied_task(name: str) -> Task:
    """The cases of "digits" or "chest" (16 x 16 pixels, six classes), mean 0 and spread 1.

    Mean and spread are of all hospitals' cases; each would have to send two sums for them.
    """
    made = {
        "digits": lambda: digits_task(6600),
        "chest": lambda: chest_task(16, 1200, 6600, test_share=0.3),
    }
    if name not in made:
        raise ValueError(f"There is no task {name!r}; choose digits or chest.")
    task = made[name]()
    spread = task.inputs.std()
    return task._replace(inputs=task.inputs / spread, test_inputs=task.test_inputs / spread)


def small_network(task: Task) -> nn.Module:
    """Two full layers, 64 hidden units; first weights from torch's generator."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(task.inputs[0].numel(), HIDDEN), nn.ReLU(),
        nn.Linear(HIDDEN, len(task.classes)),
    )  # fmt: skip


def hospitals(task: Task, setting: Setting, seed: int) -> list[Client]:
    """Hospitals of equal size that see only some classes. ValueError if there are too few cases."""
    shares = by_classes(task.targets, setting.clients, setting.classes_per_client, seed)
    if min(map(len, shares)) < setting.cases:
        raise ValueError(f"There are not {setting.cases} cases for each of {len(shares)} clients.")
    random = np.random.default_rng([seed, 66])
    kept = [np.sort(random.choice(share, setting.cases, replace=False)) for share in shares]
    return clients_of(task.inputs, task.targets, kept)


def world(task: Task, setting: Setting, objective: Objective, seed: int) -> World:
    """Hospitals, first weights and pool of one seed."""
    clients = hospitals(task, setting, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        weights = weights_of(small_network(task))
    return World(clients, weights, pool_for(clients, setting, objective, len(task.classes)), seed)


def pool_for(
    clients: Sequence[Client], setting: Setting, objective: Objective, classes: int
) -> Pool | None:
    """What the objective mixes with: averages, single cases of everyone, or nothing."""
    if objective.partner == "averages":
        return pool_of(clients, setting.per_average, classes)
    return every_case(clients, classes) if objective.partner == "everyone" else None


def federated_plan(setting: Setting) -> FederatedPlan:
    """The plan of a setting: ten cases per step, learning rate 0.05."""
    local = LocalPlan(epochs=setting.epochs, batch_size=BATCH, learning_rate=0.05, mu=setting.mu)
    return FederatedPlan(setting.rounds, setting.fraction, local)


def run(task: Task, setting: Setting, method: str, seeds: Sequence[int] = SEEDS) -> pd.DataFrame:
    """One method in one setting: a row per seed, with accuracies, fairness and bytes."""
    objective = METHODS[method](setting.lam)
    worlds = [world(task, setting, objective, seed) for seed in seeds]
    model, plan = small_network(task), federated_plan(setting)
    _, by_class = federate_seeds(model, worlds, plan, objective, task.test)
    rows = []
    for number, one in enumerate(worlds):
        overall = _overall(by_class[:, number], task)
        final = by_class[-LAST_ROUNDS:, number].mean(0)
        rows.append(
            {
                "seed": one.seed,
                "accuracy": overall[-LAST_ROUNDS:].mean(),
                "rounds_to_target": first_round(overall, setting.target),
                **fairness(one.clients, final),
                **bytes_sent(one, setting),
            }
        )
    return pd.DataFrame(rows)


def first_round(accuracy: NDArray[np.float64], target: float) -> float:
    """The first round that reaches the target; NaN if none does."""
    reached = np.flatnonzero(accuracy >= target)
    return float(reached[0] + 1) if len(reached) else float("nan")


def fairness(clients: Sequence[Client], by_class: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy over hospitals: mean, worst and best tenth, variance in squared percent.

    A hospital's accuracy is that on test cases mixed as its own cases are.
    """
    shares = np.array([np.bincount(c.targets.numpy(), minlength=len(by_class)) for c in clients])
    each = np.sort(shares / shares.sum(1, keepdims=True) @ by_class)
    tenth = max(1, round(len(each) / 10))
    return {
        "worst_tenth": each[:tenth].mean(),
        "best_tenth": each[-tenth:].mean(),
        "variance": (100 * each).var(),
    }


def bytes_sent(one: World, setting: Setting) -> dict[str, int]:
    """Bytes of weights, down and up in all rounds, and of averages, up once and down to everyone.

    What GlobalMix would send is counted, too: single cases of everyone.
    """
    asked = max(1, round(setting.fraction * setting.clients))
    weights = 2 * number_of_bytes(one.weights) * asked * setting.rounds
    pool = 0 if one.pool is None else bytes_of_pool(one.pool) * (1 + setting.clients)
    return {"bytes_weights": weights, "bytes_pool": pool}


def record(out: Path, only: str | None = None) -> pd.DataFrame:
    """Run what is not in the file yet; the file is complete after every run."""
    path = out / FILE
    done = pd.read_csv(path) if path.is_file() else pd.DataFrame()
    tasks: dict[str, Task] = {}
    todo = [one for one in studies() if only in (None, one[0])]
    for study, setting, method in tqdm(todo, desc="federations"):
        facts = {"study": study, "method": method, **facts_of(setting)}
        if len(done) and (done[list(facts)] == pd.Series(facts)).all(axis=1).any():
            continue
        task = tasks.setdefault(setting.task, studied_task(setting.task))
        made = run(task, setting, method).round(5)
        done = pd.concat([done, made.assign(**facts)[[*facts, *made.columns]]], ignore_index=True)
        text = done.to_csv(index=False)
        write_whole(path, lambda file, text=text: file.write(text.encode()))  # type: ignore[misc]
    return done


def facts_of(setting: Setting) -> dict[str, object]:
    """The setting's columns of the table; per_average is 0 for all cases of a hospital."""
    return {
        "task": setting.task, "lam": setting.lam, "per_average": setting.per_average or 0,
        "classes_per_client": setting.classes_per_client, "fraction": round(setting.fraction, 3),
        "epochs": setting.epochs, "mu": setting.mu,
    }  # fmt: skip


def _but(setting: Setting, **changed) -> Setting:
    return Setting(**{**setting.__dict__, **changed})


def _overall(by_class: NDArray[np.float64], task: Task) -> NDArray[np.float64]:
    """Accuracy over all test cases (rounds,), from that of each class (rounds, classes)."""
    counts = np.bincount(task.test_targets.numpy(), minlength=by_class.shape[1])
    return by_class @ (counts / counts.sum())


def main(words: Sequence[str] | None = None) -> None:
    """The command; see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.federated.replication")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of runs.csv")
    parser.add_argument("--only", choices=sorted({study for study, _, _ in studies()}))
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    done = record(given.out, given.only)
    print(f"{given.out / FILE}: {len(done)} rows")


if __name__ == "__main__":
    main()
