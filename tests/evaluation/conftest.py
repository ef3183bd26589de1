"""What the tests of the policy table share: how a function obeys a row."""

import numpy as np
import pytest


@pytest.fixture
def obeys():
    """A function (row, example) that asserts the outcome of the row.

    An example is a call without arguments. For "NaN" it returns numbers that must all be NaN, for
    "left out" and "value" a pair that must be equal, for "error" it must raise ValueError.
    """

    def judge(row, example):
        if row.outcome == "error":
            with pytest.raises(ValueError) as raised:
                example()
            assert len(str(raised.value)) > 20, "the message is a sentence"
            return
        found = example()
        if row.outcome == "NaN":
            assert np.isnan(np.asarray(found, dtype=float)).all()
        else:
            got, expected = found
            assert got == expected if isinstance(got, dict) else np.array_equal(got, expected)

    return judge
