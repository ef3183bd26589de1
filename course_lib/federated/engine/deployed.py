"""The two apps as a deployment starts them: each in a process that knows only its own settings.

A hospital's program is told by its own node-config where its cases lie. The server's program is
told by the run's configuration how to proceed; it is never told where films are.
"""

import pkgutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.engine.client_app import client_app
from course_lib.federated.engine.flower import Context, Grid, Message, ServerApp
from course_lib.federated.engine.server_app import Patience, serve
from course_lib.federated.rounds import FederatedPlan


def save_cases(path: Path, client: Client) -> None:
    """Write a hospital's cases to its own disk: arrays and a name, nothing that can run."""
    name = np.array(client.name)
    np.savez(path, name=name, inputs=client.inputs.numpy(), targets=client.targets.numpy())


def load_cases(path: Path | str) -> Client:
    """The reverse of ``save_cases``. Raises FileNotFoundError that says which setting is wrong."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"There are no cases in {path}; check this hospital's node-config.")
    with np.load(path, allow_pickle=False) as kept:
        inputs, targets = torch.from_numpy(kept["inputs"]), torch.from_numpy(kept["targets"])
        return Client(str(kept["name"]), inputs, targets)


def find_network(name: str, seed: int) -> nn.Module:
    """The network that the function package.module:function makes, with weights from the seed.

    Only this library's functions are called: a name that came by network must start nothing else.
    Raises ValueError for another one.
    """
    if not name.startswith("course_lib."):
        raise ValueError(f"{name!r} is not a network of this course.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = pkgutil.resolve_name(name)()
    if not isinstance(network, nn.Module):
        raise ValueError(f"{name!r} does not make a network.")
    return network


def _cases(context: Context) -> Client:
    return load_cases(str(context.node_config["cases"]))


def _network(context: Context) -> nn.Module:
    torch.set_num_threads(1)
    return find_network(str(context.run_config["network"]), int(context.run_config["seed"]))


def late(message: Message, context: Context, proceed: Callable[[Message, Context], Any]) -> Any:
    """Sleep first, in the round that this hospital's settings name: to try lateness out."""
    if str(context.node_config.get("late-in-round", "")) == message.metadata.group_id:
        time.sleep(float(context.node_config["late-by"]))
    return proceed(message, context)


hospital = client_app(_cases, _network, mods=[late])
server = ServerApp()


@server.main()
def main(grid: Grid, context: Context) -> None:
    """Proceed as the run's configuration says; its folder has the state after every round."""
    config: dict[str, Any] = dict(context.run_config)
    serve(
        grid,
        _network(context),
        plan_in(config),
        config["hospitals"],
        test=load_cases(config["test"]) if config["test"] else None,
        folder=config["folder"],
        patience=Patience(config["meeting"], config["answer"] or None),
    )


def config_of(plan: FederatedPlan, network: str, **more: Any) -> dict[str, Any]:
    """A plan as the flat names and values of a run's configuration."""
    local = plan.local
    return {
        "network": network,
        "rounds": plan.rounds,
        "fraction": plan.fraction,
        "seed": plan.seed,
        "epochs": local.epochs,
        "batch-size": local.batch_size or 0,
        "learning-rate": local.learning_rate,
        "mu": local.mu,
        **more,
    }


def plan_in(config: dict[str, Any]) -> FederatedPlan:
    """The reverse of ``config_of``."""
    size = config["batch-size"] or None
    local = LocalPlan(config["epochs"], size, config["learning-rate"], config["mu"])
    return FederatedPlan(config["rounds"], config["fraction"], local, config["seed"])
