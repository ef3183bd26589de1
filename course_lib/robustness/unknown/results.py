"""Tables of the record: how well every score finds every set, and what a threshold lets pass."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.evaluation.intervals import wilson
from course_lib.learning.film_classifier import CLASSES
from course_lib.learning.film_classifier import SHIPPED as CLASSIFIERS
from course_lib.robustness.unknown.detectors import SCORES
from course_lib.robustness.unknown.metrics import Separation, Threshold, separation, threshold
from course_lib.robustness.unknown.sets import UNKNOWN


def scores_of(record: pd.DataFrame, part: str, score: str) -> NDArray[np.float64]:
    """One score of all films of a part or set of the record; ValueError if there are none."""
    if score not in record.columns:
        raise ValueError(f"There is no score {score!r}; choose from {', '.join(SCORES)}.")
    found = record.loc[record["set"] == part, score].to_numpy(np.float64)
    if found.size == 0:
        raise ValueError(f"The record holds no films of {part!r}.")
    return found


def of_one(record: pd.DataFrame, name: str, score: str) -> Separation:
    """How one score tells one set from the known test films."""
    return separation(scores_of(record, "test", score), scores_of(record, name, score))


def auroc_table(record: pd.DataFrame) -> pd.DataFrame:
    """AUROC of every score (columns) for every set (rows) against the known test films."""
    rows = {
        name: {score: of_one(record, name, score).auroc.auc for score in SCORES} for name in UNKNOWN
    }
    return pd.DataFrame(rows).T[list(SCORES)]


def thresholds(record: pd.DataFrame, refuse: float = 0.05) -> dict[str, Threshold]:
    """For every score the threshold that refuses at most this share of the films kept for it."""
    return {score: threshold(scores_of(record, "threshold", score), refuse) for score in SCORES}


def refused_table(record: pd.DataFrame, score: str, refuse: float = 0.05) -> pd.DataFrame:
    """A row per set, "test" (known films) first: films, refused (share), low and high (Wilson)."""
    value = thresholds(record, refuse)[score].value
    rows = {}
    for name in ("test", *UNKNOWN):
        values = scores_of(record, name, score)
        caught = int((values > value).sum())
        low, high = wilson(caught, len(values))
        share = caught / len(values)
        rows[name] = {"films": len(values), "refused": share, "low": low, "high": high}
    return pd.DataFrame(rows).T


def family_means(record: pd.DataFrame) -> pd.DataFrame:
    """Mean AUROC over the sets of each family (rows) for every score (columns)."""
    table = auroc_table(record)
    return table.groupby([UNKNOWN[name].family for name in table.index], sort=False).mean()


def shipped_answers() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """What the five classifiers said of their 852 test films: truth (N,), logits (5, N, 6).

    Films 4000 to 4999 of the cohort "study" with at most one finding; they lie beside the networks.
    """
    table = pd.read_csv(CLASSIFIERS / "test_logits.csv")
    members = [rows.sort_values("film") for _, rows in table.groupby("member")]
    logits = np.stack([rows[list(CLASSES)].to_numpy(np.float64) for rows in members])
    return members[0]["truth"].to_numpy(np.intp), logits
