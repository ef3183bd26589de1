"""Bytes are those of messages that can be read again."""

import pytest
import torch
from torch import nn

from course_lib.federated.communication import (
    as_table,
    bill,
    bills,
    envelope,
    from_bytes,
    rounds_to_target,
    serialised,
)
from course_lib.federated.rounds import History
from course_lib.federated.weights import number_of_bytes, weights_of

WEIGHTS = weights_of(nn.Linear(100, 50))


def history(accuracies) -> History:
    rows = [
        {"round": i, "accuracy": share, "bytes_down": 1000, "bytes_up": 500}
        for i, share in enumerate(accuracies, start=1)
    ]
    return History(WEIGHTS, rows)


def test_a_message_is_read_back_to_the_bit() -> None:
    back = from_bytes(serialised(WEIGHTS))
    assert all(torch.equal(back[name], WEIGHTS[name]) for name in WEIGHTS)


def test_a_part_of_a_larger_tensor_does_not_bring_the_rest_along() -> None:
    stack = torch.zeros(1000, 50)
    assert len(serialised({"row": stack[0]})) < 5000


def test_names_and_shapes_cost_little() -> None:
    assert number_of_bytes(WEIGHTS) < len(serialised(WEIGHTS))
    assert 1 < envelope(WEIGHTS) < 1.2


@pytest.mark.parametrize("message", [b"", b"something", serialised({})[:-40]])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match="no weights"):
        from_bytes(message)


def test_the_bill_counts_until_the_target() -> None:
    run = history([0.3, 0.6, 0.8, 0.7, 0.9])
    assert rounds_to_target(run.rows, 0.75) == 3
    paid = bill("a", run, 0.75)
    assert paid.bytes_sent == pytest.approx(3 * 1500 * envelope(WEIGHTS), abs=1)
    never = bill("b", run, 0.95)
    assert never.rounds is None and never.best == 0.9
    text = as_table(bills({"a": run}, 0.95), 0.95)
    assert "never" in text and "95%" in text


def test_a_federation_that_was_not_measured_has_no_bill() -> None:
    with pytest.raises(ValueError, match="test set"):
        rounds_to_target(history([float("nan")]).rows, 0.5)
    with pytest.raises(ValueError, match="share"):
        rounds_to_target(history([0.5]).rows, 50)
