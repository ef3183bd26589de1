"""The replication's runs as tables: paired differences with intervals, in the papers' shape.

Two methods of a setting share hospitals, first weights and choice of clients, seed by seed. So the
difference of each seed is taken first; its spread is smaller than that of the accuracies.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from course_lib.federated.replication import FILE, SHIPPED

SHARED = ["task", "classes_per_client", "fraction", "epochs", "mu", "seed"]  # what pairs two runs
SETTING = ["task", "method", "lam", "per_average", "classes_per_client", "fraction", "epochs", "mu"]
MEASURES = ["accuracy", "worst_tenth", "best_tenth", "variance", "rounds_to_target"]


class Paired(NamedTuple):
    """Mean of paired differences, its 95 % interval (Student's t), and the number of pairs."""

    mean: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{100 * self.mean:+.1f} ({100 * self.low:+.1f} to {100 * self.high:+.1f})"


def load_runs(path: Path | str | None = None) -> pd.DataFrame:
    """One row per run and seed; the course's own runs by default.

    Raises FileNotFoundError that says how the file is made.
    """
    place = Path(path) if path else SHIPPED / FILE
    if not place.is_file():
        raise FileNotFoundError(
            f"{place} is missing; make it: python -m course_lib.federated.replication"
        )
    return pd.read_csv(place)


def paired_difference(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Paired:
    """a - b, seed by seed. Raises ValueError for fewer than two pairs or unequal numbers."""
    gaps = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    if gaps.ndim != 1 or len(gaps) < 2 or not np.isfinite(gaps).all():
        raise ValueError("Give two lists of finite numbers, one pair per seed, at least two pairs.")
    half = stats.t.ppf((1 + level) / 2, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps))
    return Paired(gaps.mean(), gaps.mean() - half, gaps.mean() + half, len(gaps))


def chosen(runs: pd.DataFrame, **wanted) -> pd.DataFrame:
    """Rows with these values in these columns; ValueError if there are none."""
    rows = runs
    for name, value in wanted.items():
        rows = rows[
            np.isclose(rows[name], value) if isinstance(value, float) else rows[name] == value
        ]
    if rows.empty:
        raise ValueError(f"No run has {', '.join(f'{k} = {v}' for k, v in wanted.items())}.")
    return rows


def against(runs: pd.DataFrame, method: str = "FedAvg", measure: str = "accuracy") -> pd.DataFrame:
    """Every setting's mean measures, and its paired difference to ``method`` in the same setting.

    Columns difference, low, high, pairs; settings without a counterpart are left out. FedAvg does
    not mix, so one FedAvg serves every lambda and M_k.
    """
    counterpart = runs[runs["method"] == method].drop_duplicates(SHARED).set_index(SHARED)[measure]
    rows = []
    for setting, group in runs.groupby(SETTING, sort=False):
        one = group.drop_duplicates("seed")
        other = counterpart.reindex(pd.MultiIndex.from_frame(one[SHARED])).to_numpy()
        if np.isnan(other).any():
            continue
        gap = paired_difference(one[measure], other)
        facts = dict(zip(SETTING, setting, strict=True))
        means = one[[*MEASURES, "bytes_weights", "bytes_pool"]].mean().to_dict()
        rows.append(
            {**facts, **means, "difference": gap.mean, "low": gap.low, "high": gap.high,
             "pairs": gap.pairs}
        )  # fmt: skip
    return pd.DataFrame(rows)


def compare(runs: pd.DataFrame, a: str, b: str, **setting) -> Paired:
    """Accuracy of method a minus that of b, paired by seed, in one setting."""
    parts = [
        chosen(runs, method=method, **setting).drop_duplicates("seed").set_index("seed")["accuracy"]
        for method in (a, b)
    ]
    return paired_difference(*pd.concat(parts, axis=1, join="inner").to_numpy().T)


def pairs_of_methods(runs: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """The paired difference a - b in every setting in which both ran: a forest plot's rows."""
    facts = [name for name in SETTING if name != "method"]
    rows = []
    for setting, group in runs.groupby(facts, sort=False):
        if {a, b} <= set(group["method"]):
            gap = compare(group, a, b)
            rows.append({**dict(zip(facts, setting, strict=True)), **gap._asdict()})
    return pd.DataFrame(rows)


def as_paper(runs: pd.DataFrame, column: str, **setting) -> pd.DataFrame:
    """Accuracies in percent as the papers print them: methods down, one column's values across."""
    rows = chosen(runs, **setting)
    table = rows.pivot_table(index="method", columns=column, values="accuracy", sort=False)
    return (100 * table[sorted(table.columns)]).round(1)
