"""Data sets filled by keyword, in the forms that DICOM's value representations ask for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
from pydicom.dataset import Dataset


def decimal(value: float) -> str:
    """A number as a decimal string (DS): at most 16 characters, as exact as they allow.

    A plain str(0.1 + 0.2) has 19 characters and makes the file invalid (PS3.5, 6.2).
    Raises ValueError for infinity and NaN.
    """
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{number} cannot be written to a DICOM file; use a finite number.")
    whole = str(int(number)) if number.is_integer() and abs(number) < 1e15 else ""
    texts = (f"{number:.{digits}g}" for digits in range(16, 0, -1))
    return whole or next(text for text in texts if len(text) <= 16)


def decimals(values: Iterable[float]) -> list[str]:
    """Several numbers as decimal strings."""
    return [decimal(value) for value in values]


def day(value: date | datetime) -> str:
    """A date as DICOM writes it (DA): 20240304."""
    return value.strftime("%Y%m%d")


def clock(value: datetime) -> str:
    """A time of day as DICOM writes it (TM): 093000."""
    return value.strftime("%H%M%S")


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """A coded concept: short value, who defined it ("SCT", "DCM", "UCUM"), and its meaning."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def fill(dataset: Dataset, **elements: Any) -> Dataset:
    """Set elements by keyword; None writes the element with no value (type 2: must be there)."""
    for keyword, value in elements.items():
        setattr(dataset, keyword, "" if value is None else value)
    return dataset
