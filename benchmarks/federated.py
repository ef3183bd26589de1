"""Rounds of a federation: one hospital after another, all at once, and through Flower, in one run.

All do the same work from the same seeds, and the largest difference of their final weights is
printed. Seconds per round are medians over the rounds after the first, by the clock, with one
thread; the first two ways are also timed in CPU seconds, which a busy computer does not stretch.
A gap of 1e-3 after several rounds is no fault: where two pixels tie in max pooling, or a ReLU is
at zero, a last digit decides; with tanh and mean pooling the gap stays at 1e-7.
Flower's rows need the extra "engine"; without it they are left out.

    python -m benchmarks.federated            # Ray takes about half a minute to start
    python -m benchmarks.federated --no-ray
"""

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.mafl import pool_of
from course_lib.federated.objectives import Objective, fedmix, plain
from course_lib.federated.partition import clients_of, iid
from course_lib.federated.rounds import FederatedPlan, History, federate
from course_lib.federated.small_network import small_network
from course_lib.federated.tasks import digits_task
from course_lib.federated.vectorised import federate_vectorised
from course_lib.federated.weights import as_vector

ROUNDS = 6


class Timed(NamedTuple):
    """One way to do the work: seconds per round by the clock and of the processor, and result."""

    wall: float
    cpu: float
    history: History


def timed(work: Callable[[Callable], History]) -> Timed:
    """Run a federation that reports every round, and take the median of the later rounds."""
    walls, cpus = [], []

    def on_round(row, weights) -> None:
        walls.append(time.perf_counter())
        cpus.append(time.process_time())

    history = work(on_round)
    return Timed(float(np.median(np.diff(walls))), float(np.median(np.diff(cpus))), history)


def multilayer(side: int, classes: int, seed: int) -> nn.Module:
    """One hidden layer of 64."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(side * side, 64), nn.ReLU(), nn.Linear(64, classes)
    )


def gap(a: History, b: History) -> float:
    """The largest difference of the final weights."""
    return float((as_vector(a.weights) - as_vector(b.weights)).abs().max())


def loop_and_stack(
    name: str, model: nn.Module, clients: list[Client], objective: Objective
) -> Timed:
    """Print loop against vectorised; returns the loop."""
    plan = FederatedPlan(ROUNDS, local=LocalPlan(epochs=2))
    pool = None if objective.partner == "none" else pool_of(clients, 5, 10, seed=0)
    loop, stack = (
        timed(lambda watch, way=way: way(
            model, clients, plan, objective, pool=pool, on_round=watch, progress=False))
        for way in (federate, federate_vectorised)
    )  # fmt: skip
    print(f"{name:34}{len(clients):>5}{1e3 * loop.cpu:>10.0f}{1e3 * stack.cpu:>12.0f}"
          f"{loop.cpu / stack.cpu:>8.1f}{gap(loop.history, stack.history):>12.1e}")  # fmt: skip
    return loop


def engine_rows(model: nn.Module, clients: list[Client], loop: Timed, ray: bool) -> None:
    """Print the same federation by message: in this process, and in Flower's simulation."""
    try:
        from course_lib.federated.engine.client_app import app_for
        from course_lib.federated.engine.inline_grid import InlineGrid
        from course_lib.federated.engine.server_app import serve, server_app
        from course_lib.federated.engine.simulation import simulate
    except ImportError as error:
        print(f"Flower's rows are left out: {error}")
        return
    plan, many = FederatedPlan(ROUNDS, local=LocalPlan(epochs=2)), len(clients)
    app = app_for(clients, model)

    def by_ray(watch: Callable) -> History:
        kept: list[History] = []
        simulate(server_app(model, plan, many, kept.append, on_round=watch), app, many)
        return kept[0]

    ways = {"Flower, messages in this process": lambda watch: serve(
        InlineGrid(app, many), model, plan, many, on_round=watch)}  # fmt: skip
    if ray:
        ways["Flower's simulation (Ray)"] = by_ray
    for name, way in ways.items():
        begun = time.perf_counter()
        result = timed(way)
        total = time.perf_counter() - begun
        print(f"{name:34}{1e3 * result.wall:>8.0f} ms a round = {result.wall / loop.wall:.1f} x "
              f"the loop; {total:.1f} s in all; gap {gap(loop.history, result.history):.1e}"
        )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-ray", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    task = digits_task(0)
    head = ("K", 5), ("loop", 10), ("vectorised", 12), ("ratio", 8), ("gap", 12)
    print(f"{'CPU ms per round, E = 2':34}" + "".join(f"{word:>{width}}" for word, width in head))
    for many in (8, 40):
        clients = clients_of(task.inputs[: 33 * many], task.targets[: 33 * many],
                             iid(task.targets[: 33 * many], many, 0))  # fmt: skip
        for name, model in (("multilayer perceptron, 8 px", multilayer(8, 10, 0)),
                            ("small network, 8 px", small_network(10, 8, 0))):  # fmt: skip
            for objective in (plain(), fedmix(0.05)):
                loop = loop_and_stack(f"{name}, {objective.name}", model, clients, objective)
                if many == 8 and objective.name == "plain":
                    first = model, clients, loop
    big = [c._replace(inputs=nn.functional.interpolate(c.inputs, 16)) for c in clients[:12]]
    loop_and_stack("small network, 16 px, plain", small_network(10, 16, 0), big, plain())
    model, clients, loop = first
    print(f"\nloop, {len(clients)} hospitals: {1e3 * loop.wall:.0f} ms a round by the clock")
    engine_rows(model, clients, loop, ray=not chosen.no_ray)


if __name__ == "__main__":
    main()
