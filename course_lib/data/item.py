"""One item type for every image of the course, virtual or real."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np


class Label(Enum):
    """What is known about one finding in one image.

    Reports do not only say yes or no. "Cannot be excluded" is UNCERTAIN; a finding the report never
    names is NOT_MENTIONED. Neither is the same as ABSENT. (Irvin et al. 2019, CheXpert, section 3.)
    """

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    NOT_MENTIONED = "not mentioned"


@dataclass(frozen=True)
class Box:
    """A rectangle around a finding, in pixels of the image: first row and column, height, width."""

    finding: str
    row: float
    column: float
    height: float
    width: float


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """Everything that is known about an image except its pixels. Cheap: splits and counts use it.

    patient_id and study_id keep images of one patient together. labels maps a finding's name to a
    Label; a finding that is missing there counts as NOT_MENTIONED. age is in years, sex "F" or "M",
    source says where the pixels come from (a path, or a virtual patient's number).
    """

    patient_id: str
    study_id: str = ""
    labels: Mapping[str, Label] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()
    view: str = ""
    scanner: str = ""
    hospital: str = ""
    age: float | None = None
    sex: str | None = None
    source: str = ""

    def label(self, finding: str) -> Label:
        """What is known about `finding`; NOT_MENTIONED if nothing is."""
        return self.labels.get(finding, Label.NOT_MENTIONED)

    def label_vector(
        self, findings: Sequence[str], uncertain: str = "ignore"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels as numbers for a loss: (targets, known), float32 and bool of shape (K,).

        targets is 1 where a finding is present, otherwise 0. known is False where the target must
        not be used: NOT_MENTIONED always, UNCERTAIN under the policy "ignore". The policies "ones"
        and "zeros" count UNCERTAIN as present or absent. (The three policies: Irvin et al. 2019.)
        """
        if uncertain not in ("ignore", "ones", "zeros"):
            raise ValueError(f"uncertain must be 'ignore', 'ones' or 'zeros', not {uncertain!r}.")
        labels = [self.label(finding) for finding in findings]
        as_one = {Label.PRESENT} | ({Label.UNCERTAIN} if uncertain == "ones" else set())
        unknown = {Label.NOT_MENTIONED} | ({Label.UNCERTAIN} if uncertain == "ignore" else set())
        targets = np.array([label in as_one for label in labels], dtype=np.float32)
        known = np.array([label not in unknown for label in labels], dtype=bool)
        return targets, known


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageItem(ImageRecord):
    """An image with all that is known about it.

    image: float32 (H, W) in 0..1 with the usual look (bone is white).
    spacing_mm: millimetres per pixel (row, column), or None if unknown.
    masks: for each finding with a known outline, bool (H, W).
    """

    image: np.ndarray
    spacing_mm: tuple[float, float] | None = None
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.image.ndim != 2 or self.image.dtype != np.float32:
            raise ValueError(
                f"An image must be float32 (H, W), this is {self.image.dtype} {self.image.shape}."
            )
        for finding, mask in self.masks.items():
            if mask.shape != self.image.shape or mask.dtype != bool:
                raise ValueError(
                    f"The mask of {finding} must be bool {self.image.shape}, "
                    f"this is {mask.dtype} {mask.shape}."
                )
