"""The augmentation study: same steps for all ways, no way is missing, intervals over draws."""

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.generative.augmentation_study import (
    FIRST,
    WAYS,
    Pools,
    StudySettings,
    study,
    summary,
)
from course_lib.generative.fidelity_record import load_record
from course_lib.generative.normal_or_abnormal import ClassifierSettings, LabelledFilms
from course_lib.learning.plan import Plan

SMALL = StudySettings(
    sizes=(8,),
    seeds=(0, 1),
    added=16,
    views=32,
    classifier=ClassifierSettings(plan=Plan(epochs=1, batch_size=16)),
)


def some_films(n: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    random = np.random.default_rng(seed)
    films = torch.from_numpy(random.uniform(0.3, 0.6, (n, 1, 64, 64)).astype(np.float32))
    abnormal = np.arange(n) % 2 == 0
    films[torch.from_numpy(abnormal), :, 48:] += 0.3
    return films, abnormal


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    pool, ill = some_films(40, 5)
    pools = Pools(pool, np.where(ill, 0.9, 0.1), some_films(40, 6)[0])
    data = [LabelledFilms(*some_films(30, seed)) for seed in (1, 2)]
    return study(*data, pools, SMALL)


def test_every_way_is_trained_for_every_draw(rows):
    assert rows.groupby("way", sort=False).size().to_dict() == dict.fromkeys(WAYS, 2)
    assert rows["auc"].between(0, 1).all()


def test_differences_are_to_real_only_of_the_same_draw(rows):
    for _, draw in rows.groupby("seed"):
        first = draw.loc[draw.way == FIRST, "auc"].item()
        assert np.allclose(draw["difference"], draw["auc"] - first)


def test_the_summary_has_an_interval_over_draws():
    rows = pd.DataFrame(
        {"films": 50, "way": "added", "auc": [0.7, 0.8, 0.9], "difference": [0.0, 0.1, 0.2]}
    )
    one = summary(rows).iloc[0]
    half = 4.302653 * 0.1 / np.sqrt(3)  # Student's t with two degrees of freedom
    assert (one["auc"], one["lowest"], one["highest"]) == pytest.approx((0.8, 0.7, 0.9))
    assert (one["low"], one["high"]) == pytest.approx((0.1 - half, 0.1 + half), abs=1e-6)
    assert np.isnan(summary(rows.head(1)).iloc[0]["low"])


def test_a_labeller_that_calls_everything_normal_adds_nothing():
    pools = Pools(some_films(20, 5)[0], np.full(20, 0.1), some_films(20, 6)[0])
    data = [LabelledFilms(*some_films(30, seed)) for seed in (1, 2)]
    result = study(*data, pools, SMALL).query("way.str.contains('judge')")
    assert (result["difference"] == 0).all()


def test_a_missing_record_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="fidelity_record"):
        load_record("augmentation", tmp_path)
