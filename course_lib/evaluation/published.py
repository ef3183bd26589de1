"""Figures that papers report, kept as tables in ``datasets/papers`` with document and page."""

from pathlib import Path

import pandas as pd

PAPERS = Path(__file__).resolve().parents[2] / "datasets" / "papers"


def published(name: str, as_printed: bool = False) -> pd.DataFrame:
    """The table ``datasets/papers/<name>.csv``, one row per reported figure.

    as_printed keeps every figure as text: 0.90 has two decimals, and an audit asks how many.
    Raises FileNotFoundError that lists the tables there are.
    """
    path = PAPERS / f"{name}.csv"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in PAPERS.glob("*.csv"))) or "none"
        raise FileNotFoundError(f"There is no table {path}; there are: {there}.")
    if as_printed:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    return pd.read_csv(path)
