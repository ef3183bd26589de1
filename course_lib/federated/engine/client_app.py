"""What a hospital answers. The learning is federated.client.local_update, unchanged.

A ClientApp is a set of functions (message, context) -> message. The context is the hospital's own:
its settings, and what it keeps between messages; neither is ever sent.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from course_lib.federated.client import Client, Pool, accuracy, local_update
from course_lib.federated.engine.flower import (
    ClientApp,
    ConfigRecord,
    Context,
    Message,
    MetricRecord,
    RecordDict,
)
from course_lib.federated.engine.messages import (
    objective_of,
    plan_of,
    pool_in,
    pool_record,
    update_records,
    weights_in,
)
from course_lib.federated.faults import Fault
from course_lib.federated.mafl import client_averages
from course_lib.federated.weights import Weights

FindClient = Callable[[Context], Client]
FindModel = Callable[[Context], nn.Module]
MakeFault = Callable[[Weights], Fault]


class NoAnswer(RuntimeError):
    """The hospital's program stopped before it could answer."""


def client_app(
    find_client: FindClient,
    find_model: FindModel,
    faults: MakeFault | None = None,
    mods: Sequence[Any] = (),
) -> ClientApp:
    """The app that every hospital runs; both functions are called there, with its own context.

    find_client(context): its cases. find_model(context): the architecture, with any weights.
    faults(weights sent): what happens to its answer (federated.faults), to try failures out.
    mods: Flower's own wrappers around learning, called as mod(message, context, next).
    """
    app = ClientApp()

    @app.query("hello")
    def hello(message: Message, context: Context) -> Message:
        return Message(introduction(find_client(context), context), reply_to=message)

    @app.train(mods=list(mods))
    def train(message: Message, context: Context) -> Message:
        own, model = find_client(context), find_model(context)
        return Message(learn(message.content, own, model, context.state, faults), reply_to=message)

    @app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        own, model = find_client(context), find_model(context)
        right = accuracy(model, weights_in(message.content), own)
        numbers = MetricRecord({"accuracy": right, "cases": own.cases})
        return Message(RecordDict({"numbers": numbers}), reply_to=message)

    @app.query("averages")
    def averages(message: Message, context: Context) -> Message:
        return Message(own_averages(message.content, find_client(context)), reply_to=message)

    @app.query("pool")
    def pool(message: Message, context: Context) -> Message:
        context.state["pool"] = message.content.array_records["pool"]
        return Message(RecordDict(), reply_to=message)

    return app


def app_for(
    clients: Sequence[Client], model: nn.Module, faults: MakeFault | None = None
) -> ClientApp:
    """The app where all hospitals are pretended on one computer: hospital k has clients[k]."""
    return client_app(
        lambda context: clients[int(context.node_config["partition-id"])],
        lambda context: model,
        faults,
    )


def introduction(client: Client, context: Context) -> RecordDict:
    """Who is there: name, number of cases, and the hospital's number in this federation."""
    number = int(context.node_config["partition-id"])
    return RecordDict(
        {
            "numbers": MetricRecord({"cases": client.cases, "number": number}),
            "who": ConfigRecord({"name": client.name}),
        }
    )


def learn(
    task: RecordDict,
    client: Client,
    model: nn.Module,
    kept: RecordDict,
    faults: MakeFault | None = None,
) -> RecordDict:
    """One round of a hospital: read the task, learn, answer.

    kept: what it has been given before; FedMix's pool of averages lies there. Raises NoAnswer if
    ``faults`` lets the program die.
    """
    settings = task.config_records["plan"]
    weights = weights_in(task)
    update = local_update(
        model,
        weights,
        client,
        plan_of(task),
        objective_of(str(settings["objective"]), float(settings["lam"])),  # type: ignore[arg-type]
        kept_pool(kept),
        seed=int(settings["seed"]),  # type: ignore[arg-type]
    )
    if faults is None:
        return update_records(update)
    arrives = faults(weights)(int(settings["round"]), update)  # type: ignore[arg-type]
    if arrives is None:
        raise NoAnswer(f"The program of {client.name} stopped.")
    return update_records(arrives)


def own_averages(request: RecordDict, client: Client) -> RecordDict:
    """Averages of M_k own cases each, which FedMix shares; the cases themselves stay."""
    wanted = request.config_records["averages"]
    numbers = [int(wanted[key]) for key in ("per_average", "classes", "seed")]  # type: ignore[arg-type]
    return RecordDict({"averages": pool_record(client_averages(client, *numbers))})


def kept_pool(kept: RecordDict) -> Pool | None:
    """The pool that the server sent at the beginning, if it did."""
    return pool_in(kept.array_records["pool"]) if "pool" in kept.array_records else None
