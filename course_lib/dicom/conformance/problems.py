"""What a checker says: one problem, in a sentence that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.dicom.dictionary import tag_of, tag_text


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


def problem(keyword: str, module: str, kind: str, what: str) -> Problem:
    """A problem of an element named by its keyword; kind is its type in the module table."""
    return Problem(tag_of(keyword), keyword, module, kind, what)
