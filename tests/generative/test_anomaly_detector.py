"""The detector of a recorded study, its tables, and the generator with too much freedom."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.generative import anomaly_detector
from course_lib.generative.anomaly import Usual, save_usual
from course_lib.generative.anomaly_detector import FreeGenerator, load_detector
from course_lib.generative.anomaly_films import FINDINGS, KNOWN, UNKNOWN
from course_lib.generative.anomaly_results import load_study
from course_lib.generative.latent_encoder import LatentEncoder, save_encoder
from course_lib.generative.latent_search import SearchPlan, search_twins
from course_lib.models.pggan import Generator, PgganSize

DETECTORS = ("search", "encoder", "linear", "residual", "any disease", "not normal")


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(PgganSize(16, base=64, most=16)).eval().requires_grad_(False)


@pytest.fixture
def folder(tmp_path, generator):
    """A made-up study: "search" finds every unknown film, "any disease" every known one."""
    rows = [{"part": "threshold", "finding": "normal"} for _ in range(40)]
    rows += [{"part": "test", "finding": name} for name in FINDINGS for _ in range(5)]
    rows += [{"part": "test", "finding": "normal"} for _ in range(20)]
    table = pd.DataFrame(rows)
    healthy = np.tile(np.linspace(0, 1, 20), 6)[: len(table)]
    for name in DETECTORS:
        table[name] = healthy
    table.loc[table.finding.isin(UNKNOWN), "search"] = 9
    table.loc[table.finding.isin(KNOWN), "any disease"] = 9
    table["peak_hit"] = ["" if name == "normal" else str(name == "mass") for name in table.finding]
    table["peak_luck"] = [np.nan if name == "normal" else 0.25 for name in table.finding]
    table.to_csv(tmp_path / "scores.csv", index=False)
    pd.DataFrame({"steps": [0]}).to_csv(tmp_path / "curves.csv", index=False)
    pd.DataFrame({"auc": [0.5]}).to_csv(tmp_path / "choices.csv", index=False)
    about = {"chosen": {"search": "unusual difference, top 1 %"}, "steps": 3}
    (tmp_path / "about.json").write_text(json.dumps(about))
    save_usual(Usual(np.zeros((16, 16)), np.full((16, 16), 0.1)), tmp_path)
    save_encoder(LatentEncoder(16, generator.latent_size), generator, tmp_path)
    return tmp_path


def test_every_detector_has_its_threshold_on_the_same_films(folder):
    study = load_study(folder)
    table = study.table("search", 0.10).set_index("diagnosis")
    assert table.detected[list(UNKNOWN)].tolist() == [5] * 7
    assert table.loc["normal", "detected"] == 2  # of 20, at 10 %
    assert list(table.index) == [*FINDINGS, "normal"]


def test_the_comparison_is_paired_and_by_group(folder):
    compared = load_study(folder).compare("search", "any disease", 0.05).set_index("group")
    assert compared.films.to_dict() == {"all twelve": 60, "known to the judge": 25, "unknown": 35}
    assert compared.loc["unknown", "search"] == 35
    assert compared.loc["unknown", "gain"] > 0.8 and compared.loc["unknown", "low"] > 0.5
    assert compared.loc["known to the judge", "gain"] < -0.8
    assert compared.loc["unknown", "p"] < 1e-6


def test_hits_per_finding(folder):
    hits = load_study(folder).hits().set_index("finding")
    assert hits.hit["mass"] == 1 and hits.hit["hernia"] == 0
    assert hits.luck["hernia"] == pytest.approx(0.25) and "normal" not in hits.index


def test_what_is_missing_is_named(tmp_path, folder):
    with pytest.raises(ValueError, match="no detector"):
        load_study(folder).table("magic", 0.1)
    with pytest.raises(FileNotFoundError, match="anomaly_study"):
        load_study(tmp_path / "nowhere")


def test_the_detector_looks_as_the_study_did(folder, generator, monkeypatch):
    monkeypatch.setattr(anomaly_detector, "load_generator", lambda _name: generator)
    detector = load_detector(folder, rate=0.10)
    films = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    seen = detector.look(films)
    assert seen.twins.shape == films.shape and seen.odd.shape == (3, 16, 16)
    np.testing.assert_allclose(seen.odd, seen.difference / 0.1)
    again = detector.judge(films, seen.twins)
    np.testing.assert_array_equal(again.score, seen.score)
    np.testing.assert_allclose(seen.score, np.abs(seen.odd).reshape(3, -1).max(1), rtol=0.3)
    plain = detector._replace(chosen="difference, mean square").judge(films, seen.twins)
    np.testing.assert_allclose(plain.score, (seen.difference**2).mean((1, 2)))


def test_the_free_generator_begins_with_the_same_film(generator):
    free = FreeGenerator(generator)
    z = torch.randn(4, generator.latent_size)
    torch.testing.assert_close(free(free.start(z)), generator(z), atol=1e-5, rtol=1e-4)
    assert free.latent_size == 16 * generator.size.channels(4)


def test_more_freedom_leaves_a_smaller_residual(generator):
    free = FreeGenerator(generator)
    films = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    z = torch.randn(3, generator.latent_size, generator=torch.Generator().manual_seed(2))
    plan = SearchPlan(steps=40, fast=False)
    bound = search_twins(generator, films, plan, start=z)
    loose = search_twins(free, films, plan, start=free.start(z))
    assert loose.score.mean() < 0.9 * bound.score.mean()
