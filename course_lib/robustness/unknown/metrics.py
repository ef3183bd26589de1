"""How well does a score tell known films from unknown ones? Every measure with its direction.

Known and unknown scores are given apart; higher means more unusual. AUROC does not mind which kind
is called positive. The area under the precision-recall curve and the false-positive rate do, so
both ways stand here side by side, with names that say which is which.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib.evaluation.delong import AucEstimate, delong
from course_lib.evaluation.intervals import Interval, wilson
from course_lib.evaluation.precision_recall import average_precision
from course_lib.robustness.unknown.inputs import Floats


class Separation(NamedTuple):
    """What one score does with one set of unknown films.

    auroc: with DeLong's interval. aupr_unknown, aupr_known: average precision when unknown films,
    or known ones, are what is looked for; both change with the numbers of films. false_alarms:
    share of KNOWN films called unknown when 95 % of the unknown ones are caught (FPR95 of OpenOOD
    since 1.5, and of pytorch-ood). missed: share of UNKNOWN films accepted when 95 % of the known
    ones are (FPR95 of Hendrycks 2017, Liang 2018, Liu 2020 and the first OpenOOD).
    """

    auroc: AucEstimate
    aupr_unknown: float
    aupr_known: float
    false_alarms: float
    missed: float


def separation(known: ArrayLike, unknown: ArrayLike, share: float = 0.95) -> Separation:
    """All measures of scores of known films (N,) and unknown ones (M,).

    share: of the films that are looked for, how many must be found. ValueError for empty or
    non-finite scores.
    """
    known, unknown = _scores("known", known), _scores("unknown", unknown)
    truth = np.repeat([0, 1], [len(known), len(unknown)])
    score = np.concatenate([known, unknown])
    return Separation(
        delong(truth, score),
        average_precision(truth, score),
        average_precision(1 - truth, -score),
        false_alarms_at(known, unknown, share),
        missed_at(known, unknown, share),
    )


def false_alarms_at(known: ArrayLike, unknown: ArrayLike, share: float = 0.95) -> float:
    """Share of known films that score at least as high as the threshold that catches `share` of the
    unknown ones: the positive films are the unknown ones."""
    known, unknown = _scores("known", known), _scores("unknown", unknown)
    return float((known >= -_reached(-unknown, share)).mean())


def missed_at(known: ArrayLike, unknown: ArrayLike, share: float = 0.95) -> float:
    """Share of unknown films that score at most as high as the threshold below which `share` of the
    known ones lie: the positive films are the known ones."""
    known, unknown = _scores("known", known), _scores("unknown", unknown)
    return float((unknown <= _reached(known, share)).mean())


class Threshold(NamedTuple):
    """Films that score above `value` are refused; `refused`: the share of known films that will be.

    interval: for the share of future known films that are refused, as `films` are behind it.
    """

    value: float
    refused: float
    interval: Interval
    films: int


def threshold(known: ArrayLike, refuse: float = 0.05, level: float = 0.95) -> Threshold:
    """The lowest threshold that refuses at most the share `refuse` of known films (N,).

    Give the scores of known films that measure nothing later on. No unknown film takes part: which
    of them will come, nobody knows beforehand.
    """
    if not 0 <= refuse < 1:
        raise ValueError(f"The share to refuse lies from 0 to below 1, not {refuse}.")
    scores = _scores("known", known)
    value = _reached(scores, 1 - refuse)
    above = int((scores > value).sum())
    return Threshold(value, above / len(scores), wilson(above, len(scores), level), len(scores))


def _reached(scores: Floats, share: float) -> float:
    """The lowest score that at least `share` of the scores do not exceed."""
    if not 0 < share <= 1:
        raise ValueError(f"A share lies above 0 and at most at 1, not {share}.")
    wanted = int(np.ceil(share * len(scores) - 1e-9))
    return float(np.sort(scores)[max(wanted, 1) - 1])


def _scores(name: str, scores: ArrayLike) -> Floats:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"The scores of {name} films must be one column of at least one number.")
    if not np.isfinite(values).all():
        raise ValueError(f"A score of a {name} film is NaN or infinite; look at what gave it.")
    return values
