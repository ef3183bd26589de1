"""The tables of a screening system, counted by hand on a few films."""

import numpy as np
import pytest

from course_lib.data.item import ImageRecord, Label
from course_lib.evaluation.intervals import wilson
from course_lib.evaluation.screening import (
    abnormal_films,
    by_finding,
    by_risk_group,
    four_fields,
    rates,
    votes_on,
)
from course_lib.evaluation.scxnn_experiments import TABLES, held_out_counts
from course_lib.learning.scxnn_config import ScxnnConfig
from course_lib.learning.scxnn_screening import Screening
from course_lib.patient.risk import THIRTEEN, UNSEEN

NAMES = ("pneumothorax", "nodule", "cardiomegaly")


def record(*present):
    base = dict.fromkeys((*THIRTEEN, *UNSEEN), Label.ABSENT)
    return ImageRecord(patient_id="p", labels=base | dict.fromkeys(present, Label.PRESENT))


RECORDS = [
    record(),
    record(),
    record("pneumothorax"),
    record("nodule", "cardiomegaly"),
    record("nodule"),
    record("edema"),
    record("edema", "nodule"),
]
SCORES = np.array([-1.0, 0.5, 2.0, 1.0, -0.5, -2.0, 3.0])


def screening():
    """Votes: the pneumothorax is named, the nodule of film 3 is not, its big heart is."""
    logits = np.zeros((7, 3, 3))
    logits[:, :, 2] = 1.0  # others
    logits[0] = [1.0, 0.0, 0.0]  # all networks: normal
    logits[2, 0] = [0.0, 5.0, 0.0]
    logits[3, 2] = [0.0, 5.0, 0.0]
    return Screening(NAMES, logits, SCORES, threshold=0.0)


def test_four_fields_are_the_form_of_table_2():
    table = four_fields(abnormal_films(RECORDS), screening().abnormal)
    assert table.to_numpy().tolist() == [[1, 2], [1, 3]]


def test_rates_come_with_wilsons_intervals_and_both_accuracies():
    table = rates(abnormal_films(RECORDS), screening())
    assert table.loc["sensitivity", ["hits", "of"]].tolist() == [3, 5]
    assert tuple(table.loc["sensitivity", ["low", "high"]]) == pytest.approx(wilson(3, 5))
    assert table.loc["specificity", "value"] == 0.5
    assert table.loc["accuracy", "value"] == pytest.approx(4 / 7)
    assert table.loc["balanced accuracy", "value"] == pytest.approx((3 / 5 + 1 / 2) / 2)
    pairs = [(s > n) for s in SCORES[2:] for n in SCORES[:2]]
    assert table.loc["AUC", "value"] == pytest.approx(np.mean(pairs))


def test_risk_groups_count_missed_named_and_others():
    table = by_risk_group(RECORDS, screening())
    columns = ["films", "normal", "target", "others"]
    assert table.loc["critical", columns].tolist() == [1, 0, 1, 0]
    # Film 3 is named through its heart, film 4 is put aside, film 6 is read for another reason.
    assert table.loc["urgent", columns].tolist() == [3, 1, 1, 1]
    assert table.loc["cardiomegaly", columns].tolist() == [1, 0, 1, 0]
    assert table.loc["non_urgent", "films"] == 0 and np.isnan(table.loc["non_urgent", "missed_low"])


def test_an_unseen_disease_can_be_counted_where_it_stands_alone():
    together = by_finding(RECORDS, screening(), UNSEEN)
    assert together.loc["edema", ["films", "normal"]].tolist() == [2, 1]
    alone = by_finding(RECORDS, screening(), UNSEEN, alone=True)
    assert alone.loc["edema", ["films", "normal"]].tolist() == [1, 1]
    assert list(alone.index) == ["edema"], "what no film shows has no row"


def test_votes_are_shares_of_each_network():
    votes = votes_on(screening(), np.array([True, False, True] + [False] * 4))
    assert votes.loc["pneumothorax"].tolist() == [0.5, 0.5, 0.0]
    assert votes.loc["nodule"].tolist() == [0.5, 0.0, 0.5]
    assert votes.sum(axis=1).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="No film"):
        votes_on(screening(), np.zeros(7, dtype=bool))


def test_every_variant_changes_what_a_configuration_has():
    for variants in TABLES.values():
        for changes in variants.values():
            assert ScxnnConfig(**changes)
    assert [len(TABLES[name]) for name in ("backbone", "lambda", "preprocessing")] == [6, 6, 5]


def test_the_held_out_cohort_has_300_critical_films():
    counts = held_out_counts()
    assert (
        sum(counts[d] for d in ("pneumothorax", "pneumoperitoneum", "mediastinal_widening")) == 300
    )
    assert set(counts) == {*THIRTEEN, *UNSEEN, "normal"}
