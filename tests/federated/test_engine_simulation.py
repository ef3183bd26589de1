"""Flower's own simulation, with Ray, gives the weights of the plain loop."""

import psutil
import pytest
import torch

pytest.importorskip("flwr", reason="Flower is optional: pip install -e '.[engine]'")
pytest.importorskip("ray", reason="Ray is optional: pip install -e '.[engine]'")

from course_lib.federated.client import Client, LocalPlan
from course_lib.federated.engine.client_app import app_for
from course_lib.federated.engine.networks import digits_net
from course_lib.federated.engine.server_app import server_app
from course_lib.federated.engine.simulation import BusyComputer, simulate
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.tasks import digits_task


def test_ray_gives_the_same_weights_and_leaves_no_process():
    task = digits_task(68)
    clients = [
        Client(f"hospital {k}", task.inputs[60 * k : 60 * k + 40 + 5 * k],
               task.targets[60 * k : 60 * k + 40 + 5 * k])
        for k in range(4)
    ]  # fmt: skip
    torch.manual_seed(0)
    model = digits_net()
    plan = FederatedPlan(3, fraction=0.75, local=LocalPlan(2, 10, 0.1), seed=3)
    direct = federate(model, clients, plan, test=task.test, progress=False)
    kept = []
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    server = server_app(model, plan, 4, kept.append, test=task.test)
    try:
        simulate(server, app_for(clients, model), 4)
    except BusyComputer as reason:
        pytest.skip(str(reason))
    simulated = kept[0]
    for name, value in direct.weights.items():
        torch.testing.assert_close(simulated.weights[name], value, rtol=0, atol=1e-6)
    assert simulated.column("accuracy") == pytest.approx(direct.column("accuracy"), abs=0.003)
    left = [child for child in psutil.Process().children(recursive=True) if is_new(child, before)]
    _, alive = psutil.wait_procs(left, timeout=20)
    assert [process.name() for process in alive] == []


def is_new(process: psutil.Process, before: set[int]) -> bool:
    """Neither there before nor started by one that was, as a browser's helpers are."""
    return not before & {process.pid, *(parent.pid for parent in process.parents())}
