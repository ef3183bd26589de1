"""Checks that need nothing but a paper's own numbers.

Every table repeats itself: rows add up to totals, rates come from counts, one rate is made of two
others. Where a paper repeats itself it can contradict itself, and a reader with a pencil can tell.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from course_lib.evaluation.mcnemar import mcnemar
from course_lib.evaluation.operating import Confusion


@dataclass(frozen=True)
class Finding:
    """One check: where it is printed, what is printed, what follows from the paper's numbers."""

    place: str
    statement: str
    printed: str
    recomputed: str
    agrees: bool


def sums_to(place: str, statement: str, parts: Sequence[int], printed: int) -> Finding:
    """Do the parts add up to the printed total?"""
    total = sum(parts)
    return Finding(place, statement, str(printed), str(total), total == printed)


def how_rounded(printed: str, part: int, whole: int) -> str:
    """How a printed share (such as "0.99", or "93.4" in per cent) comes from part of whole.

    "rounded", "cut off" (the next digits were dropped), or "neither". Numbers above 1 are read as
    per cent. Raises ValueError for an empty whole.
    """
    if whole <= 0 or not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is not a share.")
    digits = len(printed.partition(".")[2])
    value = part / whole * (100 if float(printed) > 1 else 1)
    step = 10.0**digits
    if math.isclose(float(printed), math.floor(value * step + 0.5) / step, abs_tol=1e-9):
        return "rounded"
    if math.isclose(float(printed), math.floor(value * step + 1e-9) / step, abs_tol=1e-9):
        return "cut off"
    return "neither"


def rate(place: str, statement: str, printed: str, part: int, whole: int) -> Finding:
    """Is the printed share that of part of whole, rounded or cut off?"""
    how = how_rounded(printed, part, whole)
    scale = 100 if float(printed) > 1 else 1
    shown = f"{part}/{whole} = {part / whole * scale:.4g}"
    return Finding(place, statement, printed, f"{shown} ({how})", how != "neither")


def possible_counts(printed: str, whole: int) -> list[int]:
    """All counts k whose share k/whole rounds to what is printed; empty: no count does.

    The idea of the GRIM test (Brown and Heathers, Soc Psychol Personal Sci 2017;8:363): shares of
    few cases can only take few values.
    """
    return [k for k in range(whole + 1) if how_rounded(printed, k, whole) == "rounded"]


def possible_sizes(printed: Sequence[str], largest: int = 100) -> list[int]:
    """Numbers of cases, 1 to `largest`, for which every printed share is possible."""
    return [n for n in range(1, largest + 1) if all(possible_counts(text, n) for text in printed)]


def balanced(sensitivity: float, specificity: float) -> float:
    """Balanced accuracy, the mean of sensitivity and specificity."""
    return (sensitivity + specificity) / 2


def accuracy_at(sensitivity: float, specificity: float, ill: int, healthy: int) -> float:
    """Share of right answers among so many ill and healthy cases."""
    return (sensitivity * ill + specificity * healthy) / (ill + healthy)


def same_number(printed: str, value: float) -> bool:
    """Whether a value, rounded or cut off, is what is printed."""
    digits = len(printed.partition(".")[2])
    return abs(float(printed) - value) < 10.0**-digits + 1e-9


def rates_that_fit(printed: str, counts: Confusion) -> list[str]:
    """Names of the simple rates of a 2 x 2 table that are what is printed, rounded or cut off.

    A rate under a wrong name shows here: if only "ppv" fits what is called specificity, somebody
    divided by the wrong total.
    """
    scale = 100 if float(printed) > 1 else 1
    names = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1")
    return [name for name in names if same_number(printed, scale * getattr(counts, name))]


def least_area(sensitivity: float, specificity: float, concave: bool = True) -> float:
    """The smallest AUC of a ROC curve through one operating point.

    A curve without dents (concave) lies above its chords, so its area is at least the balanced
    accuracy. Any curve at all only rises, and its area is at least sensitivity x specificity.
    """
    return balanced(sensitivity, specificity) if concave else sensitivity * specificity


def mcnemar_range(right_first: int, right_second: int, cases: int) -> tuple[float, float]:
    """Smallest and largest mid-p of McNemar's test that two numbers of right answers allow.

    A paper that prints both tables but not the pairs leaves open on how many cases the two differ:
    from the difference of the numbers up to as many as there is room for. Raises ValueError when a
    number exceeds the cases.
    """
    if not 0 <= min(right_first, right_second) <= max(right_first, right_second) <= cases:
        raise ValueError(f"{right_first} and {right_second} right of {cases} is not possible.")
    lowest_both = max(0, right_first + right_second - cases)
    values = [
        mcnemar(right_first - both, right_second - both).mid
        for both in range(lowest_both, min(right_first, right_second) + 1)
    ]
    known = [value for value in values if not math.isnan(value)] or [1.0]
    return min(known), max(known)


def by(rows: Sequence[Mapping], value: str = "count", /, **wanted: object) -> int:
    """Sum of a column over the rows in which all the wanted columns have the wanted values."""
    return sum(
        int(row[value]) for row in rows if all(str(row[k]) == str(v) for k, v in wanted.items())
    )
