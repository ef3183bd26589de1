"""Cohorts: the first nine findings keep their draws; others join on demand; severity is a dial."""

import numpy as np
import pytest

from course_lib.patient.cohort import MORE_FINDINGS, PREVALENCE, SEVERITY, sample_cohort


def test_the_draws_of_the_first_nine_are_as_they_always_were():
    """Lessons show these patients; a change here changes their films."""
    found = [
        (spec.patient_id, spec.study, finding.name, finding.severity, finding.seed)
        for spec in sample_cohort(12, seed=5, studies_per_patient=2.0)
        for finding in spec.findings
    ]
    assert found == FIRST_PATIENTS


def test_asking_for_more_findings_changes_nothing_else():
    plain = sample_cohort(300, seed=8, studies_per_patient=1.5)
    more = sample_cohort(300, 8, PREVALENCE | MORE_FINDINGS, studies_per_patient=1.5)
    for before, after in zip(plain, more, strict=True):
        assert before.seed == after.seed and before.inspiration == after.inspiration
        assert before.findings == tuple(f for f in after.findings if f.name in PREVALENCE)
    assert any(spec.labels & set(MORE_FINDINGS) for spec in more)
    assert not any(spec.labels & set(MORE_FINDINGS) for spec in plain)


def test_a_further_finding_does_not_depend_on_its_neighbours():
    def seen(prevalence):
        return [
            [finding for finding in spec.findings if finding.name == "hernia"]
            for spec in sample_cohort(200, 3, prevalence)
        ]

    assert seen({"hernia": 0.3}) == seen({"hernia": 0.3, "edema": 0.9, "mass": 0.5})


def test_rare_findings_occur_as_often_as_asked_for_and_go_together():
    cohort = sample_cohort(3000, 1, PREVALENCE | MORE_FINDINGS)
    for name, share in MORE_FINDINGS.items():
        assert 0.6 * share < np.mean([name in spec.labels for spec in cohort]) < 2.6 * share
    large = [spec for spec in cohort if "cardiomegaly" in spec.labels]
    share = np.mean(["edema" in spec.labels for spec in large])
    assert share > 2 * np.mean(["edema" in spec.labels for spec in cohort if spec not in large])


@pytest.mark.parametrize(("dial", "mean"), [((1.0, 4.0), 0.2), ((4.0, 1.0), 0.8)])
def test_another_severity_gives_the_same_patients_with_milder_or_more_marked_findings(dial, mean):
    plain, other = sample_cohort(2000, 4), sample_cohort(2000, 4, severity=dial)
    pairs = [
        (before, after)
        for one, two in zip(plain, other, strict=True)
        for before, after in zip(one.findings, two.findings, strict=True)
    ]
    assert all((b.name, b.seed) == (a.name, a.seed) for b, a in pairs)
    assert np.mean([after.severity for _, after in pairs]) == pytest.approx(mean, abs=0.03)
    usual = SEVERITY[0] / sum(SEVERITY)
    assert all(
        (a.severity < b.severity) == (mean < usual) for b, a in pairs if 0.05 < b.severity < 0.9
    )


def test_an_impossible_dial_is_refused():
    with pytest.raises(ValueError, match="two positive numbers"):
        sample_cohort(3, 1, severity=(0.0, 2.0))


FIRST_PATIENTS = [
    ("S5-000000", 0, "nodule", 0.865, 1898231194),
    ("S5-000000", 0, "mass", 0.164, 1873025505),
    ("S5-000001", 0, "cardiomegaly", 0.714, 1662590817),
    ("S5-000001", 0, "atelectasis", 0.405, 1686944014),
    ("S5-000001", 1, "cardiomegaly", 0.295, 1547296783),
    ("S5-000001", 2, "pleural_effusion", 0.922, 1635600037),
    ("S5-000001", 2, "atelectasis", 0.666, 1295786073),
    ("S5-000002", 1, "interstitial_opacity", 0.846, 1170856805),
    ("S5-000003", 0, "pleural_effusion", 0.84, 676215435),
    ("S5-000003", 0, "consolidation", 0.642, 128193044),
    ("S5-000003", 0, "atelectasis", 0.201, 1237781060),
    ("S5-000003", 1, "support_device", 0.011, 563011813),
    ("S5-000004", 0, "pleural_effusion", 0.658, 1956739937),
    ("S5-000004", 1, "pleural_effusion", 0.819, 1376067549),
    ("S5-000004", 1, "atelectasis", 0.337, 56855673),
    ("S5-000005", 0, "pleural_effusion", 0.602, 1342445149),
    ("S5-000005", 0, "atelectasis", 0.309, 418233541),
]
