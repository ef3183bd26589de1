"""The command that made the shipped CheXNet: it trains, resumes, and what it leaves can be used."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.data.dataset import FilmDataset
from course_lib.data.findings import CHEXNET
from course_lib.data.virtual import VirtualChest
from course_lib.learning.checkpoint import CheckpointError
from course_lib.learning.chexnet_training import PRESETS, main, new_chexnet, run
from course_lib.learning.plan import Plan
from course_lib.learning.shipped import SHIPPED, f1_thresholds, load_chexnet
from course_lib.models.counting import count_parameters

TINY = replace(
    PRESETS["laptop"], size=32, films=40, test_films=12, plan=Plan(epochs=2, batch_size=16)
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_a_run_leaves_a_network_that_can_be_loaded_and_a_table(tmp_path, cache):
    made = run(TINY, tmp_path, folder=cache, workers=1)
    loaded = load_chexnet(tmp_path)
    films = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(loaded.model(films), made.model(films), atol=1e-4)
    assert loaded.findings == CHEXNET
    assert set(loaded.thresholds) == set(loaded.positive_weight) == set(CHEXNET)
    table = pd.read_csv(tmp_path / "test_scores.csv")
    assert len(table) == 12 and table["nodule"].between(0, 1).all()
    assert len(pd.read_csv(tmp_path / "log.csv")) == 2


def test_the_same_command_again_goes_on_instead_of_starting_anew(tmp_path, cache):
    run(TINY, tmp_path, folder=cache, workers=1)
    before = (tmp_path / "run" / "run.pt").stat().st_mtime_ns
    run(TINY, tmp_path, folder=cache, workers=1)
    assert (tmp_path / "run" / "run.pt").stat().st_mtime_ns == before  # nothing left to train


def test_paper_preset_is_the_paper():
    paper = PRESETS["paper"]
    assert (paper.size, paper.plan.batch_size, paper.plan.learning_rate) == (224, 16, 1e-3)
    assert (paper.plan.optimiser, paper.plan.schedule) == ("adam", "plateau")
    network = new_chexnet(replace(paper, start="random"))
    assert count_parameters(network) == 6_968_206 - 2 * 64 * 49  # one channel instead of three


def test_unknown_preset_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--preset", "enormous"])
    assert "laptop" in capsys.readouterr().err


def test_shipped_network_is_small_and_knows_its_findings():
    assert (SHIPPED / "chexnet.pt").stat().st_size < 2_000_000
    chexnet = load_chexnet()
    scores = chexnet.scores([np.random.default_rng(0).random((90, 70), dtype=np.float32)])
    assert scores.shape == (1, 14)
    assert ((scores > 0) & (scores < 1)).all()
    heavier = chexnet.probability(scores) <= scores
    assert heavier.all()  # weights above 1 lift scores above probabilities


def test_shipped_network_is_better_than_chance_on_films_made_here(cache):
    chexnet = load_chexnet()
    chances = {"cardiomegaly": 0.4, "pleural_effusion": 0.4}
    cohort = VirtualChest(40, 77, 128, prevalence=chances, folder=cache, workers=1)
    films = FilmDataset(cohort, 128, CHEXNET)
    scores = chexnet.scores([cohort[i].image for i in range(len(cohort))])
    for name in chances:
        k = CHEXNET.index(name)
        sick = films.targets[:, k] == 1
        assert scores[sick, k].mean() > scores[~sick, k].mean() + 0.3


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_chexnet(tmp_path)
    torch.save({"model": {}}, tmp_path / "chexnet.pt")
    with pytest.raises(CheckpointError, match="does not hold a CheXNet"):
        load_chexnet(tmp_path)


def test_f1_thresholds_against_trying_all():
    rng = np.random.default_rng(0)
    target, score = (rng.random((50, 3)) < 0.3).astype(float), rng.random((50, 3)).round(1)
    target[:, 2] = 0
    best = f1_thresholds(target, score)

    def f1(truth, called):
        return 2 * (truth * called).sum() / (truth.sum() + called.sum())

    for k in range(2):
        tried = max(f1(target[:, k], score[:, k] >= t) for t in np.unique(score[:, k]))
        assert f1(target[:, k], score[:, k] >= best[k]) == pytest.approx(tried)
    assert best[2] == 0.5
