"""The table of a multi-label classifier: one AUC with its interval per finding."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from course_lib.evaluation.delong import delong


def auc_by_label(
    names: Sequence[str],
    truth: ArrayLike,
    score: ArrayLike,
    known: ArrayLike | None = None,
    patients: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """One row per label of (N, K) truths and scores: positives, negatives, auc, low, high.

    Labels without both classes have NaN: they are undefined and must stay out of a mean
    (``table["auc"].mean()`` skips them by itself). ``patients`` (N,) as in ``delong``.
    """
    truth, score = np.asarray(truth), np.asarray(score)
    if truth.shape != score.shape or truth.ndim != 2 or truth.shape[1] != len(names):
        raise ValueError(
            f"Expected truths and scores of shape (cases, {len(names)}), one column per name; "
            f"got {truth.shape} and {score.shape}."
        )
    rows = []
    for k, name in enumerate(names):
        mask = None if known is None else np.asarray(known)[:, k]
        estimate = delong(truth[:, k], score[:, k], mask, patients, level)
        rows.append(
            {
                "finding": name,
                "positives": estimate.positives,
                "negatives": estimate.negatives,
                "auc": estimate.auc,
                "low": estimate.interval.low,
                "high": estimate.interval.high,
            }
        )
    return pd.DataFrame(rows).set_index("finding")
