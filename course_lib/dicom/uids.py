"""Unique identifiers: the numbers that name studies, series, files, and ways of writing.

A UID is digits and dots, at most 64 characters, such as 1.2.840.10008.1.2.1. Its first numbers
are a root that somebody registered; the owner of the root sees to it that the rest never comes
twice. 2.25 is a root for everybody: a 128-bit random number (UUID) follows. Source: PS3.5, 9.
"""

import re

from pydicom.uid import UID

LONGEST = 64
STANDARD = "1.2.840.10008."  # names that the DICOM standard itself gives
COMPONENT = re.compile(r"0|[1-9][0-9]*")


def problem_of_uid(text: str) -> str | None:
    """What is wrong with a UID, in one sentence; None if it is well formed."""
    if not text:
        return "A UID must not be empty."
    if len(text) > LONGEST:
        return f"A UID has at most {LONGEST} characters, this one has {len(text)}."
    for component in text.split("."):
        if not COMPONENT.fullmatch(component):
            return f"{component!r} is no number without leading zeros, as UIDs need between dots."
    if text.startswith("2.25.") and int(text.split(".")[2]) >= 2**128:
        return "Behind 2.25 must come a number of at most 128 bits."
    return None


def meaning_of_uid(text: str) -> str:
    """The name the standard gives a UID, such as "CT Image Storage"; "" for private ones."""
    uid = UID(text)
    return uid.name if text.startswith(STANDARD) and uid.name != text else ""
