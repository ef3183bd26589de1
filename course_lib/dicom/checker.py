"""Is this file what the standard asks for? A checker for CT, MR and DX images.

Three layers, each readable by itself: the module tables (which elements, modules.py), the values
(what may stand in them, values.py), and what elements say about each other (below).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from course_lib.dicom.dictionary import tag_of, tag_text
from course_lib.dicom.frames import frame_count
from course_lib.dicom.modules import Kind, Module, Rule, holds, is_filled, kinds, modules
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.order import name_of
from course_lib.dicom.uids import meaning_of_uid
from course_lib.dicom.values import problems_of_value, texts

LETTERS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}  # texts whose letters may be of any language


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, which rule (module and type), and what, in a sentence."""

    tag: int
    keyword: str
    module: str
    type: str
    what: str

    def __str__(self) -> str:
        rule = f"{self.module}, type {self.type}" if self.type else self.module
        return f"{tag_text(self.tag)} {self.keyword}: {self.what} [{rule}]"


def check(source: Dataset | str | Path) -> list[Problem]:
    """All problems of a CT, MR or DX image; an empty list if it follows the standard.

    Args:
        source: a pydicom data set, or a file. The meta group is complete only once a file has been
            written, so it is not checked in a data set that never was one.

    Raises:
        UnreadableFile: the file cannot be read at all.
    """
    dataset = source if isinstance(source, Dataset) else open_dicom(source)
    kind = kinds().get(str(dataset.get("SOPClassUID", "")))
    if kind is None:
        return [*_unknown_kind(dataset), *value_problems(dataset)]
    parts = [m for m in kind.modules if m.name != "file_meta" or name_of(dataset)]
    found = [problem for module in parts for problem in module_problems(dataset, module)]
    found += value_problems(dataset)
    found += [problem for rule in AGREEMENTS for problem in rule(dataset, kind)]
    return sorted(dict.fromkeys(found), key=lambda problem: problem.tag)


def module_problems(dataset: Dataset, module: Module) -> Iterator[Problem]:
    """What a data set (or an item of a sequence) lacks of one module."""
    place = getattr(dataset, "file_meta", Dataset()) if module.name == "file_meta" else dataset
    for rule in module.rules:
        what = _presence(place, rule) or _enumerated(place, rule)
        if what:
            yield _problem(rule.keyword, module.name, rule.type, what)
        if rule.items and is_filled(place, rule.keyword):
            for item in place[rule.keyword].value:
                yield from module_problems(item, modules()[rule.items])


def _presence(dataset: Dataset, rule: Rule) -> str | None:
    """Types 1 and 2: is the element there, and does it have a value?"""
    needed = rule.type != "3" and holds(rule.when, dataset)
    reason = f" because {rule.when}" if rule.type.endswith("C") and needed else ""
    if rule.keyword not in dataset:
        return f"is missing{reason}" if needed else None
    if rule.only and not needed:
        return f"must not be there unless {rule.when}"
    if rule.type.startswith("1") and not is_filled(dataset, rule.keyword):
        return f"must not be empty{reason}"  # whoever writes type 1C at all gives a value
    return None


def _enumerated(dataset: Dataset, rule: Rule) -> str | None:
    """Enumerated values, and how many items a sequence may have."""
    if rule.keyword not in dataset:
        return None
    element = dataset[rule.keyword]
    if rule.count and len(element.value) != rule.count and (element.value or rule.type == "3"):
        return f"must have {rule.count} item, has {len(element.value)}"
    numbers = bool(rule.values) and isinstance(rule.values[0], int)
    for text in texts(element) if rule.values else []:
        value = _number(text) if numbers else text.strip()
        if value not in rule.values:
            return f"is {text!r}, allowed are {', '.join(map(str, rule.values))}"
    return None


def value_problems(dataset: Dataset) -> Iterator[Problem]:
    """Values that their VR does not allow, in sequences, too."""
    meta = getattr(dataset, "file_meta", None)
    for place in [dataset] if meta is None else [meta, dataset]:
        for element in place.iterall():
            for what in problems_of_value(element):
                name = element.keyword or "private element"
                yield Problem(int(element.tag), name, f"value of {element.VR}", "", what)


# What elements say about each other. Each function gets the data set and its kind.


def _modality(dataset: Dataset, kind: Kind) -> Iterator[Problem]:
    if is_filled(dataset, "Modality") and dataset.Modality != kind.modality:
        yield _problem(
            "Modality", "agreement", "", f"is {dataset.Modality}, but the file is a {kind.name}"
        )


