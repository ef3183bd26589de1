"""Simulated reader studies whose truth is known (Roe and Metz, Acad Radiol 1997;4:298).

A rating is a sum of normal parts: how far apart the two classes are, how well this reader does,
how hard this case is, how case and reader, case and method go together, and what is left over.
Each part has its variance; those of the case parts add up to 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from course_lib.evaluation.area_variance import separation


@dataclass(frozen=True)
class ReaderModel:
    """Variances of the parts of a rating; the four of the case must add up to 1.

    The defaults give moderate differences between readers and ratings that agree on half of what
    makes a case hard.
    """

    reader: float = 0.05
    """Readers differ in how well they tell the classes apart."""
    reader_method: float = 0.02
    """A reader may gain more from one method than another reader does."""
    case: float = 0.3
    """Some cases are hard for everybody, with every method."""
    case_method: float = 0.2
    """Some cases are hard with one method."""
    case_reader: float = 0.1
    """Some cases are hard for one reader."""
    rest: float = 0.4
    """Looking again, the same reader would not rate quite the same."""

    def __post_init__(self) -> None:
        parts = (self.case, self.case_method, self.case_reader, self.rest)
        if min(*parts, self.reader, self.reader_method) < 0 or abs(sum(parts) - 1) > 1e-9:
            raise ValueError("Variances are not negative, and those of the case add up to 1.")


def true_area(median_auc: float, model: ReaderModel) -> float:
    """Mean AUC over all readers there could be, when the median reader has ``median_auc``.

    A reader's separation varies with variance 2 (reader + reader_method): one draw per class.
    """
    width = 1 + model.reader + model.reader_method
    return float(norm.cdf(separation(median_auc) / np.sqrt(2 * width)))


def simulate_readings(
    median_aucs: tuple[float, ...],
    readers: int,
    positives: int,
    negatives: int,
    random: np.random.Generator,
    model: ReaderModel | None = None,
) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """One study: truths (cases,) and readings (methods, readers, cases).

    ``median_aucs`` names the median reader's AUC with each method; equal ones give a study in
    which there is nothing to find.
    """
    model = model or ReaderModel()
    truth = np.repeat([1, 0], [positives, negatives])
    methods, cases = len(median_aucs), truth.size

    def part(variance: float, *shape: int) -> NDArray[np.float64]:
        return np.sqrt(variance) * random.normal(size=shape)

    apart = np.array([separation(auc) for auc in median_aucs])[:, None, None]
    # Readers differ separately in both classes: shape (method, reader, class), spread to cases.
    skill = part(model.reader, 1, readers, 2) + part(model.reader_method, methods, readers, 2)
    difficulty = part(model.case, 1, 1, cases) + part(model.case_method, methods, 1, cases)
    taste = part(model.case_reader, 1, readers, cases) + part(model.rest, methods, readers, cases)
    return truth, apart * truth + skill[:, :, truth] + difficulty + taste
