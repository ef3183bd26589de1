"""Is this file what the standard asks for? A checker for CT, MR and DX images.

Three layers, each readable by itself: the module tables (which elements, modules.py), the values
(what may stand in them, values.py), and what elements say about each other (agreements.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset

from course_lib.dicom.conformance.agreements import AGREEMENTS
from course_lib.dicom.conformance.modules import Module, Rule, holds, is_filled, kinds, modules
from course_lib.dicom.conformance.problems import Problem, problem
from course_lib.dicom.conformance.values import number_of, problems_of_value, texts
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.order import name_of
from course_lib.dicom.uids import meaning_of_uid


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
    problems = [found for module in parts for found in module_problems(dataset, module)]
    problems += value_problems(dataset)
    problems += [found for rule in AGREEMENTS for found in rule(dataset, kind)]
    return sorted(dict.fromkeys(problems), key=lambda one: one.tag)


def module_problems(dataset: Dataset, module: Module) -> Iterator[Problem]:
    """What a data set (or an item of a sequence) lacks of one module."""
    place = getattr(dataset, "file_meta", Dataset()) if module.name == "file_meta" else dataset
    for rule in module.rules:
        what = _presence(place, rule) or _enumerated(place, rule)
        if what:
            yield problem(rule.keyword, module.name, rule.type, what)
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
        value = number_of(text) if numbers else text.strip()
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


def _unknown_kind(dataset: Dataset) -> Iterator[Problem]:
    uid = str(dataset.get("SOPClassUID", ""))
    known = ", ".join(sorted({kind.modality for kind in kinds().values()}))
    name = meaning_of_uid(uid) or uid or "no kind at all"
    yield problem(
        "SOPClassUID", "sop_common", "1", f"is {name}; only {known} images are checked in full"
    )
