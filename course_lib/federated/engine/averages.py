"""FedMix by message: one question collects every hospital's averages, one message hands all out."""

from collections.abc import Callable, Sequence

from course_lib.federated.engine.flower import ConfigRecord, Grid, Message, RecordDict
from course_lib.federated.engine.messages import pool_in, pool_record
from course_lib.federated.engine.server_app import Node
from course_lib.federated.mafl import joined
from course_lib.federated.rounds import client_seed


def exchange_averages(
    per_average: int, classes: int, seed: int = 0, timeout: float | None = 60.0
) -> Callable[[Grid, Sequence[Node]], None]:
    """For ``serve(before=...)``: averages of M_k = per_average cases, before the first round.

    A hospital that does not answer within ``timeout`` seconds contributes none, but gets the
    others'. Raises ValueError if nobody sent an average.
    """

    def exchange(grid: Grid, nodes: Sequence[Node]) -> None:
        questions = [_question(node, per_average, classes, seed) for node in nodes]
        replies = grid.send_and_receive(questions, timeout=timeout)
        numbers = {node.id: node.number for node in nodes}
        came = [reply for reply in replies if reply.has_content()]
        came.sort(key=lambda reply: numbers[reply.metadata.src_node_id])
        if not came:
            raise ValueError("No hospital sent an average; FedMix cannot begin.")
        pool = joined([pool_in(reply.content.array_records["averages"]) for reply in came])
        everyone = RecordDict({"pool": pool_record(pool)})
        gifts = [Message(everyone, node.id, "query.pool") for node in nodes]
        grid.send_and_receive(gifts, timeout=timeout)

    return exchange


def _question(node: Node, per_average: int, classes: int, seed: int) -> Message:
    seed = client_seed(seed, 0, node.number)
    settings = ConfigRecord({"per_average": per_average, "classes": classes, "seed": seed})
    return Message(RecordDict({"averages": settings}), node.id, "query.averages")
