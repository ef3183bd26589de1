"""The rounds of a federation by message. What is computed is federated.rounds, unchanged.

The server knows hospitals only through a Grid: a list of connected nodes, and a way to send each a
message and to wait for the answers. It never sees more than the answers.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from course_lib.federated.client import Client, Update
from course_lib.federated.engine.flower import Context, Grid, Message, RecordDict, ServerApp
from course_lib.federated.engine.messages import task_records, update_of
from course_lib.federated.objectives import Objective, plain
from course_lib.federated.rounds import (
    FederatedPlan,
    History,
    Progress,
    Row,
    client_seed,
    end_round,
    remember,
    remembered,
)
from course_lib.federated.server import Aggregate, choose_clients, fedavg
from course_lib.federated.weights import Weights


class Node(NamedTuple):
    """A connected hospital: the engine's number for its connection, its own number and name."""

    id: int
    number: int
    name: str
    cases: int


@dataclass(frozen=True)
class Patience:
    """How long a server waits, in seconds; None: for ever.

    meeting: for all hospitals to connect before the first round. answer: for the answers of a
    round; who is later is left out of it.
    """

    meeting: float = 60.0
    answer: float | None = 60.0


Exchange = Callable[[Grid, Sequence[Node]], None]


def serve(
    grid: Grid,
    model: nn.Module,
    plan: FederatedPlan,
    hospitals: int,
    objective: Objective | None = None,
    aggregate: Aggregate = fedavg,
    test: Client | Sequence[Client] | None = None,
    folder: Path | str | None = None,
    patience: Patience | None = None,
    before: Exchange | None = None,
    on_round: Callable[[Row, Weights], None] | None = None,
) -> History:
    """Train one network over all hospitals that are connected to the grid.

    Arguments and result are those of federated.rounds.federate; hospitals: how many must be there
    to begin. before(grid, nodes): what is exchanged once, before the first round (FedMix).
    Raises TimeoutError if hospitals are missing when the patience is over.
    """
    objective, patience = objective or plain(), patience or Patience()
    now = remembered(model, plan, objective, folder)
    nodes = meet(grid, hospitals, patience)
    if before:
        before(grid, list(nodes.values()))
    for number in range(len(now.rows) + 1, plan.rounds + 1):
        nodes = greet(grid, nodes, patience)
        chosen = choose_clients(hospitals, plan.fraction, plan.seed, number)
        asked = [nodes[k] for k in chosen]
        tasks = [_task(node, now.weights, plan, objective, number) for node in asked]
        replies = grid.send_and_receive(tasks, timeout=patience.answer)
        now = _finish(now, replies, asked, aggregate, model, test)
        remember(now, plan, objective, folder)
        if on_round:
            on_round(now.rows[-1], now.weights)
    return History(now.weights, now.rows)


def server_app(
    model: nn.Module,
    plan: FederatedPlan,
    hospitals: int,
    keep: Callable[[History], Any],
    **options: Any,
) -> ServerApp:
    """``serve`` as an app that an engine can start; keep(history) is called at the end."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        keep(serve(grid, model, plan, hospitals, **options))

    return app


def meet(grid: Grid, hospitals: int, patience: Patience) -> dict[int, Node]:
    """Wait until all hospitals are connected, and ask each who it is: number -> node.

    Raises TimeoutError if too few came, ValueError for numbers or names that cannot be right.
    """
    end = time.monotonic() + patience.meeting
    nodes: dict[int, Node] = {}
    while len(nodes := greet(grid, nodes, patience)) < hospitals:
        if time.monotonic() > end:
            raise TimeoutError(
                f"{len(nodes)} of {hospitals} hospitals connected within {patience.meeting:g} s; "
                "are their programs running, and may they reach this server?"
            )
        time.sleep(0.5)
    for node in nodes.values():
        if not 0 <= node.number < hospitals:
            raise ValueError(
                f"{node.name} calls itself number {node.number}; the partition-id in its "
                f"node-config must lie between 0 and {hospitals - 1}."
            )
    names = [node.name for node in nodes.values()]
    if len(set(names)) < len(names):
        raise ValueError(f"Every hospital needs a name of its own: {', '.join(sorted(names))}.")
    return nodes


def greet(grid: Grid, known: Mapping[int, Node], patience: Patience) -> dict[int, Node]:
    """The known hospitals, and those that are new: a program that was restarted has a new id."""
    ids = {node.id for node in known.values()}
    new = [n for n in grid.get_node_ids() if n not in ids]
    if not new:
        return dict(known)
    questions = [Message(RecordDict(), node, "query.hello") for node in new]
    replies = grid.send_and_receive(questions, timeout=patience.meeting)
    found = [_node(reply) for reply in replies if reply.has_content()]
    return dict(known) | {node.number: node for node in found}


def ask_accuracy(
    grid: Grid, weights: Weights, nodes: Iterable[Node], timeout: float | None = 60.0
) -> dict[str, float]:
    """Each hospital's accuracy on its own test cases, measured where they lie."""
    records = task_records(weights, FederatedPlan(1).local, plain(), 0, 0)
    names = {node.id: node.name for node in nodes}
    questions = [Message(records, node, "evaluate") for node in names]
    replies = grid.send_and_receive(questions, timeout=timeout)
    return {
        names[reply.metadata.src_node_id]: float(
            reply.content.metric_records["numbers"]["accuracy"]  # type: ignore[arg-type]
        )
        for reply in replies
        if reply.has_content()
    }


def _task(
    node: Node, weights: Weights, plan: FederatedPlan, objective: Objective, number: int
) -> Message:
    seed = client_seed(plan.seed, number, node.number)
    records = task_records(weights, plan.local, objective, seed, number)
    return Message(records, node.id, "train", group_id=str(number))


def _finish(
    now: Progress,
    replies: Iterable[Message],
    asked: Sequence[Node],
    aggregate: Aggregate,
    model: nn.Module,
    test: Client | Sequence[Client] | None,
) -> Progress:
    """End the round with what came, in the order of the hospitals, and name who failed and why."""
    place = {node.id: k for k, node in enumerate(asked)}
    answers: list[Update | None] = [None] * len(asked)
    failed = {}
    for reply in replies:
        k = place[reply.metadata.src_node_id]
        if reply.has_error():
            failed[asked[k].name] = f"its program failed: {_short(reply.error.reason)}"
            continue
        try:
            answers[k] = update_of(reply.content)._replace(name=asked[k].name)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            failed[asked[k].name] = f"its answer cannot be read: {type(error).__name__} {error}"
    after = end_round(now, answers, [node.name for node in asked], aggregate, model, test)
    row = after.rows[-1]
    return after._replace(rows=[*now.rows, {**row, "dropped": row["dropped"] | failed}])


def _node(reply: Message) -> Node:
    numbers = reply.content.metric_records["numbers"]
    return Node(
        reply.metadata.src_node_id,
        int(numbers["number"]),  # type: ignore[arg-type]
        str(reply.content.config_records["who"]["name"]),
        int(numbers["cases"]),  # type: ignore[arg-type]
    )


def _short(reason: str | None) -> str:
    """The last line of an error's report: the others say where in the program it happened."""
    lines = [line for line in (reason or "no reason given").splitlines() if line.strip()]
    return lines[-1].strip()
