"""The rounds of a federation: choose, send, learn, collect, aggregate.

``federate`` is the whole story. Everything that a hospital and the server do are the functions of
``client`` and ``server``; the engine (federated.engine) calls the same ones over a network.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import nn
from tqdm.auto import tqdm

from course_lib.federated.client import (
    Client,
    LocalPlan,
    Pool,
    Update,
    accuracy,
    local_update,
)
from course_lib.federated.faults import Fault
from course_lib.federated.objectives import Objective, plain
from course_lib.federated.robust import screen
from course_lib.federated.server import Aggregate, State, TooFewAnswers, choose_clients, fedavg
from course_lib.federated.weights import Weights, number_of_bytes, weights_of
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint

Row = dict[str, Any]
FILE = "federation.pt"  # in the folder of a run
Train = Callable[
    [nn.Module, Weights, Sequence[Client], LocalPlan, Objective, Pool | None, Sequence[int]],
    Iterable[Update],
]


@dataclass(frozen=True)
class FederatedPlan:
    """What is settled before the first round.

    rounds; fraction: share of the clients that each round asks; local: how they learn; seed: who
    is asked, and everything that chance decides at the clients.
    """

    rounds: int
    fraction: float = 1.0
    local: LocalPlan = field(default_factory=LocalPlan)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rounds < 1 or not 0 < self.fraction <= 1:
            raise ValueError("A federation needs a round, and a share of clients above 0 up to 1.")


class History(NamedTuple):
    """What came out: the last weights, and a row per round.

    A row has round, accuracy (share right of all test cases), by_client (one accuracy per test
    set), loss (mean over who answered, before learning), asked, dropped (client -> reason),
    bytes_down, bytes_up.
    """

    weights: Weights
    rows: list[Row]

    def column(self, name: str) -> list:
        """One entry of every row."""
        return [row[name] for row in self.rows]


class Progress(NamedTuple):
    """Where a federation stands after a round; all that is needed to go on."""

    weights: Weights
    rows: list[Row]
    state: State


def federate(
    model: nn.Module,
    clients: Sequence[Client],
    plan: FederatedPlan,
    objective: Objective | None = None,
    aggregate: Aggregate = fedavg,
    pool: Pool | None = None,
    test: Client | Sequence[Client] | None = None,
    folder: Path | str | None = None,
    on_round: Callable[[Row, Weights], None] | None = None,
    faults: Fault | None = None,
    progress: bool = True,
    train: Train | None = None,
) -> History:
    """Train one network over all clients without moving a case.

    model: architecture and weights at the start; it is not changed.
    pool: what NaiveMix, FedMix and GlobalMix mix with. test: cases to measure on after each round;
        several clients give one accuracy each.
    folder: where the state is kept after every round; called again after an interruption it goes
        on with the next round and ends with the same bits. on_round(row, weights): to watch.
    faults: what happens to the answers on their way (federated.faults). train: how the clients of
        a round are trained; ``one_by_one``, or all at once (federated.vectorised).
    Raises ValueError for two clients of one name; CheckpointError if folder holds another run.
    """
    objective = objective or plain()
    _check_names(clients)
    now = remembered(model, plan, objective, folder)
    numbers = range(len(now.rows) + 1, plan.rounds + 1)
    for number in tqdm(numbers, desc="rounds", disable=not progress):
        chosen = choose_clients(len(clients), plan.fraction, plan.seed, number)
        asked = [clients[k] for k in chosen]
        seeds = [client_seed(plan.seed, number, k) for k in chosen]
        learn = train or one_by_one
        answers = learn(model, now.weights, asked, plan.local, objective, pool, seeds)
        arrived = [(faults(number, answer) if faults else answer) for answer in answers]
        now = end_round(now, arrived, [one.name for one in asked], aggregate, model, test)
        remember(now, plan, objective, folder)
        if on_round:
            on_round(now.rows[-1], now.weights)
    return History(now.weights, now.rows)


def one_by_one(
    model: nn.Module,
    weights: Weights,
    clients: Sequence[Client],
    plan: LocalPlan,
    objective: Objective,
    pool: Pool | None,
    seeds: Sequence[int],
) -> Iterable[Update]:
    """The answers of a round's clients, one client after another."""
    for client, seed in zip(clients, seeds, strict=True):
        yield local_update(model, weights, client, plan, objective, pool, seed)


