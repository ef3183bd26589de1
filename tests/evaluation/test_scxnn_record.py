"""The record of a screening: written and read alike, and what a lesson asks of it."""

import numpy as np
import pytest

from course_lib.evaluation.screening import by_risk_group, rates
from course_lib.evaluation.scxnn_record import (
    FILE,
    Recorded,
    cohort_counts,
    load_record,
    recorded,
    save_record,
)
from course_lib.learning.scxnn_screening import SHIPPED, load_scxnn
from course_lib.patient.risk import RISK_GROUPS, THIRTEEN, UNSEEN


@pytest.fixture
def part():
    rng = np.random.default_rng(0)
    names = (*THIRTEEN, *UNSEEN)
    present = rng.random((50, len(names))) < 0.05
    return Recorded(names, present, THIRTEEN, rng.normal(size=(50, 13, 3)), rng.normal(size=50))


def test_what_is_written_is_what_is_read(tmp_path, part):
    save_record({"validation": part, "held_out": part}, tmp_path / FILE)
    again = load_record(tmp_path / FILE)["held_out"]
    assert again.findings == part.findings and np.array_equal(again.present, part.present)
    assert np.allclose(again.logits, part.logits, atol=2e-3)
    assert np.allclose(again.score, part.score, atol=1e-6)


def test_a_missing_record_says_how_it_is_made(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"make it: python -m"):
        load_record(tmp_path / FILE)


def test_labels_become_records_for_the_tables(part):
    assert part.showing(*RISK_GROUPS["critical"]).sum() == part.present[:, :3].any(1).sum()
    screening = part.screening(0.0)
    assert np.array_equal(screening.abnormal, part.score > 0)
    table = by_risk_group(part.records, screening)
    assert table.loc["critical", "films"] == part.showing(*RISK_GROUPS["critical"]).sum()
    assert rates(part.abnormal, screening).loc["sensitivity", "of"] == part.abnormal.sum()


def test_cohorts_have_many_critical_films():
    counts = cohort_counts(50, 100, 400, unseen=60)
    assert sum(counts[name] for name in RISK_GROUPS["critical"]) == 300
    assert counts["normal"] == 400 and all(counts[name] == 60 for name in UNSEEN)
    assert not set(cohort_counts(5, 5, 5)) & set(UNSEEN)


def test_the_shipped_record_is_of_the_shipped_networks():
    """A few of its films, imaged anew, get the same logits."""
    from course_lib.data.scxnn import PreparedFilms
    from course_lib.data.scxnn_cohort import virtual_cohort
    from course_lib.learning.scxnn_config import scxnn_config

    kept, scxnn, config = load_record(SHIPPED / FILE), load_scxnn(), scxnn_config("laptop")
    source = virtual_cohort(
        {THIRTEEN[0]: 3}, 700, config.size, scanner="A", severity=config.severity
    )
    again = recorded(scxnn, PreparedFilms(source, config.size, config.equalise, masks=False))
    assert np.allclose(again.logits, kept["validation"].logits[:3], atol=0.15)
    assert np.array_equal(again.present, kept["validation"].present[:3])
