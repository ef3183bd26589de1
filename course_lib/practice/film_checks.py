"""What speaks against believing the network on a film: warnings, each with its reason."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_lib.data.item import ImageItem
from course_lib.data.read import file_kind
from course_lib.dicom.errors import reading
from course_lib.dicom.opening import open_dicom
from course_lib.practice.appearance import FRONTAL_FROM, has_text, likeness
from course_lib.practice.reference import Reference

FRONTAL_VIEWS = ("PA", "AP", "")
UNUSUAL = 0.995  # more unusual than 995 of 1,000 reference films
COLOUR_DIFFERENCE, COLOURED_PIXELS = 12, 0.002  # of 255; JPEG turns grey into nearly grey


@dataclass(frozen=True)
class Doubt:
    """A reason not to believe the scores of a film: a short name and a sentence."""

    name: str
    sentence: str


@dataclass(frozen=True)
class FileFacts:
    """What a file says of its picture, and what reading it as a grey film hides."""

    coloured: bool = False
    says_text: bool = False


def facts_of_file(path: str | Path) -> FileFacts:
    """Colour, and DICOM's Burned In Annotation. Raises UnreadableFile for a damaged file."""
    path = Path(path)
    if file_kind(path) == "DICOM":
        dataset = open_dicom(path, header_only=True)
        grey = str(dataset.get("PhotometricInterpretation", "MONOCHROME2")).startswith("MONO")
        return FileFacts(not grey, str(dataset.get("BurnedInAnnotation", "")).upper() == "YES")
    with reading(path, "the picture is damaged"), Image.open(path) as file:
        if file.mode in ("1", "L", "LA") or file.mode.startswith("I"):
            return FileFacts()
        colours = np.asarray(file.convert("RGB"), dtype=np.int16)
    spread = colours.max(2) - colours.min(2)
    return FileFacts(coloured=bool(np.mean(spread > COLOUR_DIFFERENCE) > COLOURED_PIXELS))


def doubts_about(
    item: ImageItem, inside: NDArray, reference: Reference, size: int, facts: FileFacts
) -> list[Doubt]:
    """All warnings about one film; an empty list is no proof that all is well.

    Args:
        item: the film, with the view that its header or table says.
        inside: the network's pooled maps of it (C,).
        reference: what is usual.
        size: pixels that the network gets.
        facts: from facts_of_file; FileFacts() if there is no file.
    """
    found = [*_doubts_of_view(item, reference), *_doubts_of_picture(item, size, facts)]
    grey, inner = reference.unlikeness(item.image, inside)
    if max(grey, inner) > UNUSUAL:
        where = [w for w, v in (("grey levels", grey), ("inner values", inner)) if v > UNUSUAL]
        found.append(
            Doubt(
                "unlike the reference",
                f"Its {' and '.join(where)} lie beyond {UNUSUAL:.1%} of the reference films: "
                "scores of such films were never measured.",
            )
        )
    return found


def _doubts_of_view(item: ImageItem, reference: Reference) -> list[Doubt]:
    """The header's view, and what the picture itself looks like."""
    as_it_is, negative = (likeness(x, reference.average) for x in (item.image, 1 - item.image))
    found = []
    if item.view.upper() not in FRONTAL_VIEWS:
        sentence = f"The view is given as {item.view!r}; the network knows frontal films only."
        found.append(Doubt("not frontal", sentence))
    elif max(as_it_is, negative) < FRONTAL_FROM:
        sentence = "The picture does not look like a frontal chest film that fills its frame."
        found.append(Doubt("not frontal?", sentence))
    if negative > max(as_it_is, FRONTAL_FROM):
        sentence = "The negative looks more like a chest film: are the grey levels inverted?"
        found.append(Doubt("inverted?", sentence))
    return found


def _doubts_of_picture(item: ImageItem, size: int, facts: FileFacts) -> list[Doubt]:
    found = []
    height, width = item.image.shape
    if min(height, width) < size:
        sentence = f"It has {height} x {width} pixels, the network is given {size} x {size}."
        found.append(Doubt("too small", sentence))
    if facts.coloured:
        sentence = "A colour picture: a screenshot or a photograph rather than a film?"
        found.append(Doubt("colour", sentence))
    if facts.says_text or has_text(item.image):
        sentence = "Letters seem to be burnt in: a name for others to read, a hint for the network."
        found.append(Doubt("text?", sentence))
    return found
