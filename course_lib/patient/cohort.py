"""Cohorts: many patients, drawn reproducibly.

A cohort is a list of light specifications; a patient is built from its own specification alone, so
patient i is the same person in a cohort of ten and in one of ten thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv

from course_lib.patient.findings import FINDINGS, add_finding
from course_lib.patient.person import Patient, sample_patient

__all__ = [
    "MORE_FINDINGS",
    "PREVALENCE",
    "SEVERITY",
    "FindingSpec",
    "PatientSpec",
    "sample_cohort",
    "sample_patient",
]

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
# Share of each further finding, which occurs only in cohorts that ask for it.
MORE_FINDINGS: dict[str, float] = {
    "pneumoperitoneum": 0.03,
    "mediastinal_widening": 0.04,
    "active_tuberculosis": 0.05,
    "advanced_tuberculosis": 0.04,
    "pleural_calcification": 0.05,
    "pneumonia": 0.06,
    "edema": 0.06,
    "rib_fracture": 0.05,
    "emphysema": 0.06,
    "fibrosis": 0.05,
    "hernia": 0.03,
    "infiltration": 0.10,
    "pleural_thickening": 0.06,
}
SEVERITY = (1.6, 1.9)  # parameters of the Beta distribution that severities follow: mean 0.46
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
    ("cardiomegaly", "edema"): 6.0,
    ("pleural_effusion", "edema"): 4.0,
    ("support_device", "edema"): 2.0,
    ("consolidation", "pneumonia"): 3.0,
    ("pleural_effusion", "pneumonia"): 2.0,
    ("active_tuberculosis", "advanced_tuberculosis"): 2.0,
    ("pneumothorax", "rib_fracture"): 4.0,
    ("pleural_effusion", "rib_fracture"): 1.8,
    ("pneumothorax", "emphysema"): 2.0,
    ("interstitial_opacity", "fibrosis"): 3.0,
    ("pneumonia", "infiltration"): 2.0,
    ("pleural_effusion", "pleural_thickening"): 1.8,
    ("active_tuberculosis", "pleural_thickening"): 2.5,
    ("advanced_tuberculosis", "pleural_thickening"): 5.0,
    ("pleural_calcification", "pleural_thickening"): 4.0,
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
    severity: tuple[float, float] = SEVERITY,
) -> tuple[PatientSpec, ...]:
    """n studies; study i depends on (seed, i) only when every patient has one study.

    prevalence: finding -> probability (others then do not occur; default `PREVALENCE`). With
    studies_per_patient above 1, patients return: the same body, other findings, later ages.
    severity: the Beta distribution (a, b) of severities, mean a / (a + b). Another one gives the
    same patients with the same findings, all of them milder or more marked: (1, 4) is hard.
    Raises ValueError for a negative n, an unknown finding, a probability outside 0 to 1 or
    parameters that are not positive.
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
    if min(severity) <= 0:
        raise ValueError(f"severity needs two positive numbers a and b, got {severity}.")
    specs: list[PatientSpec] = []
    person = 0
    while len(specs) < n:
        specs.extend(_person(seed, person, wanted, studies_per_patient, severity))
        person += 1
    return tuple(specs[:n])


def _person(
    seed: int,
    person: int,
    prevalence: dict[str, float],
    mean_studies: float,
    severity: tuple[float, float],
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
        draws = _draws(rng, (seed, person, study), prevalence)
        findings = _findings(draws, prevalence, severity)
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


Draw = tuple[str, float, float, int]  # finding, chance, severity, seed


def _draws(
    rng: np.random.Generator, study: tuple[int, int, int], prevalence: dict[str, float]
) -> list[Draw]:
    """What chance says about every finding, in the registry's order.

    The findings of `PREVALENCE` take theirs from the patient's stream one after the other. Each
    further finding has a stream of its own, so that asking for it changes nothing else.
    """
    draws = []
    for name in FINDINGS:
        if name in PREVALENCE:
            own = rng
        elif name in prevalence:
            own = np.random.default_rng([*study, *name.encode()])
        else:
            continue
        draws.append((name, own.random(), own.beta(*SEVERITY), int(own.integers(2**31))))
    return draws


def _findings(
    draws: list[Draw], prevalence: dict[str, float], severity: tuple[float, float]
) -> tuple[FindingSpec, ...]:
    """The findings that a study has; those that go together raise each other's odds."""
    chosen: list[FindingSpec] = []
    for name, chance, drawn, seed in draws:
        odds = 1.0
        for earlier in chosen:
            odds *= TOGETHER.get((earlier.name, name), 1.0)
        if chance < _with_odds(prevalence.get(name, 0.0), odds):
            amount = round(_with_severity(float(drawn), severity), 3)
            chosen.append(FindingSpec(name, amount, None, seed))
    return tuple(chosen)


def _with_severity(drawn: float, severity: tuple[float, float]) -> float:
    """The quantile of a severity drawn from Beta(*SEVERITY), in another Beta distribution."""
    if tuple(severity) == SEVERITY:
        return drawn
    return float(betaincinv(*severity, betainc(*SEVERITY, drawn)))


def _with_odds(probability: float, ratio: float) -> float:
    """A probability whose odds are multiplied by ratio."""
    return probability * ratio / (1 - probability + probability * ratio)