def _meta_names_the_file(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    meta = getattr(dataset, "file_meta", Dataset())
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        there = meta.get(f"MediaStorage{keyword}")
        if there and dataset.get(keyword) and there != dataset.get(keyword):
            yield _problem(f"MediaStorage{keyword}", "agreement", "", f"differs from {keyword}")


def _orientation(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """Rows and columns are unit vectors at right angles (C.7.6.2.1.1)."""
    try:
        row, column = np.asarray(dataset.get("ImageOrientationPatient"), float).reshape(2, 3)
    except (TypeError, ValueError):
        return  # missing or not six numbers: the tables or the values have said so
    lengths = np.linalg.norm([row, column], axis=1)
    if np.any(np.abs(lengths - 1) > 1e-3):
        yield _problem("ImageOrientationPatient", "agreement", "", "holds no unit vectors")
    elif abs(row @ column) > 1e-3:
        what = "its two directions are not at right angles"
        yield _problem("ImageOrientationPatient", "agreement", "", what)


def _bits(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    allocated, stored, high = (
        dataset.get(keyword) for keyword in ("BitsAllocated", "BitsStored", "HighBit")
    )
    if all(isinstance(number, int) for number in (allocated, stored)) and stored > allocated:
        yield _problem("BitsStored", "agreement", "", f"is {stored}, more than {allocated} bits")
    if all(isinstance(number, int) for number in (stored, high)) and high != stored - 1:
        yield _problem("HighBit", "agreement", "", f"is {high}, must be BitsStored - 1")


def _pixel_bytes(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """Uncompressed pixels: rows x columns x samples x bytes x frames, made even (PS3.5, 8.1.1)."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    sizes = [dataset.get(k) for k in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    if "PixelData" not in dataset or not all(isinstance(n, int) and n for n in sizes):
        return
    if syntax is not None and syntax.is_transfer_syntax and syntax.is_encapsulated:
        return
    needed = int(np.prod(sizes[:3])) * frame_count(dataset) * sizes[3] // 8
    there = len(dataset.PixelData or b"")
    if there != needed + needed % 2:
        what = f"has {there} bytes; rows, columns, samples and bits ask for {needed}"
        yield _problem("PixelData", "agreement", "", what)


def _spacing(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        numbers = [_number(text) for text in texts(dataset[keyword])] if keyword in dataset else []
        if any(number is not None and number <= 0 for number in numbers):
            yield _problem(keyword, "agreement", "", "must be larger than zero")


def _window(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """As many widths as centres, none below 1 for the linear function (C.11.2.1.2)."""
    centres, widths = (
        texts(dataset[keyword]) if keyword in dataset else []
        for keyword in ("WindowCenter", "WindowWidth")
    )
    if centres and widths and len(centres) != len(widths):
        what = f"has {len(widths)} values for {len(centres)} window centers"
        yield _problem("WindowWidth", "agreement", "", what)
    linear = dataset.get("VOILUTFunction", "LINEAR") == "LINEAR"
    numbers = [number for text in widths if (number := _number(text)) is not None]
    if linear and any(number < 1 for number in numbers):
        yield _problem("WindowWidth", "agreement", "", "must not be below 1")


def _presentation(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """MONOCHROME1 means INVERSE, MONOCHROME2 means IDENTITY (C.8.11.3.1.2)."""
    shape, colours = dataset.get("PresentationLUTShape"), dataset.get("PhotometricInterpretation")
    wanted = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}.get(str(colours))
    if shape in ("IDENTITY", "INVERSE") and wanted and shape != wanted:
        yield _problem(
            "PresentationLUTShape", "agreement", "", f"is {shape}; {colours} asks for {wanted}"
        )


def _letters(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """Whoever writes more than plain Latin letters says how they are coded (C.12.1.1.2)."""
    if is_filled(dataset, "SpecificCharacterSet"):
        return
    for element in dataset.iterall():
        if element.VR in LETTERS and not all(text.isascii() for text in texts(element)):
            what = f"is missing, but {element.keyword} holds letters beyond plain Latin"
            yield _problem("SpecificCharacterSet", "sop_common", "1C", what)
            return


def _known_region(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """The region imaged is not unknown if another element names it."""
    keyword = "AnatomicRegionSequence"
    if keyword in dataset and not dataset[keyword].value and is_filled(dataset, "BodyPartExamined"):
        what = "is empty although BodyPartExamined names the region"
        yield _problem(keyword, "dx_anatomy_imaged", "2", what)


def _hounsfield(dataset: Dataset, kind: Kind) -> Iterator[Problem]:
    """Original CT slices hold Hounsfield units (C.8.2.1.1.2)."""
    image = list(dataset.get("ImageType") or [])
    one_energy = dataset.get("MultienergyCTAcquisition") != "YES"
    if kind.modality == "CT" and one_energy and "ORIGINAL" in image and "LOCALIZER" not in image:
        named = dataset.get("RescaleType") or "HU"
        if named != "HU":
            yield _problem("RescaleType", "ct_image", "1C", f"is {named}; original slices hold HU")


AGREEMENTS: tuple[Callable[[Dataset, Kind], Iterator[Problem]], ...] = (
    _modality,
    _meta_names_the_file,
    _orientation,
    _bits,
    _pixel_bytes,
    _spacing,
    _window,
    _presentation,
    _letters,
    _known_region,
    _hounsfield,
)


def _unknown_kind(dataset: Dataset) -> Iterator[Problem]:
    uid = str(dataset.get("SOPClassUID", ""))
    known = ", ".join(sorted({kind.modality for kind in kinds().values()}))
    name = meaning_of_uid(uid) or uid or "no kind at all"
    yield _problem(
        "SOPClassUID", "sop_common", "1", f"is {name}; only {known} images are checked in full"
    )


def _problem(keyword: str, module: str, kind: str, what: str) -> Problem:
    return Problem(tag_of(keyword), keyword, module, kind, what)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
