"""Attributes in the web's own form, DICOM JSON (PS3.18, annex F)."""

import pydicom
from pydicom.datadict import dictionary_VR, tag_for_keyword

from course_lib.dicom.errors import reading
from course_lib.dicom.pacs.archive import Kept
from course_lib.dicom.pacs.index import Row

WHOLE = {"IS", "US", "UL", "SS", "SL"}
NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
PIXEL_DATA = "7FE00010"


def tag(keyword: str) -> str:
    """The tag of a keyword as eight hexadecimal digits."""
    number = tag_for_keyword(keyword)
    if number is None:
        raise KeyError(f"{keyword} is not in the dictionary.")
    return f"{number:08X}"


def row_as_json(row: Row) -> dict:
    """A row of the index as a DICOM JSON object, tags in ascending order."""
    return {tag(keyword): _element(keyword, row[keyword]) for keyword in sorted(row, key=tag)}


def element(keyword: str, *values) -> dict:
    """``{tag: {"vr": ..., "Value": [...]}}`` for one attribute."""
    return {tag(keyword): {"vr": dictionary_VR(keyword), "Value": list(values)}}


def metadata(kept: Kept, pixel_url: str) -> dict:
    """All elements of an object but its pixels, for which it gives the address.

    Raises:
        UnreadableFile: the kept file is damaged.
    """
    with reading(kept.path, "a kept object cannot be read"):
        header = pydicom.dcmread(kept.path, stop_before_pixels=True)
        found = header.to_json_dict(suppress_invalid_tags=True)
    if "Rows" in header:
        found[PIXEL_DATA] = {"vr": "OW", "BulkDataURI": pixel_url}
    return found


def _element(keyword: str, text: str) -> dict:
    vr = dictionary_VR(keyword)
    values = [_value(vr, part) for part in text.split("\\")] if text else []
    values = [value for value in values if value is not None]
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _value(vr: str, text: str):
    if vr in WHOLE:
        try:
            return int(text)
        except ValueError:
            return None
    if vr == "PN":
        groups = zip(NAME_GROUPS, text.split("="), strict=False)
        return {name: group for name, group in groups if group}
    return text
