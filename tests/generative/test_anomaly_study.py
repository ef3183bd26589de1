"""The recorded study on few films: who is in it, what it writes, that it resumes."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.generative import anomaly_study
from course_lib.generative.anomaly_films import FINDINGS, KNOWN, SEEDS, UNKNOWN, study_films
from course_lib.generative.anomaly_study import Curve, run_study
from course_lib.generative.latent_encoder import LatentEncoder, save_encoder
from course_lib.models.pggan import Generator, PgganSize


@pytest.fixture(scope="module")
def few():
    return study_films(each=2, normals=12, usual=10, validation=2, workers=1)


@pytest.fixture(scope="module")
def done(few, tmp_path_factory):
    """A whole study with an untrained generator of 64 pixels."""
    folder = tmp_path_factory.mktemp("study")
    torch.manual_seed(0)
    generator = Generator(PgganSize(64, base=64, most=16)).eval().requires_grad_(False)
    save_encoder(LatentEncoder(64, generator.latent_size), generator, folder)
    patch = pytest.MonkeyPatch()
    patch.setattr(anomaly_study, "CURVES", (Curve("random", "mse", (0, 2)),))
    patch.setattr(anomaly_study, "STEPS", 2)
    patch.setattr(anomaly_study, "EVERY", {"each": 1, "normals": 4})

    def run():
        run_study(folder, generator, few, parts=folder / "parts", linear_films=70)

    run()
    yield folder, run
    patch.undo()


def test_twelve_findings_of_which_five_are_known():
    assert len(FINDINGS) == len(set(FINDINGS)) == 12 and len(KNOWN) == 5 and len(UNKNOWN) == 7
    seeds = [SEEDS["test"] + i for i in range(12)] + [SEEDS["validation"] + i for i in range(5)]
    seeds += [SEEDS[name] for name in ("test normals", "threshold", "usual")]
    assert len(set(seeds)) == 20 and min(seeds) >= 5400


def test_everybody_has_what_the_part_says(few):
    assert few.films.shape == (10 + 12 + 5 * 2 + 12 * 2 + 12, 1, 64, 64)
    assert few.films.min() >= 0 and few.films.max() <= 1
    healthy = few.finding == "normal"
    assert not few.masks[healthy].any() and few.masks[~healthy].any((1, 2)).all()
    assert set(few.finding[few.where("validation")]) == set(KNOWN)
    assert len(few.where("test", "hernia")) == 2
    some = few.some(each=1, normals=3)
    assert len(some) == 15 and set(few.part[some]) == {"test"}


def test_no_film_is_in_two_parts(few):
    assert len(torch.unique(few.films.flatten(1), dim=0)) == len(few.films)


def test_it_writes_one_row_per_film(done, few):
    folder, _ = done
    table = pd.read_csv(folder / "scores.csv", keep_default_na=False)
    assert list(table.finding) == list(few.finding)
    for name in ("encoder", "search", "linear", "residual", "any disease", "not normal"):
        assert np.isfinite(table[name].astype(float)).all(), name
    assert set(table.peak_hit[table.finding == "normal"]) == {""}
    about = json.loads((folder / "about.json").read_text())
    assert set(about["chosen"]) == {"encoder", "search", "linear"}
    curves = pd.read_csv(folder / "curves.csv")
    assert set(curves.steps) == {0, 2} and len(curves) == 4


def test_the_choice_is_the_best_on_the_validation_films(done):
    folder, _ = done
    choices = pd.read_csv(folder / "choices.csv")
    about = json.loads((folder / "about.json").read_text())
    for method, group in choices.groupby("method"):
        best = group.loc[group.auc.idxmax()]
        assert about["chosen"][method] == f"{best['map']}, {best['summary']}"


def test_it_goes_on_where_it_stopped(done, monkeypatch):
    folder, run = done
    before = pd.read_csv(folder / "scores.csv")

    def never(*_args, **_options):
        raise AssertionError("a finished piece was made again")

    monkeypatch.setattr(anomaly_study, "search_twins", never)
    run()
    # Two threads add in another order: the last digit may move.
    pd.testing.assert_frame_equal(pd.read_csv(folder / "scores.csv"), before, rtol=1e-3, atol=1e-4)
