"""Names and kinds of data elements: the dictionary of the standard (PS3.6), as pydicom keeps it."""

from pydicom.datadict import dictionary_description, dictionary_VR, keyword_for_tag, tag_for_keyword

# In one sentence each, what a value representation (VR) holds. Source: PS3.5, table 6.2-1.
VR_MEANINGS = {
    "AE": "name of an application in the network",
    "AS": "age, such as 061Y",
    "AT": "tag of another element",
    "CS": "code: capitals, digits, space and underscore, at most 16",
    "DA": "date, YYYYMMDD",
    "DS": "decimal number written as text, at most 16 characters",
    "DT": "date and time",
    "FD": "number, 8 bytes",
    "FL": "number, 4 bytes",
    "IS": "whole number written as text, at most 12 characters",
    "LO": "text, at most 64 characters",
    "LT": "long text",
    "OB": "bytes",
    "OD": "8-byte numbers in a row",
    "OF": "4-byte numbers in a row",
    "OL": "4-byte words in a row",
    "OV": "8-byte words in a row",
    "OW": "2-byte words in a row, such as pixels",
    "PN": "name of a person, Family^Given",
    "SH": "short text, at most 16 characters",
    "SL": "whole number with sign, 4 bytes",
    "SQ": "sequence: a list of items, each a data set of its own",
    "SS": "whole number with sign, 2 bytes",
    "ST": "text, at most 1024 characters",
    "SV": "whole number with sign, 8 bytes",
    "TM": "time, HHMMSS.fraction",
    "UC": "text without limit",
    "UI": "unique identifier (UID): digits and dots, at most 64",
    "UL": "whole number, 4 bytes",
    "UN": "unknown",
    "UR": "address in the web",
    "US": "whole number, 2 bytes",
    "UT": "text without limit",
    "UV": "whole number, 8 bytes",
}
# In files without VR the dictionary must decide; where it offers several, these are usual.
USUAL = {
    "US or SS": "US",
    "OB or OW": "OW",
    "US or OW": "OW",
    "US or SS or OW": "OW",
}
_cache: dict[int, str] = {}  # the same few hundred tags come again in every file


def vr_of(tag: int) -> str:
    """The VR that the dictionary gives a tag; "UN" for tags it does not know.

    Group lengths (element 0000) are UL; names of private blocks (odd group, 0010 to 00FF) are LO.
    """
    if tag not in _cache:
        _cache[tag] = _looked_up(tag)
    return _cache[tag]


def name_of_tag(tag: int) -> str:
    """An element's name in words: "Patient's Name"; "private" or "unknown" if it is not listed."""
    try:
        return dictionary_description(tag)
    except KeyError:
        return "private" if is_private(tag) else "unknown"


def keyword_of(tag: int) -> str:
    """The name that programs use, such as "PatientName"; "" if the dictionary has none."""
    return keyword_for_tag(tag)


def tag_of(keyword: str) -> int:
    """The tag of a keyword, as a number: 0x00100010 for "PatientName".

    Raises:
        KeyError: the dictionary does not know the keyword.
    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"The dictionary has no element called {keyword!r}; look at its spelling.")
    return tag


def tag_text(tag: int) -> str:
    """A tag as people write it: (0010,0010)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def is_private(tag: int) -> bool:
    """True for groups with an odd number: they belong to manufacturers."""
    return bool((tag >> 16) & 1)


def _looked_up(tag: int) -> str:
    if tag & 0xFFFF == 0:
        return "UL"
    if is_private(tag):
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    return USUAL.get(vr, vr)
