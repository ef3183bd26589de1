"""Words in coded form: a finding's name becomes a code that any other system understands."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from highdicom.sr import CodedConcept


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    text = (files("course_lib.dicom") / "tables" / "findings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _row(table: str, name: str) -> dict[str, str]:
    rows = _tables()[table]
    if name not in rows:
        raise ValueError(f"No code for {name!r} among the {table}; known are: {', '.join(rows)}.")
    return rows[name]


def concept(name: str) -> CodedConcept:
    """The code of a finding or organ ("nodule", "lung"); ValueError lists the known ones."""
    row = _row("concepts", name)
    return CodedConcept(row["code"], row.get("scheme", "SCT"), row["meaning"])


def category(name: str) -> CodedConcept:
    """Whether a finding or organ is anatomy, an abnormality, or an object, as a code."""
    row = _row("categories", _row("concepts", name)["category"])
    return CodedConcept(row["code"], "SCT", row["meaning"])


def quantity(name: str) -> tuple[CodedConcept, CodedConcept]:
    """Codes of a measurement ("volume", "diameter", "score", ...) and of its unit (UCUM)."""
    row = _row("measurements", name)
    unit = CodedConcept(row["unit"], "UCUM", row["unit_meaning"])
    return CodedConcept(row["code"], row.get("scheme", "SCT"), row["meaning"]), unit


def verdict_code(name: str) -> CodedConcept:
    """The code of a conclusion ("normal_group", "needs_reading") or of its "question"."""
    row = _row("verdicts", name)
    return CodedConcept(row["code"], row["scheme"], row["meaning"])


def verdict_named(code_value: str) -> str:
    """The course's name of a conclusion's code; the code itself when it is another's."""
    for name, row in _tables()["verdicts"].items():
        if row["code"] == code_value:
            return name
    return code_value


def quantity_named(code_value: str) -> str:
    """The course's name of a measurement's code; the code itself when it is another's."""
    for name, row in _tables()["measurements"].items():
        if row["code"] == code_value:
            return name
    return code_value


def concept_named(code_value: str) -> str:
    """The course's name of a finding's or organ's code; the code itself when it is another's."""
    for name, row in _tables()["concepts"].items():
        if row["code"] == code_value:
            return name
    return code_value
