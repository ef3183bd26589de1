"""Splits by patient, so that no patient is met in training and again in the test."""

from collections.abc import Sequence

import numpy as np

from course_lib.data.source import AnySource, Subset, records_of


class PatientLeakage(ValueError):
    """The same patients are in two parts of a split; `patients` names them."""

    def __init__(self, patients: Sequence[str]) -> None:
        self.patients = tuple(patients)
        shown = ", ".join(self.patients[:5]) + (", ..." if len(self.patients) > 5 else "")
        super().__init__(
            f"{len(self.patients)} patient(s) are in more than one part: {shown}. "
            "Split by patient (split_by_patient), not by image."
        )

    def __reduce__(self) -> tuple:
        return type(self), (self.patients,)


def split_by_patient(
    source: AnySource, fractions: Sequence[float] = (0.7, 0.1, 0.2), seed: int = 0
) -> tuple[Subset, ...]:
    """Split a source into parts (training, validation, test, ...) that share no patient.

    Args:
        source: any source of images.
        fractions: how much of the images each part gets, roughly, because patients stay whole;
            they must add up to 1.
        seed: the same seed gives the same split.

    Returns:
        One Subset per fraction, images in their original order.

    Raises:
        ValueError: fractions do not add up to 1, or there are fewer patients than parts.
    """
    shares = _checked(fractions)
    owners = np.array([record.patient_id for record in records_of(source)], dtype=object)
    patients, first, counts = np.unique(owners.astype(str), return_index=True, return_counts=True)
    if len(patients) < len(shares):
        raise ValueError(f"{len(patients)} patients cannot be split into {len(shares)} parts.")
    order = np.random.default_rng(seed).permutation(np.argsort(first, kind="stable"))
    # A patient belongs to the part in which the middle of his images falls.
    middles = (np.cumsum(counts[order]) - counts[order] / 2) / len(owners)
    part_of_patient = np.empty(len(patients), dtype=int)
    part_of_patient[order] = np.searchsorted(np.cumsum(shares)[:-1], middles, side="right")
    part_of_image = part_of_patient[np.searchsorted(patients, owners.astype(str))]
    parts = tuple(Subset(source, np.flatnonzero(part_of_image == k)) for k in range(len(shares)))
    _refuse_empty(parts, shares)
    assert_no_leakage(*parts)
    return parts


def split_by_image(
    source: AnySource, fractions: Sequence[float] = (0.7, 0.1, 0.2), seed: int = 0
) -> tuple[Subset, ...]:
    """Split image by image: WRONG for measuring a model, kept to show how wrong.

    A patient with several films lands on both sides; the model then recognises him in the test.
    """
    shares = _checked(fractions)
    order = np.random.default_rng(seed).permutation(len(source))
    cuts = np.round(np.cumsum(shares)[:-1] * len(source)).astype(int)
    return tuple(Subset(source, np.sort(part)) for part in np.split(order, cuts))


def shared_patients(*parts: AnySource) -> list[str]:
    """The patients who are in more than one of the parts, sorted."""
    seen: set[str] = set()
    shared: set[str] = set()
    for part in parts:
        here = {record.patient_id for record in records_of(part)}
        shared |= seen & here
        seen |= here
    return sorted(shared)


def assert_no_leakage(*parts: AnySource) -> None:
    """Raise PatientLeakage, naming the patients, if two parts share a patient."""
    patients = shared_patients(*parts)
    if patients:
        raise PatientLeakage(patients)


def _checked(fractions: Sequence[float]) -> np.ndarray:
    shares = np.asarray(fractions, dtype=float)
    if shares.ndim != 1 or np.any(shares <= 0) or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"fractions must be positive and add up to 1, these are {fractions}.")
    return shares


def _refuse_empty(parts: tuple[Subset, ...], shares: np.ndarray) -> None:
    for part, share in zip(parts, shares, strict=True):
        if len(part) == 0:
            raise ValueError(f"The part with the share {share:g} got no patient; use more images.")
