"""De-identification by the standard's profile: DICOM PS3.15, Annex E.

Three nets, one behind the other: the table says what to do with each attribute; rules by kind of
value catch what no table lists; and what is left is searched for words of the patient's own
identity. The original data set is never changed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from course_lib.dicom.deidentification.burned_in import without_text
from course_lib.dicom.deidentification.leaks import identifiers_of
from course_lib.dicom.deidentification.profile import Profile, is_curve_or_overlay, safe_words
from course_lib.dicom.deidentification.pseudonyms import Pseudonyms
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.writing.elements import code
from course_lib.dicom.writing.files import IMPLEMENTATION_UID

REMOVED = "REMOVED"
DUMMIES: dict[str, Any] = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y", "UR": "urn:removed",
    "IS": "0", "DS": "0", "US": 0, "SS": 0, "UL": 0, "SL": 0, "FL": 0.0, "FD": 0.0,
    "OB": b"", "OW": b"", "UN": b"",
}  # fmt: skip
TEXTS = ("LO", "SH", "ST", "LT", "UT", "UC", "CS", "AE", "PN", "UR")
OLDEST = 89  # years; above this, age alone narrows a person down (HIPAA safe harbour)


class CannotDeidentify(UnreadableFile):
    """A file that this profile cannot make safe, with the reason in one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(None, reason)

    def __reduce__(self) -> tuple:
        return type(self), (self.reason,)


def deidentify(ds: Dataset, key: bytes, options: Iterable[str] = ()) -> Dataset:
    """A de-identified copy of a data set.

    Args:
        ds: an image, segmentation or report.
        key: at least 16 secret random bytes. The same key gives the same pseudonyms and UIDs, so
            that studies of one patient stay together and references between files still hold.
        options: of the profile, see tables/deidentification.toml: "retain_modified_dates", ...

    Raises:
        CannotDeidentify: the object consists of what would have to go, or its pixels are said to
            contain text about the patient and "clean_pixel_data" was not chosen.
        ValueError: unknown options, or a key that is too short.
    """
    profile = Profile(options)
    names = Pseudonyms(key)
    _refuse_hopeless(ds, profile)
    patient = str(ds.get("PatientID") or ds.get("PatientName") or ds.get("StudyInstanceUID") or "")
    out = copy.deepcopy(ds)
    _Cleaner(profile, names, patient).walk(out)
    _remove_echoes(out, _own_words(ds))
    _clean_pixels(out, profile)
    _mark(out, profile)
    _fresh_meta(out, ds)
    return out


def _refuse_hopeless(ds: Dataset, profile: Profile) -> None:
    """Objects that nothing useful would be left of, and pixels that are known to tell."""
    if "EncapsulatedDocument" in ds:
        raise CannotDeidentify("The file is an embedded document; its text cannot be cleaned")
    if "ContentSequence" in ds and "clean_structured_content" not in profile.options:
        raise CannotDeidentify("The file is a report; choose the option clean_structured_content")
    if ds.get("BurnedInAnnotation") == "YES" and "clean_pixel_data" not in profile.options:
        raise CannotDeidentify(
            "The file says that text is burned into its pixels; choose the option clean_pixel_data"
        )


class _Cleaner:
    """Applies a profile to a data set and everything nested in it."""

    def __init__(self, profile: Profile, names: Pseudonyms, patient: str) -> None:
        self.profile, self.names, self.patient = profile, names, patient

    def walk(self, ds: Dataset) -> None:
        """Treat every element of `ds` in place, items of sequences included."""
        for element in list(ds):
            if element.tag.is_private:
                if not self.profile.keeps_private(element, ds):
                    del ds[element.tag]
            elif is_curve_or_overlay(element):
                del ds[element.tag]
            elif element.tag.group != 0x0002:
                self.treat(ds, element)

    def treat(self, ds: Dataset, element: DataElement) -> None:
        """Do with one public element what the profile says."""
        action = self.profile.action(element)
        if action == "X":
            del ds[element.tag]
        elif action == "Z":
            element.value = Sequence() if element.VR == "SQ" else None
        elif element.VR == "SQ":  # K, C and D keep the items and clean what is in them
            for item in element.value:
                self.walk(item)
        elif action == "P":
            pseudonym = self.names.patient(self.patient)
            element.value = f"{pseudonym}^" if element.VR == "PN" else pseudonym
        elif action == "U":
            element.value = _each(element, self.names.uid)
        elif action == "D":
            element.value = DUMMIES.get(element.VR, REMOVED)
        elif action == "C":
            element.value = _each(element, lambda value: self.cleaned(element.VR, value))

    def cleaned(self, vr: str, value: str) -> str:
        """A value of similar meaning without identity: dates moved, ages capped, texts sifted."""
        if vr in ("DA", "DT"):
            try:
                moved = self.names.date(datetime.strptime(value[:8], "%Y%m%d").date(), self.patient)
            except ValueError:
                return DUMMIES[vr]  # a date with year or month alone cannot be moved by weeks
            return moved.strftime("%Y%m%d") + value[8:]
        if vr == "TM":
            return value
        if vr == "AS":
            years = value[:3].isdigit() and value.endswith("Y")
            return f"{OLDEST + 1:03d}Y" if years and int(value[:3]) > OLDEST else value
        words = re.findall(r"[A-Za-z]+\d?", value)
        return " ".join(word for word in words if word.lower() in safe_words())


