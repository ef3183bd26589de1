"""A classifier of small patches slides over a whole film: what lies where?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from course_lib.learning.classes import class_probabilities


class SlidingAnswers(NamedTuple):
    """probabilities (rows, columns, K): what the classifier says of every window;
    centres (rows,) and (columns,): the pixel in the middle of each window."""

    probabilities: NDArray[np.float64]
    row_centres: NDArray[np.int_]
    column_centres: NDArray[np.int_]


def sliding_answers(
    model: nn.Module, picture: ArrayLike, window: int, step: int = 4
) -> SlidingAnswers:
    """Cut a window every `step` pixels out of a picture (H, W) and classify each.

    Simple and exact, but neighbouring windows are computed as if they had nothing in common;
    ``models.fully_convolutional`` shares the work. Raises ValueError when no window fits.
    """
    picture = np.asarray(picture, dtype=np.float32)
    if picture.ndim != 2 or min(picture.shape) < window or step < 1:
        raise ValueError(
            f"A window of {window} pixels, moved by {step}, does not fit a picture of "
            f"shape {picture.shape}."
        )
    windows = np.lib.stride_tricks.sliding_window_view(picture, (window, window))[::step, ::step]
    rows, columns = windows.shape[:2]
    flat = windows.reshape(rows * columns, 1, window, window)
    answers = class_probabilities(model, flat, batch_size=256)
    middle = window // 2
    return SlidingAnswers(
        answers.reshape(rows, columns, -1),
        middle + step * np.arange(rows),
        middle + step * np.arange(columns),
    )


class Mark(NamedTuple):
    """A place that a network points at: pixel row and column, and its score."""

    row: int
    column: int
    score: float


def marks_of(
    scores: ArrayLike,
    row_centres: ArrayLike,
    column_centres: ArrayLike,
    radius: float,
    lowest: float = 0.0,
) -> list[Mark]:
    """The highest place, then the highest more than `radius` pixels away from it, and so on.

    Windows that overlap see the same nodule: without this rule ("non-maximum suppression") every
    nodule would be marked a dozen times. scores (rows, columns); places below `lowest` get no mark.
    """
    values = np.asarray(scores, dtype=float)
    y, x = np.meshgrid(np.asarray(row_centres), np.asarray(column_centres), indexing="ij")
    free = values >= lowest
    marks = []
    while free.any():
        row, column = np.unravel_index(np.where(free, values, -np.inf).argmax(), values.shape)
        place = (int(y[row, column]), int(x[row, column]))
        marks.append(Mark(*place, float(values[row, column])))
        free &= np.hypot(y - place[0], x - place[1]) > radius
    return marks
