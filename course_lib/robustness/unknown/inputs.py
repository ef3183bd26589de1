"""What the scores of this package accept; everything else gets one clear sentence."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def logit_table(logits: ArrayLike) -> Floats:
    """Logits (N, K), at least two classes. ValueError for another shape, NaN and infinity."""
    return _table(logits, "Logits", "one row per film and one column per class", least=2)


def feature_table(features: ArrayLike, columns: int | None = None) -> Floats:
    """Features (N, D). ValueError for another shape, NaN, infinity, or D other than `columns`."""
    table = _table(features, "Features", "one row per film", least=1)
    if columns is not None and table.shape[1] != columns:
        raise ValueError(
            f"These features have {table.shape[1]} columns, those that were learned from have "
            f"{columns}; take them from the same network."
        )
    return table


def class_numbers(classes: ArrayLike, films: int) -> NDArray[np.intp]:
    """Class numbers (N,), 0 and above, one per film; ValueError otherwise."""
    numbers = np.asarray(classes)
    if numbers.shape != (films,) or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"Give one whole class number for each of the {films} films.")
    if numbers.min() < 0:
        raise ValueError("Class numbers begin at 0; leave out films without a known class.")
    return numbers.astype(np.intp)


def positive(name: str, value: float) -> float:
    """The value, or ValueError unless it is a positive finite number."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"The {name} must be a positive number, not {value}.")
    return float(value)


def _table(values: ArrayLike, name: str, shape: str, least: int) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] == 0 or table.shape[1] < least:
        raise ValueError(f"{name} must be a table with {shape}; this has shape {table.shape}.")
    if not np.isfinite(table).all():
        raise ValueError(f"{name} hold NaN or infinity; look at the network that gave them.")
    return table