def _each(element: DataElement, change: Any) -> Any:
    """`change` applied to the value, or to each of several values."""
    if element.is_empty:
        return None
    if element.VM > 1:
        return [change(str(value)) for value in element.value]
    return change(str(element.value))


def _own_words(ds: Dataset) -> re.Pattern[str] | None:
    """A pattern for the words of the patient's and staff's names, numbers and places."""
    words = set()
    for identifier in identifiers_of(ds):
        if identifier.kind == "name":
            words |= {word for word in re.split(r"[\^=\s]+", identifier.value) if len(word) > 1}
        elif identifier.kind in ("number", "place") and len(identifier.value) > 2:
            words.add(identifier.value)
    if not words:
        return None
    # A Latin word counts where it stands alone; Hangul and Hanja are written without spaces.
    alone, anywhere = r"(?<![^\W_]){}(?![^\W_])", "{}"
    parts = ((alone if word.isascii() else anywhere).format(re.escape(word)) for word in words)
    return re.compile("|".join(sorted(parts)), re.IGNORECASE)


def _remove_echoes(ds: Dataset, own: re.Pattern[str] | None) -> None:
    """Replace every remaining text that repeats a word of the identity (the third net)."""
    if own is None:
        return
    kept = {"PatientName", "PatientID"}
    for element in ds.iterall():
        if element.VR in TEXTS and not element.is_empty and element.keyword not in kept:
            element.value = _each(element, lambda text: REMOVED if own.search(text) else text)


def _clean_pixels(ds: Dataset, profile: Profile) -> None:
    """Burned-in text masked if the option is chosen; unused bits, where overlays hid, cleared."""
    if "PixelData" not in ds:
        return
    if "clean_pixel_data" in profile.options:
        without_text(ds)
        ds.BurnedInAnnotation = "NO"
    syntax = ds.file_meta.TransferSyntaxUID if hasattr(ds, "file_meta") else None
    if syntax is not None and not syntax.is_compressed and ds.get("BitsAllocated") == 16:
        _clear_unused_bits(ds)


def _clear_unused_bits(ds: Dataset) -> None:
    """Bits above the stored ones carry no grey value; old machines kept drawings there."""
    spare = 16 - int(ds.BitsStored)
    if spare <= 0 or ds.HighBit != ds.BitsStored - 1:
        return
    order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
    kind = "i2" if ds.PixelRepresentation else "u2"
    values = np.frombuffer(ds.PixelData, dtype=order + kind)
    # To the left and back: unsigned values get zeros, signed ones their sign.
    ds.PixelData = ((values << spare) >> spare).astype(order + kind).tobytes()


def _mark(ds: Dataset, profile: Profile) -> None:
    """Say in the file what was done (PS3.15, E.1.1; codes of PS3.16, CID 7050)."""
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "DICOM PS3.15 Annex E, course_lib"
    items = [code(value, "DCM", meaning) for value, meaning in profile.codes()]
    ds.DeidentificationMethodCodeSequence = Sequence(items)
    modified, full = "retain_modified_dates", "retain_full_dates"
    ds.LongitudinalTemporalInformationModified = (
        "MODIFIED" if modified in profile.options
        else "UNMODIFIED" if full in profile.options else "REMOVED"
    )  # fmt: skip


def _fresh_meta(out: Dataset, source: Dataset) -> None:
    """A new preamble and meta group: the old ones may name the sending machine."""
    old = getattr(source, "file_meta", FileMetaDataset())
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = out.SOPClassUID
    meta.MediaStorageSOPInstanceUID = out.SOPInstanceUID
    current = getattr(out, "file_meta", old)
    if "TransferSyntaxUID" in current:
        meta.TransferSyntaxUID = current.TransferSyntaxUID
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    out.file_meta = meta
    out.preamble = bytes(128)
