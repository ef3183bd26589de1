"""Figures that papers report, kept as tables in ``datasets/papers`` with document and page."""

from pathlib import Path

import pandas as pd

PAPERS = Path(__file__).resolve().parents[2] / "datasets" / "papers"


def published(name: str) -> pd.DataFrame:
    """The table ``datasets/papers/<name>.csv``, one row per reported figure.

    Raises FileNotFoundError that lists the tables there are.
    """
    path = PAPERS / f"{name}.csv"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in PAPERS.glob("*.csv"))) or "none"
        raise FileNotFoundError(f"There is no table {path}; there are: {there}.")
    return pd.read_csv(path)
