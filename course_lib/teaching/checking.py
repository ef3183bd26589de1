"""Words in which a checker speaks: `require` a fact, `close` for numbers.

A checker is short code that lives in the lesson beside its exercise. It tests the plausible
mistakes first, each with a message that explains the idea, and the right value last.
"""

import numpy as np


class Wrong(Exception):
    """The answer is wrong; the message tells the learner what to think about."""


class NotAttempted(Exception):
    """The answer still holds the placeholder `...`."""


def require(condition, message: str) -> None:
    """Go on if `condition` holds; otherwise the answer is wrong for the reason in `message`."""
    if not condition:
        raise Wrong(message)


def close(value, expected, message: str, rtol: float = 1e-3, atol: float = 1e-9) -> None:
    """Go on if `value` (number or array) equals `expected` within the tolerances.

    Raises NotAttempted for the placeholder, and Wrong with a polite reason for None, text,
    another shape, NaN, or another value (then `message` and the learner's own value).
    """
    got, want = as_numbers(value), as_numbers(expected)
    if got.shape != want.shape:
        raise Wrong(f"{message} The shape is {got.shape}, expected {want.shape}.")
    if np.isnan(got).any() and not np.isnan(want).any():
        raise Wrong(f"{message} Your answer contains NaN (not a number).")
    if not np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True):
        shown = f" You have {got.item():.6g}." if got.size == 1 else ""
        raise Wrong(message + shown)


def as_numbers(value) -> np.ndarray:
    """`value` as a numpy array of numbers; tensors are detached. Raises Wrong or NotAttempted."""
    if value is ...:
        raise NotAttempted
    if value is None:
        raise Wrong("The answer is None. Did you forget `return`?")
    if hasattr(value, "detach"):
        value = value.detach().cpu().float()
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"Expected a number or an array of numbers, got {_short(value)}.") from None


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
