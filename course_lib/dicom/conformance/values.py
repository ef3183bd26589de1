"""May this text stand in this element? What every value representation (VR) allows: PS3.5, 6.2."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from pydicom.datadict import dictionary_VM
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

from course_lib.dicom.uids import problem_of_uid

LONGEST = {"AE": 16, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "LT": 10240, "SH": 16, "ST": 1024}
PATTERNS = {
    "AS": (r"[0-9]{3}[DWMY]", "three digits and D, W, M or Y, such as 061Y"),
    "CS": (r"[A-Z0-9_ ]*", "capitals, digits, spaces and underscores"),
    "DS": (r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *", "a decimal number"),
    "IS": (r" *[+-]?[0-9]+ *", "a whole number"),
    "DA": (r"[0-9]{8}", "a date written YYYYMMDD"),
    "TM": (r"([01][0-9]|2[0-3])([0-5][0-9](([0-5][0-9]|60)(\.[0-9]{1,6})?)?)? *", "a time HHMMSS"),
    "DT": (r"[0-9]{4,14}(\.[0-9]{1,6})?([+-][0-9]{4})? *", "a date and time YYYYMMDDHHMMSS"),
}
FREE_TEXT = {"LT", "ST", "UT", "UR"}  # here a backslash is a letter, not a separator


def problems_of_value(element: DataElement) -> list[str]:
    """What is wrong with the values of an element, each in one sentence; [] if nothing is."""
    if element.VR in ("SQ", "UN", "OB", "OW", "OF", "OD", "OL", "OV", "OB or OW"):
        return []
    values = texts(element)
    found = [problem for value in values if (problem := problem_of_text(element.VR, value))]
    if values and (problem := problem_of_count(int(element.tag), len(values))):
        found.append(problem)
    return found


def texts(element: DataElement) -> list[str]:
    """The values of an element as they are written in the file; [] if it is empty."""
    value = element.value
    if value is None or (isinstance(value, str | bytes) and len(value) == 0):
        return []
    several = isinstance(value, MultiValue | list | tuple)
    values: Sequence = value if several else [value]
    as_written = element.VR in ("DS", "IS")  # pydicom turned them into numbers, but kept the text
    return [str(getattr(one, "original_string", one) if as_written else one) for one in values]


def problem_of_text(vr: str, text: str) -> str | None:
    """What is wrong with one value; None if it is allowed."""
    if vr == "UI":
        return problem_of_uid(text)
    if vr == "PN":
        groups = text.split("=")
        if len(groups) > 3 or any(len(group) > 64 or group.count("^") > 4 for group in groups):
            return "A name has at most three groups of 64 characters with five parts each."
        return None
    if len(text) > LONGEST.get(vr, len(text)):
        return f"{vr} holds at most {LONGEST[vr]} characters, this value has {len(text)}."
    if vr in PATTERNS and text and not re.fullmatch(PATTERNS[vr][0], text):
        return f"{vr} must be {PATTERNS[vr][1]}, not {text[:40]!r}."
    if vr == "DA" and text and not _is_day(text):
        return f"There is no such day: {text}."
    if vr == "IS" and text and not -(2**31) <= int(text) < 2**31:
        return f"IS must fit into 32 bits; {text} does not."
    return None


def problem_of_count(tag: int, count: int) -> str | None:
    """Whether the dictionary allows so many values; its rules look like 1, 3, 1-3, 1-n or 2-2n."""
    try:
        rule = dictionary_VM(tag)
    except KeyError:  # private elements
        return None
    least, _, most = rule.partition("-")
    if most.endswith("n"):
        step = int(most[:-1] or 1)
        allowed = count >= int(least) and (count - int(least)) % step == 0
    else:
        allowed = int(least) <= count <= int(most or least)
    return None if allowed else f"It holds {count} values; the dictionary says {rule}."


def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return False
    return True


def number_of(text: str) -> float | None:
    """The number that a text holds; None if it holds none."""
    try:
        return float(text)
    except ValueError:
        return None
