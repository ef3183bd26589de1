"""What the measures of several classes accept, checked in one place, and the softmax."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

SUM_TOLERANCE = 1e-3


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """exp(z_k) / sum_j exp(z_j) over the last axis, without overflow."""
    return np.exp(log_softmax(np.asarray(logits, dtype=np.float64), axis=-1))


def checked_probabilities(probability: ArrayLike) -> NDArray[np.float64]:
    """Probabilities (N, K) as float64; ValueError unless each row is one distribution."""
    p = _table(probability, "probabilities")
    if p.min() < 0 or p.max() > 1:
        raise ValueError(
            f"Probabilities lie between 0 and 1; these go from {p.min():.3g} to {p.max():.3g}. "
            "Logits need a softmax first."
        )
    worst = float(np.abs(p.sum(1) - 1).max())
    if worst > SUM_TOLERANCE:
        raise ValueError(
            f"The probabilities of one case sum to 1; here a sum is off by {worst:.3g}. "
            "Are these sigmoids? Then judge each class alone."
        )
    return p


def checked_logits(logits: ArrayLike) -> NDArray[np.float64]:
    """Logits (N, K) as float64; ValueError for another shape, or for what is not finite."""
    return _table(logits, "logits")


def checked_classes(classes: ArrayLike, cases: int, number: int) -> NDArray[np.intp]:
    """Class numbers (N,) 0 to K - 1; ValueError for another length or a class there is not."""
    y = np.asarray(classes)
    if y.shape != (cases,):
        raise ValueError(f"There are {cases} cases but classes of shape {y.shape}: one per case.")
    if not np.array_equal(y, y.astype(np.intp)) or y.min() < 0 or y.max() >= number:
        raise ValueError(f"Classes are whole numbers from 0 to {number - 1}.")
    return y.astype(np.intp)


def classes_and_probabilities(
    classes: ArrayLike, probability: ArrayLike
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Both, checked: classes (N,) and probabilities (N, K)."""
    p = checked_probabilities(probability)
    return checked_classes(classes, *p.shape), p


def classes_and_logits(
    classes: ArrayLike, logits: ArrayLike
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Both, checked: classes (N,) and logits (N, K)."""
    z = checked_logits(logits)
    return checked_classes(classes, *z.shape), z


def one_hot(classes: NDArray[np.intp], number: int) -> NDArray[np.float64]:
    """Class numbers (N,) as rows (N, K) with a single 1."""
    return np.eye(number)[classes]


def _table(values: ArrayLike, what: str) -> NDArray[np.float64]:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] == 0 or table.shape[1] < 2:
        raise ValueError(
            f"The {what} must be a table (cases, classes) with at least one case and two classes; "
            f"its shape is {table.shape}."
        )
    if not np.isfinite(table).all():
        raise ValueError(f"Some of the {what} are NaN or infinite; look at the model.")
    return table
