"""Cohorts: many patients, drawn reproducibly.

A cohort is a list of light specifications; a patient is built from its own specification alone, so
patient i is the same person in a cohort of ten and in one of ten thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from course_lib.patient.findings import FINDINGS, add_finding
from course_lib.patient.person import Patient, sample_patient

__all__ = ["PREVALENCE", "FindingSpec", "PatientSpec", "sample_cohort", "sample_patient"]

# Share of studies that show each finding in a hospital's mixed work list.
PREVALENCE: dict[str, float] = {
    "cardiomegaly": 0.12,
    "pleural_effusion": 0.14,
    "pneumothorax": 0.07,
    "nodule": 0.09,
    "mass": 0.06,
    "consolidation": 0.10,
    "atelectasis": 0.12,
    "interstitial_opacity": 0.10,
    "support_device": 0.12,
}
# Odds of the second finding are multiplied by this when the first is present.
TOGETHER: dict[tuple[str, str], float] = {
    ("cardiomegaly", "pleural_effusion"): 3.0,
    ("cardiomegaly", "interstitial_opacity"): 1.8,
    ("pleural_effusion", "atelectasis"): 3.0,
    ("consolidation", "pleural_effusion"): 2.0,
    ("mass", "pleural_effusion"): 1.8,
    ("pneumothorax", "support_device"): 3.0,
    ("pleural_effusion", "support_device"): 1.8,
    ("cardiomegaly", "support_device"): 1.8,
}


@dataclass(frozen=True)
class FindingSpec:
    """A finding to be added: name, severity 0 to 1, side (None: drawn) and its own seed."""

    name: str
    severity: float
    side: str | None
    seed: int


@dataclass(frozen=True)
class PatientSpec:
    """One study of one person: all that is needed to build it."""

    patient_id: str
    study: int
    seed: int
    age: float
    sex: str
    inspiration: float
    findings: tuple[FindingSpec, ...]

    def build(self) -> Patient:
        """The patient with all findings."""
        patient = sample_patient(
            self.seed,
            self.age,
            self.sex,
            inspiration=self.inspiration,
            patient_id=self.patient_id,
        )
        for finding in self.findings:
            patient = add_finding(
                patient, finding.name, finding.severity, finding.side, finding.seed
            )
        return patient

    @property
    def labels(self) -> frozenset[str]:
        """Names of the findings."""
        return frozenset(finding.name for finding in self.findings)


def sample_cohort(
    n: int,
    seed: int,
    prevalence: Mapping[str, float] | None = None,
    studies_per_patient: float = 1.0,
) -> tuple[PatientSpec, ...]:
    """n studies; study i depends on (seed, i) only when every patient has one study.

    prevalence: finding -> probability (others then do not occur; default `PREVALENCE`). With
    studies_per_patient above 1, patients return: the same body, other findings, later ages.
    Raises ValueError for a negative n, an unknown finding, or a probability outside 0 to 1.
    """
    if n < 0:
        raise ValueError(f"A cohort cannot have {n} studies.")
    wanted = dict(PREVALENCE if prevalence is None else prevalence)
    for name, share in wanted.items():
        if name not in FINDINGS:
            raise ValueError(f"Unknown finding {name!r}; known are: {', '.join(FINDINGS)}.")
        if not 0 <= share <= 1:
            raise ValueError(f"Prevalence of {name} must lie between 0 and 1, got {share:g}.")
    if studies_per_patient < 1:
        raise ValueError(f"studies_per_patient must be at least 1, got {studies_per_patient:g}.")
    specs: list[PatientSpec] = []
    person = 0
    while len(specs) < n:
        specs.extend(_person(seed, person, wanted, studies_per_patient))
        person += 1
    return tuple(specs[:n])


def _person(
    seed: int, person: int, prevalence: dict[str, float], mean_studies: float
) -> list[PatientSpec]:
    """All studies of one person."""
    rng = np.random.default_rng([seed, person])
    own_seed = int(rng.integers(2**31))
    age = float(np.clip(rng.normal(52, 17), 18, 92))
    sex = "M" if rng.random() < 0.54 else "F"
    count = 1 + int(rng.poisson(mean_studies - 1))
    specs = []
    for study in range(count):
        breath = float(np.clip(rng.normal(0.85, 0.12), 0.3, 1.0))
        findings = _findings(rng, prevalence, age)
        specs.append(
            PatientSpec(
                f"S{seed}-{person:06d}",
                study,
                own_seed,
                age + 0.3 * study,
                sex,
                breath,
                findings,
            )
        )
    return specs


def _findings(
    rng: np.random.Generator, prevalence: dict[str, float], age: float
) -> tuple[FindingSpec, ...]:
    """Draw the findings one after the other, in the registry's order."""
    chosen: list[FindingSpec] = []
    for name in FINDINGS:
        draw, severity, seed = (
            rng.random(),
            rng.beta(1.6, 1.9),
            int(rng.integers(2**31)),
        )
        odds = 1.0
        for earlier in chosen:
            odds *= TOGETHER.get((earlier.name, name), 1.0)
        if draw < _with_odds(prevalence.get(name, 0.0), odds):
            chosen.append(FindingSpec(name, round(float(severity), 3), None, seed))
    return tuple(chosen)


def _with_odds(probability: float, ratio: float) -> float:
    """A probability whose odds are multiplied by ratio."""
    return probability * ratio / (1 - probability + probability * ratio)
