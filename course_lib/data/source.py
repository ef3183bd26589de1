"""What every collection of images can do, and how to take a part of one or join several."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from course_lib.data.item import ImageItem, ImageRecord


class ImageSource(Protocol):
    """A collection of images: `source[i]` reads one, `source.records[i]` only what is known of it.

    A virtual cohort, a folder and a public data set are sources; so is a plain list of ImageItems
    where a function of this course asks for one.
    """

    @property
    def records(self) -> Sequence[ImageRecord]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> ImageItem: ...


AnySource = ImageSource | Sequence[ImageItem]


def records_of(source: AnySource) -> Sequence[ImageRecord]:
    """The records of a source, without reading a pixel; of a list of items, the items."""
    return source if isinstance(source, Sequence) else source.records


def findings_of(source: AnySource) -> tuple[str, ...]:
    """The names of all findings that records of the source mention, in order of appearance."""
    return tuple(dict.fromkeys(name for record in records_of(source) for name in record.labels))


class Subset:
    """Some images of a source, in the order of `indices`. Reads nothing until asked."""

    def __init__(self, source: AnySource, indices: Sequence[int] | np.ndarray) -> None:
        self.source = source
        self.indices = [int(index) for index in indices]

    @property
    def records(self) -> list[ImageRecord]:
        records = records_of(self.source)
        return [records[index] for index in self.indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> ImageItem:
        return self.source[self.indices[index]]

    def __iter__(self) -> Iterator[ImageItem]:
        return (self.source[index] for index in self.indices)


class Joined:
    """Several sources one after another, for example the films of two hospitals."""

    def __init__(self, *sources: AnySource) -> None:
        self.sources = sources
        self._places = [(source, i) for source in sources for i in range(len(source))]

    @property
    def records(self) -> list[ImageRecord]:
        return [record for source in self.sources for record in records_of(source)]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> ImageItem:
        source, position = self._places[index]
        return source[position]
