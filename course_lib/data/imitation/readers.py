"""Imagined readers: what a radiologist, or a program that reads reports, makes of the truth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from course_lib.data.item import ImageItem, Label
from course_lib.data.public.harmonise import stronger


@dataclass(frozen=True)
class Reading:
    """How truth becomes words. All are probabilities.

    finds: a finding that is there is named; hedges: if so, only as possible. invents: a finding
    that is not there is named. denies: a finding that is not seen is said to be absent; otherwise
    nothing is said about it.
    """

    finds: float = 0.9
    hedges: float = 0.12
    denies: float = 0.3
    invents: float = 0.02

    def of(self, truth: Mapping[str, Label], rng: np.random.Generator) -> dict[str, Label]:
        """What is said about each finding of `truth` (PRESENT or anything else)."""
        return {name: self._said(label, *rng.random(3)) for name, label in truth.items()}

    def _said(self, label: Label, sees: float, hedges: float, denies: float) -> Label:
        named = sees < (self.finds if label is Label.PRESENT else self.invents)
        if named:
            return Label.UNCERTAIN if hedges < self.hedges else Label.PRESENT
        return Label.ABSENT if denies < self.denies else Label.NOT_MENTIONED


@dataclass(frozen=True, eq=False)
class Film:
    """A virtual film on its way into an imitation: its number from 0, and who reads it."""

    item: ImageItem
    number: int
    reading: Reading
    seed: int

    def rng(self, purpose: int) -> np.random.Generator:
        """Chance of this film alone, so that it does not depend on how many films there are."""
        return np.random.default_rng([self.seed, self.number, purpose])

    def read(self, reader: int = 0) -> dict[str, Label]:
        """What reader number `reader` says of the film."""
        return self.reading.of(self.item.labels, self.rng(reader))

    @property
    def truth(self) -> dict[str, Label]:
        """What is there."""
        return dict(self.item.labels)

    @property
    def sex(self) -> str:
        """ "F" or "M"; virtual patients always have one."""
        return self.item.sex or "F"

    @property
    def age(self) -> int:
        """Whole years."""
        return int(self.item.age or 0)


def in_words(labels: Mapping[str, Label], words: Mapping[str, str]) -> dict[str, Label]:
    """Labels by a set's own words (finding -> word); of two findings under one word the stronger.

    Findings for which the set has no word are lost, as they are in the real set.
    """
    said = dict.fromkeys(words.values(), Label.NOT_MENTIONED)
    for finding, word in words.items():
        said[word] = stronger(said[word], labels.get(finding, Label.NOT_MENTIONED))
    return said


def named(labels: Mapping[str, Label], words: Mapping[str, str]) -> list[str]:
    """The words of the findings that are PRESENT."""
    return [word for word, label in in_words(labels, words).items() if label is Label.PRESENT]
