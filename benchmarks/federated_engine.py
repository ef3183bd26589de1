"""What real processes cost: the same federation by the plain loop, by message, over TLS.

    python -m benchmarks.federated_engine [--rounds 5]     # some minutes

Digits, two hospitals, a network of 1,370 weights, 2 epochs per round. Seconds by the clock, all in
one run: the start is all that comes before the first round's own time. The last column is the
largest difference of a final weight from the plain loop's. benchmarks.federated compares more
hospitals, vectorised clients and Flower's simulation.
"""

import argparse
import time
from collections.abc import Callable

import torch

from course_lib.federated.client import LocalPlan
from course_lib.federated.engine.client_app import app_for
from course_lib.federated.engine.deployed import find_network
from course_lib.federated.engine.deployment import DIGITS_NET, deploy
from course_lib.federated.engine.inline_grid import InlineGrid
from course_lib.federated.engine.server_app import server_app
from course_lib.federated.partition import clients_of, iid
from course_lib.federated.rounds import FederatedPlan, History, federate
from course_lib.federated.tasks import digits_task


def by_message(model, clients, plan, on_round) -> History:
    """Both apps in this process."""
    kept: list[History] = []
    app = server_app(model, plan, len(clients), kept.append, on_round=on_round)
    grid = InlineGrid(app_for(clients, model), len(clients))
    app(grid, grid._contexts[1])
    return kept[0]


def plain_loop(model, clients, plan, on_round) -> History:
    """No engine."""
    return federate(model, clients, plan, on_round=on_round, progress=False)


def as_processes(model, clients, plan, on_round) -> History:
    """SuperLink and SuperNodes over TLS."""
    return deploy(clients, plan, on_round=lambda row: on_round(row, {}))


def measured(way: Callable, model, clients, plan) -> tuple[float, float, History]:
    """(seconds of the start, seconds of a round, what came out)."""
    begin = time.perf_counter()
    ends: list[float] = []
    history = way(model, clients, plan, lambda row, weights: ends.append(time.perf_counter()))
    each = (ends[-1] - ends[0]) / (len(ends) - 1)
    return max(ends[0] - begin - each, 0.0), each, history


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    task = digits_task(68)
    plan = FederatedPlan(chosen.rounds, local=LocalPlan(2, 10, 0.1), seed=68)
    model = find_network(DIGITS_NET, plan.seed)
    clients = clients_of(task.inputs, task.targets, iid(task.targets, 8, 68))[:2]
    plain_loop(model, clients, plan, None)  # the first call of everything costs more
    _, _, base = measured(plain_loop, model, clients, plan)
    ways = {"plain loop": plain_loop, "by message": by_message, "processes": as_processes}
    for name, way in ways.items():
        start, each, history = measured(way, model, clients, plan)
        gap = max(float((history.weights[k] - v).abs().max()) for k, v in base.weights.items())
        print(
            f"{name:12} start {start:5.1f} s, a round {each:7.3f} s, largest difference {gap:.0e}"
        )


if __name__ == "__main__":
    main()
