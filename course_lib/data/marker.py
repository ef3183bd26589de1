"""A letter burned into a corner of the film, which may betray the diagnosis.

Technologists put lead letters on films, and wards use their own. If one ward has the sick
patients, its letter predicts the disease, and a network learns the letter instead of the lung.
Source: Zech et al. 2018, "Variable generalization performance of a deep learning model to detect
pneumonia in chest radiographs", PLOS Medicine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from course_lib.data.item import ImageItem, ImageRecord, Label
from course_lib.data.source import AnySource, records_of


@dataclass(frozen=True)
class Marker:
    """Which films get a marker: finding, and how often marker and label agree.

    With agreement 0.95, 95 of 100 films with the finding carry the marker and 5 of 100 without.
    0.5 tells nothing about the finding; 0 and 1 tell everything.
    """

    finding: str
    agreement: float
    letter: str = "P"

    def __post_init__(self) -> None:
        if not 0 <= self.agreement <= 1:
            raise ValueError(f"agreement must be between 0 and 1, not {self.agreement}.")

    def is_on(self, record: ImageRecord, draw: float) -> bool:
        """Whether a film carries the marker; `draw` is its own uniform number in 0..1."""
        present = record.label(self.finding) is Label.PRESENT
        return draw < (self.agreement if present else 1 - self.agreement)


def marker_of(marker: Mapping[str, float] | Marker | None) -> Marker | None:
    """A Marker from the short form {"pneumothorax": 0.95}."""
    if marker is None or isinstance(marker, Marker):
        return marker
    if len(marker) != 1:
        raise ValueError("A marker goes with exactly one finding, as in {'pneumothorax': 0.95}.")
    finding, agreement = next(iter(marker.items()))
    return Marker(finding, float(agreement))


def draw_marks(marker: Marker, records: Sequence[ImageRecord], seed: int) -> np.ndarray:
    """Which films carry the marker, bool (N,); the first films do not depend on how many follow."""
    draws = np.random.default_rng([seed, 0x4D41524B]).random(len(records))
    marks = [marker.is_on(record, draw) for record, draw in zip(records, draws, strict=True)]
    return np.array(marks, dtype=bool)


class WithMarker:
    """Any source of films, with markers burned in by chance; the same seed marks the same films.

    Args:
        source: the films.
        marker: a Marker, or in short {"finding": agreement}.
        seed: decides which films get the marker.

    Attributes:
        marked: bool (N,), which films carry it.
    """

    def __init__(
        self, source: AnySource, marker: Mapping[str, float] | Marker, seed: int = 0
    ) -> None:
        chosen = marker_of(marker)
        if chosen is None:
            raise ValueError("Give a marker, as in {'pneumothorax': 0.95}.")
        self.source, self.marker = source, chosen
        self.marked = draw_marks(chosen, records_of(source), seed)

    @property
    def records(self):
        return records_of(self.source)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> ImageItem:
        item = self.source[index]
        if not self.marked[index]:
            return item
        return replace(item, image=burn_in(item.image, self.marker.letter))


def burn_in(image: np.ndarray, letter: str = "P", size: float = 0.11) -> np.ndarray:
    """A copy of the film with a white letter on a dark disc at the upper left.

    Args:
        image: float32 (H, W) in 0..1.
        letter: one capital letter.
        size: height of the marker as a part of the film's height.
    """
    height, width = image.shape
    # Drawn large, then shrunk by area: smooth edges at every film size.
    drawn, disc = np.full((256, 256), 20, np.uint8), np.zeros((256, 256), np.uint8)
    (wide, high), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_DUPLEX, 5.5, 28)
    origin = (128 - wide // 2, 128 + high // 2)
    cv2.putText(drawn, letter, origin, cv2.FONT_HERSHEY_DUPLEX, 5.5, 250, 28, cv2.LINE_AA)
    cv2.circle(drawn, (128, 128), 112, 250, 24, cv2.LINE_AA)
    cv2.circle(disc, (128, 128), 124, 255, -1, cv2.LINE_AA)
    side = max(6, round(size * height))
    shrunk = [cv2.resize(x, (side, side), interpolation=cv2.INTER_AREA) for x in (drawn, disc)]
    stamp, cover = (x.astype(np.float32) / 255 for x in shrunk)
    top, left = round(0.04 * height), round(0.04 * width)
    marked = image.copy()
    area = marked[top : top + side, left : left + side]
    stamp, cover = (x[: area.shape[0], : area.shape[1]] for x in (stamp, cover))
    area += cover * (stamp - area)
    return marked
