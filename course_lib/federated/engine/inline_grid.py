"""Server and hospitals in this one process, with real messages whose bytes are counted.

The apps are the ones that a deployment runs. Nothing crosses a network, so lessons and tests are
fast and repeat exactly; lateness is pretended, not waited for.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import uuid4

from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity  # private: set by Flower's runtime otherwise

from course_lib.federated.engine.flower import (
    ClientApp,
    Context,
    Error,
    Grid,
    Message,
    RecordDict,
)
from course_lib.federated.engine.messages import size_of

RAISED = 2  # Flower's code for a client app that raised an exception


class Crossing(NamedTuple):
    """A message that crossed the wire: which kind, in which round, from or to which hospital.

    way: "down" from the server, "up" to it.
    """

    kind: str
    round: str
    way: str
    hospital: int
    bytes: int


class InlineGrid(Grid):
    """A Grid whose hospitals answer at once, one after the other.

    app: what each runs. hospitals: how many. delay(hospital, round): pretended seconds until its
    answer; one longer than the timeout does not arrive. crossings: all that was sent.
    """

    def __init__(
        self,
        app: ClientApp,
        hospitals: int,
        delay: Callable[[int, str], float] | None = None,
    ) -> None:
        if hospitals < 1:
            raise ValueError("A federation needs at least one hospital.")
        self.app = app
        self.delay = delay or (lambda hospital, number: 0.0)
        self.crossings: list[Crossing] = []
        self._replies: dict[str, Message] = {}
        self._contexts = {number + 1: _context(number, hospitals) for number in range(hospitals)}
        self._run = Run.create_empty(1)
        TaskIdentity.run_id = TaskIdentity.task_id = TaskIdentity.node_id = 1

    def set_run(self, run: Run) -> None:
        """Take note of the run, as every Grid must."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run that the server works in."""
        return self._run

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """A message to a hospital (Flower's older way of writing Message(...))."""
        return Message(content, dst_node_id, message_type, group_id=group_id, ttl=ttl)

    def get_node_ids(self) -> list[int]:
        """All hospitals; here they are 1, 2, 3, ..."""
        return list(self._contexts)

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        """Hand each message to its hospital and keep what it answers."""
        sent = []
        for message in messages:
            name = str(uuid4())
            message.metadata.__dict__["_message_id"] = name  # as Flower's own grids do
            self._count(message, "down", message.metadata.dst_node_id)
            self._replies[name] = self._answer(message)
            sent.append(name)
        return sent

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        """The answers to these messages; each is given once."""
        replies = [self._replies.pop(name) for name in message_ids if name in self._replies]
        for reply in replies:
            self._count(reply, "up", reply.metadata.src_node_id)
        return replies

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> list[Message]:
        """The answers that come within ``timeout`` (pretended) seconds."""
        in_time = []
        for message in messages:
            name = self.push_messages([message])[0]
            about = message.metadata
            wait = self.delay(about.dst_node_id - 1, about.group_id)
            if timeout is not None and wait > timeout:
                self._replies.pop(name)
            else:
                in_time.append(name)
        return self.pull_messages(in_time)

    def _answer(self, message: Message) -> Message:
        """What the app makes of a message; an exception becomes an error message, as in Flower."""
        context = self._contexts[message.metadata.dst_node_id]
        try:
            return self.app(message, context)
        except Exception as error:
            return Message(Error(RAISED, f"{type(error).__name__}: {error}"), reply_to=message)

    def _count(self, message: Message, way: str, node: int) -> None:
        about = message.metadata
        size = size_of(message.content) if message.has_content() else 0
        self.crossings.append(Crossing(about.message_type, about.group_id, way, node - 1, size))


def _context(number: int, hospitals: int) -> Context:
    own = {"partition-id": number, "num-partitions": hospitals}
    return Context(1, number + 1, {**own}, state=RecordDict(), run_config={})
