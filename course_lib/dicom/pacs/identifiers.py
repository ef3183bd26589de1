"""Requests and answers as data sets: which keys a query gives, and the row that answers it.

Source: DICOM PS3.4, C.4.1 (query) and C.4.2 (retrieve), hierarchical rules.
"""

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from course_lib.dicom.pacs.index import Row
from course_lib.dicom.pacs.levels import (
    LEVELS,
    NAMES,
    PATIENT,
    Level,
    as_text,
    expression,
    level_named,
    up_to,
)
from course_lib.dicom.pacs.matching import BadQuery

NO_KEYS = {"QueryRetrieveLevel", "SpecificCharacterSet", "RetrieveAETitle", "InstanceAvailability"}
NUMBERS = {"US", "UL", "SS", "SL"}


def asked_level(identifier: Dataset, root: str) -> Level:
    """The level a request is about; `root` is "PATIENT" or "STUDY", the information model.

    Raises:
        BadQuery: no level, an unknown one, or PATIENT where the tree begins at the study.
    """
    name = str(identifier.get("QueryRetrieveLevel", ""))
    if name not in NAMES or (name == "PATIENT" and root == "STUDY"):
        raise BadQuery(f"QueryRetrieveLevel {name!r} does not exist in this model.")
    return level_named(name)


def keys_of(identifier: Dataset) -> Row:
    """The keys of a request as text; empty ones are there too, because they ask for a value."""
    keys = {}
    for element in identifier:
        if element.keyword and element.keyword not in NO_KEYS:
            sequence = element.VR == "SQ"
            keys[element.keyword] = "" if sequence else as_text(element.value, element.VR)
    return keys


def ignored(identifier: Dataset, level: Level) -> list[str]:
    """Keys with a value that the archive cannot match on: they match anything (C.2.2.1.3)."""
    return [
        element.keyword or str(element.tag)
        for element in identifier
        if element.keyword not in NO_KEYS
        and not is_universal(element.value)
        and (element.VR == "SQ" or expression(element.keyword, level) is None)
    ]


def is_universal(value) -> bool:
    """True for a key that matches anything: empty, or a sequence with nothing but empty keys."""
    if isinstance(value, Sequence):
        return all(is_universal(element.value) for item in value for element in item)
    return value is None or value == "" or value == []


def check_hierarchy(keys: Row, level: Level, root: str, retrieve: bool) -> None:
    """Every level above must be named by its one unique key; a retrieve names its own level too.

    Raises:
        BadQuery: a unique key is missing, or is a list or wildcard where one value is due.
    """
    for place in up_to(level):
        if place is PATIENT and root == "STUDY":
            continue
        value = keys.get(place.unique, "")
        own = place is level
        if not value and (retrieve or not own):
            raise BadQuery(f"{level.name} level needs {place.unique}.")
        if not own and any(sign in value for sign in "*?\\"):
            raise BadQuery(f"{place.unique} must be one value, without wildcards.")


def unique_keys(keys: Row) -> Row:
    """Only the keys that name patient, study, series and instance."""
    return {level.unique: keys[level.unique] for level in LEVELS if keys.get(level.unique)}


def answer(keys: Row, row: Row, level: Level, ae_title: str) -> Dataset:
    """One answer of C-FIND: the asked-for attributes of one entity, and the keys that name it."""
    found = Dataset()
    found.QueryRetrieveLevel = level.name
    found.RetrieveAETitle = ae_title
    if not all(value.isascii() for value in row.values()):
        found.SpecificCharacterSet = "ISO_IR 192"  # UTF-8
    for keyword in [*keys, *(place.unique for place in up_to(level))]:
        if keyword in row:
            put(found, keyword, row[keyword])
    return found


def put(dataset: Dataset, keyword: str, text: str) -> None:
    """Set an attribute from its text; odd values of odd files are passed on as they are."""
    vr = dictionary_VR(keyword)
    value = (int(text) if text.isdigit() else None) if vr in NUMBERS else text
    tag = tag_for_keyword(keyword)
    assert tag is not None  # keywords come from the table of levels
    dataset.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))
