"""The recorded runs are whole, can be made again, and say what the lesson says."""

import csv

import numpy as np
import pytest
import torch

from course_lib.federated import averaging_record
from course_lib.federated.averaging_record import (
    COLUMNS,
    SEEDS,
    SETTINGS,
    Setting,
    curves,
    dealt,
    final,
    paired,
    read_rows,
    record,
    run,
)
from course_lib.federated.tasks import Task


def small_task() -> Task:
    g = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(72, 1, 8, 8, generator=g), torch.arange(72) % 6
    return Task("small", inputs, targets, inputs[:24], targets[:24], tuple("abcdef"))


def test_every_setting_has_every_seed_and_round() -> None:
    for name, setting in SETTINGS.items():
        assert curves(name).shape == (len(SEEDS), setting.rounds)
    assert len(read_rows()) == sum(len(SEEDS) * s.rounds for s in SETTINGS.values())


def test_what_the_lesson_concludes() -> None:
    mean, half = paired("all six classes", "two classes")
    assert mean - half > 0
    assert abs(paired("50 rounds, 30 % fail", "50 rounds, all answer")[0]) < 0.03
    lost = [int(r["dropped"]) for r in read_rows() if r["setting"] == "50 rounds, 30 % fail"]
    assert np.mean(lost) / 12 == pytest.approx(0.3, abs=0.03)


def test_paired_is_the_t_interval_of_the_differences() -> None:
    gap = final("two classes, mu = 1") - final("two classes")
    mean, half = paired("two classes, mu = 1", "two classes")
    assert mean == pytest.approx(gap.mean())
    assert half == pytest.approx(2.776 * gap.std(ddof=1) / 5**0.5, rel=1e-3)


def test_an_interrupted_record_goes_on(tmp_path, monkeypatch) -> None:
    few = {"even": Setting(classes=6, epochs=1, rounds=2), "two": Setting(epochs=1, rounds=2)}
    monkeypatch.setattr(averaging_record, "SETTINGS", few)
    monkeypatch.setattr(averaging_record, "chest_task", small_task)
    whole, path = tmp_path / "whole.csv", tmp_path / "runs.csv"
    record(whole, seeds=(0, 1))
    record(path, seeds=(0,))
    record(path, seeds=(0, 1))
    assert path.read_bytes() == whole.read_bytes()
    with pytest.raises(ValueError, match="choose from"):
        curves("three", path)


def test_another_table_is_refused(tmp_path) -> None:
    path = tmp_path / "other.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerow(["a", "b"])
    with pytest.raises(ValueError, match=", ".join(COLUMNS)):
        read_rows(path)


def test_failures_are_counted_and_the_deal_is_as_asked() -> None:
    rows = run(small_task(), Setting(epochs=1, rounds=3, faulty=0.5), seed=0)
    assert sum(len(row["dropped"]) for row in rows) > 0
    assert all(len(place.targets.unique()) == 2 for place in dealt(small_task(), 2, 0))
    assert all(place.cases == 6 for place in dealt(small_task(), 6, 0))
