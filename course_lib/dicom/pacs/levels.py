"""The tree that every archive keeps: patient, study, series, instance (PS3.4, annex C).

One table says which attributes live at which level. The index stores them, queries match on them.
"""

import re
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR

from course_lib.dicom.errors import UnreadableFile, reading


@dataclass(frozen=True)
class Level:
    """One level of the tree.

    name: as QueryRetrieveLevel says it; table: in the index; unique: the attribute that names an
    entity; keywords: the other attributes kept; counted: attributes worked out from the levels
    below, keyword -> SQL expression.
    """

    name: str
    table: str
    unique: str
    keywords: tuple[str, ...]
    counted: dict[str, str]


_STUDIES = "(SELECT count(*) FROM studies WHERE studies.parent = patients.id)"
_SERIES = "(SELECT count(*) FROM series WHERE series.parent = studies.id)"
_MODALITIES = (
    "(SELECT group_concat(name, '\\') FROM (SELECT DISTINCT series.Modality AS name"
    " FROM series WHERE series.parent = studies.id ORDER BY name))"
)
_IN_STUDY = (
    "(SELECT count(*) FROM instances JOIN series ON instances.parent = series.id"
    " WHERE series.parent = studies.id)"
)
_IN_SERIES = "(SELECT count(*) FROM instances WHERE instances.parent = series.id)"

PATIENT = Level(
    "PATIENT",
    "patients",
    "PatientID",
    ("PatientName", "PatientBirthDate", "PatientSex", "IssuerOfPatientID"),
    {"NumberOfPatientRelatedStudies": _STUDIES},
)
STUDY = Level(
    "STUDY",
    "studies",
    "StudyInstanceUID",
    ("StudyDate", "StudyTime", "AccessionNumber", "StudyID", "StudyDescription",
     "ReferringPhysicianName", "PatientAge"),
    {"NumberOfStudyRelatedSeries": _SERIES, "NumberOfStudyRelatedInstances": _IN_STUDY,
     "ModalitiesInStudy": _MODALITIES},
)  # fmt: skip
SERIES = Level(
    "SERIES",
    "series",
    "SeriesInstanceUID",
    ("Modality", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime",
     "BodyPartExamined", "ProtocolName", "Laterality", "FrameOfReferenceUID"),
    {"NumberOfSeriesRelatedInstances": _IN_SERIES},
)  # fmt: skip
IMAGE = Level(
    "IMAGE",
    "instances",
    "SOPInstanceUID",
    ("SOPClassUID", "InstanceNumber", "ContentDate", "ContentTime", "Rows", "Columns",
     "BitsAllocated", "NumberOfFrames"),
    {},
)  # fmt: skip
LEVELS = (PATIENT, STUDY, SERIES, IMAGE)
NAMES = tuple(level.name for level in LEVELS)
UNIQUE_KEYS = tuple(level.unique for level in LEVELS)

UID_FORM = re.compile(r"[0-9]+(\.[0-9]+)*")  # leading zeros are wrong, and common


def level_named(name: str) -> Level:
    """The level that a QueryRetrieveLevel names. Raises ValueError for another word."""
    for level in LEVELS:
        if level.name == name:
            return level
    raise ValueError(f"There is no level {name!r}; the levels are {', '.join(NAMES)}.")


def up_to(level: Level) -> tuple[Level, ...]:
    """The levels from the patient down to `level`, which is included."""
    return LEVELS[: LEVELS.index(level) + 1]


def expression(keyword: str, level: Level) -> str | None:
    """SQL for an attribute that a query at `level` can match and return; None if not kept there."""
    for place in up_to(level):
        if keyword == place.unique or keyword in place.keywords:
            return f"{place.table}.{keyword}"
        if keyword in place.counted:
            return place.counted[keyword]
    return None


def is_uid(text: str) -> bool:
    """True for a well-formed UID: digits and dots, at most 64 characters (PS3.5, 9.1)."""
    return len(text) <= 64 and UID_FORM.fullmatch(text) is not None


def attributes_of(header) -> dict[str, str]:
    """Every attribute the index keeps, as text, from the header of one object.

    Raises:
        UnreadableFile: a UID that names study, series or instance is missing or malformed.
    """
    with reading(getattr(header, "filename", None), "the DICOM elements are damaged"):
        found = {
            k: _text_of(header, k) for place in LEVELS for k in (place.unique, *place.keywords)
        }
    for keyword in (*UNIQUE_KEYS[1:], "SOPClassUID"):
        if not is_uid(found[keyword]):
            name = getattr(header, "filename", None)
            shown = repr(found[keyword][:70])
            raise UnreadableFile(name, f"its {keyword} {shown} is not a valid UID")
    return found


def _text_of(header, keyword: str) -> str:
    try:
        return as_text(header.get(keyword), dictionary_VR(keyword))
    except (ValueError, TypeError):  # a number that is none: no reason to turn an image away
        return ""


def as_text(value, vr: str = "LO") -> str:
    """A value of the header as the text that is kept and matched; "" for none."""
    if value is None:
        return ""
    if not isinstance(value, str) and hasattr(value, "__iter__") and vr != "PN":
        return "\\".join(as_text(part, vr) for part in value)
    text = str(value).strip(" \0")
    return text.replace(".", "") if vr == "DA" else text  # 1997.04.24 is an old way of writing it
