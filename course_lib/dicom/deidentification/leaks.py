"""Is anything left? A search of every byte of a file for what identifies the patient.

De-identified files are judged by what is in them, not by what a program believes to have removed. A
value hides in many forms: other encodings, other ways to write a date, half of a name. Not found
here: text burned into the pixels (burned_in.py) and whatever lies inside compressed pixels.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

# Attributes whose value points to a person, beside all names (PN), dates and instance UIDs.
NUMBERS = (
    "PatientID", "OtherPatientIDs", "AccessionNumber", "AdmissionID", "ServiceEpisodeID",
    "PatientTelephoneNumbers", "PatientInsurancePlanCodeSequence", "MedicalRecordLocator",
    "RequestedProcedureID", "ScheduledProcedureStepID", "PerformedProcedureStepID",
)  # fmt: skip
PLACES = (
    "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "PatientAddress",
    "CurrentPatientLocation", "StationName",
)  # fmt: skip
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
DATES = ("PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp949", "latin-1")
DATE_FORMS = ("%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y",
              "%d-%m-%Y", "%d%m%Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%d %b %Y")  # fmt: skip


@dataclass(frozen=True)
class Identifier:
    """Something that points to the patient: its kind ("name", "number", "place", "uid", "date"),
    the attribute it comes from, and its value."""

    kind: str
    attribute: str
    value: str


@dataclass(frozen=True)
class Leak:
    """An identifier found in the bytes: what, written how ("kim" in utf-8), and where."""

    identifier: Identifier
    form: str
    offset: int

    def __str__(self) -> str:
        return f"{self.identifier.attribute}: {self.form} at byte {self.offset}"


def identifiers_of(ds: Dataset) -> list[Identifier]:
    """What identifies the patient, the staff and the examination in a data set, at any depth."""
    found: dict[tuple[str, str], Identifier] = {}
    for element in ds.iterall():
        kind = _kind(element.keyword, element.VR)
        if kind is None or element.VR == "SQ" or element.is_empty:
            continue
        values = element.value if element.VM > 1 else [element.value]
        for value in values:
            text = str(value).strip()
            found.setdefault((kind, text), Identifier(kind, element.keyword, text))
    return list(found.values())


def _kind(keyword: str, vr: str) -> str | None:
    if vr == "PN":
        return "name"
    for kind, keywords in (("number", NUMBERS), ("place", PLACES), ("uid", UIDS), ("date", DATES)):
        if keyword in keywords:
            return kind
    return None


def find_identifiers(data: bytes, identifiers: Iterable[Identifier]) -> list[Leak]:
    """Every identifier that occurs anywhere in the bytes of a file, the first place of each form.

    data: the whole file; what is deflated is unpacked first. Letters match in upper and lower case;
    words of fewer than five letters only where they stand alone, because three letters turn up by
    chance in any picture.
    """
    data = unpacked(data).lower()
    leaks = []
    for identifier in identifiers:
        for form, pattern in _patterns(identifier):
            if hit := pattern.search(data):
                leaks.append(Leak(identifier, form, hit.start()))
    return sorted(leaks, key=lambda leak: leak.offset)


def unpacked(data: bytes) -> bytes:
    """The file's bytes; with the contents unpacked behind them when they are deflated."""
    if DeflatedExplicitVRLittleEndian.encode() not in data[:1024]:
        return data
    for start in range(132, min(len(data), 1024)):
        try:
            return data + zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:], 1 << 28)
        except zlib.error:
            continue
    return data


def _patterns(identifier: Identifier) -> Iterator[tuple[str, re.Pattern[bytes]]]:
    """All forms of an identifier, as patterns for lower-case bytes; equal bytes only once."""
    seen = set()
    for text in dict.fromkeys(_texts(identifier)):
        for encoding in ENCODINGS:
            try:
                raw = text.lower().encode(encoding).lower()
            except UnicodeEncodeError:
                continue
            if raw not in seen:
                seen.add(raw)
                yield f"{text!r} in {encoding}", _pattern(raw, text)


def _texts(identifier: Identifier) -> Iterator[str]:
    """The ways in which an identifier may be written."""
    if identifier.kind == "date":
        yield from _dates(identifier.value)
    elif identifier.kind == "name":
        for word in re.split(r"[\^= ,.]+", identifier.value):
            letters = len(word) if word.isascii() else 2 * len(word)
            if letters >= 3:  # single letters and single syllables prove nothing
                yield word
    elif len(identifier.value) >= 3:
        yield identifier.value


def _dates(value: str) -> Iterator[str]:
    try:
        day: date = datetime.strptime(value[:8], "%Y%m%d").date()
    except ValueError:
        return
    for form in DATE_FORMS:
        yield day.strftime(form)
    yield f"{day.year}년 {day.month}월 {day.day}일"
    yield f"{day.year}. {day.month}. {day.day}."


def _pattern(raw: bytes, text: str) -> re.Pattern[bytes]:
    body = re.escape(raw)
    if text.isascii() and len(raw) < 5:
        body = rb"(?<![a-z0-9])" + body + rb"(?![a-z0-9])"
    return re.compile(body, re.DOTALL)
