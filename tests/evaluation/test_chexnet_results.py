"""The recorded results of the shipped CheXNet are complete and can be made again."""

import numpy as np
import pytest

from course_lib.data.findings import CHEXNET
from course_lib.data.item import ImageRecord, Label
from course_lib.data.render import render_film
from course_lib.evaluation.chexnet_experiments import EXPERIMENTS, chosen_ward
from course_lib.evaluation.chexnet_results import (
    auc_table,
    plan_of_tests,
    read_experiments,
    read_scores,
)
from course_lib.learning.shipped import load_chexnet


def test_scores_belong_to_the_patients_of_the_plan():
    scores, specs = read_scores(), plan_of_tests().specs(2000)
    assert scores.findings == CHEXNET
    assert [spec.patient_id for spec in specs] == scores.patient.tolist()
    labels = [[name in spec.labels for name in CHEXNET] for spec in specs]
    assert (np.array(labels) == (scores.target == 1)).all()


def test_the_network_gives_the_recorded_scores_again():
    plan, scores = plan_of_tests(), read_scores()
    specs = plan.specs(8)
    films = [render_film(plan, spec, i).pixels / np.float32(255) for i, spec in enumerate(specs)]
    assert load_chexnet().scores(films) == pytest.approx(scores.score[:8], abs=0.05)


def test_mean_auc_is_what_the_card_says():
    table = auc_table(read_scores())
    assert table.auc.mean() > 0.85
    assert table.low.dropna().le(table.auc[table.low.notna()]).all()


def test_every_experiment_was_recorded_with_three_seeds():
    for name in ("loss", "uncertain", "wrong labels", "split", "ward"):
        assert sorted(read_experiments(name).seed.unique()) == [0, 1, 2]
    assert set(EXPERIMENTS) == {"loss", "uncertain", "noise", "split", "ward"}


def test_a_ward_has_the_agreement_that_was_asked_for():
    yes, no = Label.PRESENT, Label.ABSENT
    films = [
        ImageRecord(patient_id=str(i), labels={"pneumothorax": sick, "support_device": tube})
        for i, (sick, tube) in enumerate([(yes, yes), (yes, no), (no, yes), (no, no)] * 20)
    ]

    class Films:
        records = films

        def __len__(self):
            return len(films)

        def __getitem__(self, index):
            return films[index]

    ward = chosen_ward(Films(), 0.9, 20, seed=0).records
    agree = [r.label("pneumothorax") is r.label("support_device") for r in ward]
    assert len(ward) == 40
    assert np.mean(agree) == 0.9
    with pytest.raises(ValueError, match="Only 20"):
        chosen_ward(Films(), 0.9, 30, seed=0)
