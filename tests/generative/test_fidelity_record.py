"""What the recorded fidelity run left: it belongs to the shipped weights and is complete."""

import json

import numpy as np
import pandas as pd
import pytest

from course_lib.data.gan_films import DISEASES, gan_cohort
from course_lib.evaluation.delong import compare_aucs
from course_lib.evaluation.roc import auc
from course_lib.generative import fidelity_record
from course_lib.generative.augmentation_study import FIRST, WAYS, StudySettings, summary
from course_lib.generative.fidelity_record import (
    EACH,
    SEEDS,
    SHIPPED,
    TASKS,
    load_record,
    recorded_comparisons,
)
from course_lib.generative.shipped import load_generator, weights_hash
from course_lib.generative.synthetic_training import CLASSIFIERS, relative_drop


def test_the_record_belongs_to_the_generators_that_are_shipped():
    about = json.loads((SHIPPED / "about.json").read_text(encoding="utf-8"))
    assert about == {name: weights_hash(load_generator(name)) for name in ("all", "normal")}


def test_classifier_synthetic_reads_real_films_well_and_classifier_real_better():
    rows = load_record("three_steps").query("kind == 'reading'")
    assert sorted(set(rows.seed)) == list(SEEDS)
    by_name = rows.groupby("name").auc
    assert by_name.min()["real on real"] >= 0.95
    assert by_name.min()["synthetic on real"] >= 0.80
    assert by_name.max()["synthetic on real"] < by_name.min()["real on real"]


def test_the_recorded_scores_give_the_recorded_aucs_and_comparison():
    scores = load_record("scores")
    real, made = (scores[scores.set == name] for name in ("real", "synthetic"))
    assert len(real) == 1000 and len(made) == 1000 and real.abnormal.sum() == made.abnormal.sum()
    steps = load_record("three_steps").query("seed == 0").set_index("name")
    assert auc(real.abnormal, real.classifier_real) == pytest.approx(
        steps.auc["real on real"], abs=2e-6
    )
    own = auc(made.abnormal, made.classifier_synthetic)
    assert own == pytest.approx(steps.auc["synthetic on synthetic"], abs=2e-6)
    test = compare_aucs(real.abnormal, real.classifier_real, real.classifier_synthetic)
    assert test.difference == pytest.approx(steps.difference["DeLong, paired"], abs=2e-6)
    assert recorded_comparisons()["z"]["DeLong, paired"] == pytest.approx(test.z)


def test_no_recorded_test_film_is_one_the_classifiers_learned_from():
    """The scores' labels are those of the last fifth of the cohort, in its order."""
    labels = [record.labels for record in gan_cohort("study").records[4000:]]
    ill = [any(label.value == "present" for label in one.values()) for one in labels]
    real = load_record("scores").query("set == 'real'")
    assert np.array_equal(real.abnormal, ill)
    assert np.array_equal(real.findings != "normal", ill)


def test_the_disease_that_the_generator_hardly_met_is_lost_most():
    real = load_record("scores").query("set == 'real'")
    alone = {name: real[real.findings == name] for name in DISEASES}
    lost = {
        name: (films.classifier_real > 0.5).mean() - (films.classifier_synthetic > 0.5).mean()
        for name, films in alone.items()
    }
    assert min(map(len, alone.values())) > 50
    assert max(lost, key=lambda name: lost[name]) == "pneumothorax"


def test_four_classifiers_on_three_tasks_with_intervals():
    rows = load_record("four_classifiers")
    assert list(zip(rows.task, rows.model, strict=True)) == [
        (t, m) for t in TASKS for m in CLASSIFIERS
    ]
    assert (rows.train_films == 2 * EACH).all() and (rows.test_films >= 200).all()
    for row in rows.itertuples():
        drop = relative_drop(row.accuracy_real, row.accuracy_synthetic)
        assert row.relative_drop == pytest.approx(drop, abs=1e-3)
        assert row.real_low < row.accuracy_real < row.real_high


def test_the_augmentation_study_is_complete_and_paired():
    rows = load_record("augmentation")
    settings = StudySettings()
    assert len(rows) == len(settings.sizes) * len(settings.seeds) * len(WAYS)
    assert (rows[rows.way == FIRST].difference == 0).all()
    table = summary(rows)
    first = table[table.way == FIRST].set_index("films").auc
    assert first[800] > first[50] + 0.03, "more labelled films are better"


def test_a_run_goes_on_with_the_parts_that_are_missing(tmp_path):
    made = []

    def make(part):
        if part == 2 and len(made) == 2:
            raise KeyboardInterrupt
        made.append(part)
        return pd.DataFrame({"part": [part], "value": [part / 10]})

    with pytest.raises(KeyboardInterrupt):
        fidelity_record._complete(tmp_path / "table.csv", "part", (0, 1, 2), make)
    made.append("started again")
    fidelity_record._complete(tmp_path / "table.csv", "part", (0, 1, 2), make)
    assert made == [0, 1, "started again", 2]
    assert pd.read_csv(tmp_path / "table.csv").value.tolist() == [0.0, 0.1, 0.2]


def test_results_of_other_generators_are_not_mixed(tmp_path):
    (tmp_path / "about.json").write_text('{"all": "another", "normal": "another"}')
    with pytest.raises(ValueError, match="other generators"):
        fidelity_record.record(tmp_path)
