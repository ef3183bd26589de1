"""How good is the film judge that the course brings? AUC and errors with intervals."""

from pathlib import Path

import pandas as pd

from course_lib.evaluation.delong import delong
from course_lib.evaluation.intervals import wilson
from course_lib.learning.film_judge import OUTPUTS, SHIPPED


def film_judge_table(folder: Path | str | None = None, threshold: float = 0.5) -> pd.DataFrame:
    """One row per output, from test_scores.csv in a folder (the shipped judge's when none).

    Columns: with, without (films), auc, low, high (DeLong, 95 %), sensitivity and specificity at
    ``threshold`` with Wilson's 95 % limits.
    """
    scores = pd.read_csv(Path(folder or SHIPPED) / "test_scores.csv")
    rows = {}
    for name in OUTPUTS:
        present = scores[f"truth {name}"].to_numpy() == 1
        called = scores[name].to_numpy() >= threshold
        area = delong(present, scores[name].to_numpy())
        row = {"with": area.positives, "without": area.negatives, "auc": area.auc}
        row |= dict(zip(("low", "high"), area.interval, strict=True))
        for rate, right, of in (
            ("sensitivity", called[present], area.positives),
            ("specificity", ~called[~present], area.negatives),
        ):
            low, high = wilson(int(right.sum()), of)
            row |= {rate: right.mean(), f"{rate} low": low, f"{rate} high": high}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")
