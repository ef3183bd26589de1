"""The table of DICOM PS3.15, Annex E, as a question: what is to be done with this element?"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydicom.datadict import dictionary_has_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

BASIC = ("113100", "Basic Application Confidentiality Profile")


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """The profile as written in tables/deidentification.toml."""
    text = (files("course_lib.dicom") / "tables" / "deidentification.toml").read_text("utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=1)
def _rules() -> dict[int, dict[str, str]]:
    """Tag -> its group's actions, basic and by option."""
    rules = {}
    for group in table()["group"]:
        actions = {key: value for key, value in group.items() if len(value) == 1}
        for keyword in group["attributes"]:
            tag = tag_for_keyword(keyword)
            if tag is None:
                raise ValueError(f"The de-identification table names an unknown {keyword!r}.")
            rules[int(tag)] = actions
    return rules


class Profile:
    """The basic profile with options, for instance Profile(["retain_modified_dates"])."""

    def __init__(self, options: Iterable[str] = ()) -> None:
        self.options = frozenset(options)
        known = table()["options"]
        if unknown := sorted(self.options - set(known)):
            raise ValueError(f"Unknown option {unknown[0]!r}; choose from: {', '.join(known)}.")
        if {"retain_full_dates", "retain_modified_dates"} <= self.options:
            raise ValueError("Dates can be kept or be moved, not both; choose one of the options.")

    def action(self, element: DataElement) -> str:
        """X, Z, D, U, K, C or P for a public element (see the table's first lines)."""
        rule = _rules().get(int(element.tag))
        if rule is None:
            if not dictionary_has_tag(element.tag):
                return "X"  # an element that no edition of the standard known here describes
            rule = table()["by_vr"].get(element.VR, {"basic": "K"})
        for option, action in rule.items():
            if option in self.options:
                return action
        return rule["basic"]

    def keeps_private(self, element: DataElement, ds: Dataset) -> bool:
        """Whether a private element is on the list of safe ones and the option asks for them."""
        if "retain_safe_private" not in self.options:
            return False
        safe = {row["creator"]: row["elements"] for row in table()["safe_private"]}
        if element.tag.is_private_creator:
            return str(element.value) in safe
        creator = element.private_creator or ""
        return [element.tag.group, element.tag.element & 0xFF] in safe.get(creator, [])

    def codes(self) -> list[tuple[str, str]]:
        """Code and meaning of the profile and of each option, in the order of their codes."""
        chosen = (table()["options"][name] for name in self.options)
        return sorted([BASIC, *((row["code"], row["meaning"]) for row in chosen)])


def is_curve_or_overlay(element: DataElement) -> bool:
    """Groups 50xx and 60xx: drawings over the image, often with the patient's name in them."""
    return element.tag.group & 0xFF00 in (0x5000, 0x6000) and element.tag.group % 2 == 0


@lru_cache(maxsize=1)
def safe_words() -> frozenset[str]:
    """Words that a cleaned text may keep."""
    return frozenset(table()["safe_words"]["words"])
