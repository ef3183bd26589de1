"""The glossary: every technical term once, with its Korean equivalent."""

import re
import tomllib
from pathlib import Path

from course_lib.authoring.manifest import ROOT

FILE = ROOT / "lessons" / "glossary.toml"
TERM = re.compile(r"\[\[([A-Za-z][^\[\]|]*)(?:\|([^\[\]]+))?\]\]")


def load(file: Path = FILE) -> dict[str, dict[str, str]]:
    """Term -> {"ko": Korean, "meaning": one English sentence}."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


class Speller:
    """Replaces [[term]] or [[words|term]]; the first use in a lesson carries the Korean term."""

    def __init__(self, glossary: dict[str, dict[str, str]]):
        self.glossary = glossary
        self.seen: set[str] = set()

    def __call__(self, text: str) -> str:
        return TERM.sub(self._spell, text)

    def _spell(self, match: re.Match) -> str:
        words, term = match[1], (match[2] or match[1])
        key = next((k for k in (term, term.lower()) if k in self.glossary), None)
        if key is None:
            raise ValueError(
                f"[[{match[0].strip('[]')}]]: {term!r} is not in lessons/glossary.toml."
            )
        if key in self.seen:
            return words
        self.seen.add(key)
        return f"{words} ({self.glossary[key]['ko']})"


def page(glossary: dict[str, dict[str, str]]) -> str:
    """The glossary as a page of the site (Markdown)."""
    rows = [
        f"| {term} | {entry['ko']} | {entry['meaning']} |"
        for term, entry in sorted(glossary.items(), key=lambda item: item[0].lower())
    ]
    return "\n".join(["# Glossary", "", "| term | 한국어 | meaning |", "|---|---|---|", *rows, ""])
