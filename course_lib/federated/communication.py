"""What a federation sends: bytes really counted, and how much until a target is reached.

A message is the weights as they would leave the computer: written by PyTorch, names and shapes
included. Every round costs each client that was asked one message down and one up.
"""

import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from course_lib.federated.rounds import History, Row
from course_lib.federated.weights import Weights, number_of_bytes


class Bill(NamedTuple):
    """What it cost to reach a target accuracy.

    rounds: None if it was never reached; then bytes_sent is that of the whole run. best: the
    highest accuracy of any round.
    """

    name: str
    rounds: int | None
    bytes_sent: int
    best: float


def serialised(weights: Weights) -> bytes:
    """The weights as a message; ``from_bytes`` reads it."""
    buffer = io.BytesIO()
    # Copies: of a part of a larger tensor PyTorch would write the whole.
    torch.save({name: value.detach().clone() for name, value in weights.items()}, buffer)
    return buffer.getvalue()


def from_bytes(message: bytes) -> Weights:
    """The weights of a message. Only tensors are read: a message cannot bring a program along.

    Raises ValueError if it is no message of ``serialised``.
    """
    try:
        weights = torch.load(io.BytesIO(message), weights_only=True)
    except Exception as error:
        raise ValueError(f"This message holds no weights ({type(error).__name__}).") from error
    if not isinstance(weights, dict) or not all(
        isinstance(v, torch.Tensor) for v in weights.values()
    ):
        raise ValueError("This message holds something, but no weights by name.")
    return weights


def envelope(weights: Weights) -> float:
    """Serialised bytes divided by the bytes of the numbers alone: 1.1 means 10 % for names."""
    return len(serialised(weights)) / number_of_bytes(weights)


def rounds_to_target(rows: Sequence[Row], target: float) -> int | None:
    """The first round with at least this accuracy, None if there is none.

    Raises ValueError for a target outside 0..1, or rows without a measured accuracy.
    """
    if not 0 < target <= 1:
        raise ValueError(f"A target accuracy is a share above 0 up to 1, not {target}.")
    shares = [row["accuracy"] for row in rows]
    if not shares or any(share != share for share in shares):
        raise ValueError("No accuracy was measured: give federate() a test set.")
    return next((row["round"] for row in rows if row["accuracy"] >= target), None)


def bill(name: str, history: History, target: float) -> Bill:
    """What a finished federation had sent when it first reached the target.

    Bytes are those of serialised messages: as many as were sent, each as long as the last weights.
    """
    reached = rounds_to_target(history.rows, target)
    counted = history.rows[:reached] if reached else history.rows
    plain = sum(row["bytes_down"] + row["bytes_up"] for row in counted)
    best = max(row["accuracy"] for row in history.rows)
    return Bill(name, reached, round(plain * envelope(history.weights)), best)


def bills(histories: Mapping[str, History], target: float) -> list[Bill]:
    """One bill per finished federation, in the order given."""
    return [bill(name, history, target) for name, history in histories.items()]


def as_table(rows: Sequence[Bill], target: float) -> str:
    """The bills as text, one line each."""
    lines = [f"{'':24}{f'rounds to {target:.0%}':>15}{'MB sent':>10}{'best':>8}"]
    for row in rows:
        reached = "never" if row.rounds is None else str(row.rounds)
        mark = ">" if row.rounds is None else ""
        sent = f"{mark}{row.bytes_sent / 1e6:.2f}"
        lines.append(f"{row.name:24}{reached:>15}{sent:>10}{row.best:>8.1%}")
    return "\n".join(lines)
