"""What every measure of this package accepts, checked in one place.

Policy for awkward input, the same everywhere (``policy.py`` is the whole table):

- a score that is not finite, or a truth other than 0/1, is an error: it is a mistake upstream;
- labels that are not known are left out by the caller's ``known`` mask, never guessed;
- a set with one class only has no ROC curve: the AUC is NaN ("undefined"), never 0 or 0.5.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def truth_and_scores(
    truth: ArrayLike, *scores: ArrayLike, known: ArrayLike | None = None
) -> tuple[NDArray, ...]:
    """Check and convert (N,) 0/1 truths and one or more (N,) score arrays.

    ``known`` (N,) marks the cases to keep. Returns a bool truth and float64 scores.
    Raises ValueError for other shapes, for truths that are not 0/1 and for scores that are not
    finite.
    """
    truth = np.asarray(truth, dtype=np.float64)
    arrays = [np.asarray(score, dtype=np.float64) for score in scores]
    if truth.ndim != 1:
        raise ValueError(f"The truth must be one column of N labels; its shape is {truth.shape}.")
    for array in arrays:
        if array.shape != truth.shape:
            raise ValueError(
                f"There are {truth.shape[0]} truths but scores of shape {array.shape}; "
                "give one score per case."
            )
    keep = np.ones(truth.shape, dtype=bool) if known is None else known_mask(known, truth.shape)
    truth, arrays = truth[keep], [array[keep] for array in arrays]
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("The truth may hold only 0 (absent) and 1 (present); mask the unknown.")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("A score is NaN or infinite; look at the model that gave it.")
    return truth.astype(bool), *arrays


def truth_and_probabilities(
    truth: ArrayLike, probability: ArrayLike, known: ArrayLike | None = None
) -> tuple[NDArray, NDArray]:
    """As ``truth_and_scores``; the scores must also lie between 0 and 1, or ValueError."""
    present, probability = truth_and_scores(truth, probability, known=known)
    if probability.size and (probability.min() < 0 or probability.max() > 1):
        raise ValueError(
            f"Probabilities lie between 0 and 1; these go from {probability.min():.3g} to "
            f"{probability.max():.3g}. Logits need a sigmoid first."
        )
    return present, probability


def known_mask(known: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask of known labels as bool, or ValueError where its shape is not that of the truth."""
    mask = np.asarray(known).astype(bool)
    if mask.shape != shape:
        raise ValueError(f"The mask of known labels has shape {mask.shape}, the truth {shape}.")
    return mask


def has_both_classes(truth: NDArray[np.bool_]) -> bool:
    """True when there is at least one present and one absent case."""
    return bool(truth.any() and not truth.all())