def client_seed(seed: int, number: int, client: int) -> int:
    """The seed of one client's training in one round."""
    return int(np.random.SeedSequence([seed, number, client]).generate_state(1)[0])


def end_round(
    now: Progress,
    arrived: Iterable[Update | None],
    names: Sequence[str],
    aggregate: Aggregate,
    model: nn.Module,
    test: Client | Sequence[Client] | None,
) -> Progress:
    """Screen the answers, aggregate what is left, measure, and write the round's row.

    names: who was asked. Who did not answer, or answered nonsense, is named in the row's "dropped".
    If too few are left, the weights stay as they were, and "dropped" says so under "the server".
    """
    came = [update for update in arrived if update is not None]
    kept, dropped = screen(came, now.weights)
    silent = set(names) - {update.name for update in came}
    dropped |= dict.fromkeys(sorted(silent), "no answer in time")
    weights, state = now.weights, now.state
    try:
        if not kept:
            raise TooFewAnswers("Nobody sent a usable answer; the weights stay as they were.")
        weights, state = aggregate(weights, kept, state)
    except TooFewAnswers as reason:
        dropped["the server"] = str(reason)
    size = number_of_bytes(now.weights)
    row = {
        "round": len(now.rows) + 1,
        "loss": float(np.mean([u.loss for u in kept])) if kept else float("nan"),
        "asked": list(names),
        "dropped": dropped,
        "bytes_down": size * len(names),
        "bytes_up": sum(number_of_bytes(update.weights) for update in came),
        **measure(model, weights, test),
    }
    return Progress(weights, [*now.rows, row], state)


def measure(
    model: nn.Module, weights: Weights, test: Client | Sequence[Client] | None
) -> dict[str, Any]:
    """Accuracy of each test set, and over all their cases; NaN without any."""
    sets = [test] if isinstance(test, Client) else list(test or ())
    if not sets:
        return {"accuracy": float("nan"), "by_client": []}
    shares = [accuracy(model, weights, one) for one in sets]
    total = float(np.average(shares, weights=[one.cases for one in sets]))
    return {"accuracy": total, "by_client": shares}


def remembered(
    model: nn.Module, plan: FederatedPlan, objective: Objective, folder: Path | str | None
) -> Progress:
    """Where the federation stood; the beginning if there is no folder, or nothing in it.

    Raises CheckpointError if the folder belongs to a federation with other settings.
    """
    path = None if folder is None else Path(folder) / FILE
    if path is None or not path.exists():
        return Progress(weights_of(model), [], {})
    kept = load_checkpoint(path)
    if kept.get("settings") != _settings(plan, objective):
        raise CheckpointError(
            f"{path} belongs to another federation; name another folder, or delete it."
        )
    return Progress(kept["weights"], kept["rows"], kept["state"])


def remember(
    now: Progress, plan: FederatedPlan, objective: Objective, folder: Path | str | None
) -> None:
    """Write the state of the federation; the file is at every moment the old or the new one."""
    if folder is None:
        return
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"weights": now.weights, "rows": now.rows, "state": dict(now.state)}
    save_checkpoint(path, {"settings": _settings(plan, objective), **content})


def _settings(plan: FederatedPlan, objective: Objective) -> Mapping[str, Any]:
    """What must agree for a run to go on; more rounds may be added."""
    settings = asdict(plan)
    settings.pop("rounds")
    return {**settings, "objective": objective.name, "lam": objective.lam}


def _check_names(clients: Sequence[Client]) -> None:
    names = [client.name for client in clients]
    twice = {name for name in names if names.count(name) > 1}
    if twice or not names:
        raise ValueError(f"Every client needs a name of its own; twice: {', '.join(twice)}.")
