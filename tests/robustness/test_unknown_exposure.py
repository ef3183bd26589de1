"""Outlier exposure: the loss, pictures that are nothing, and a training that learns to doubt."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from course_lib.robustness.unknown.exposure import (
    KINDS,
    ExposedFilms,
    ExposureLoss,
    cheap_outliers,
    disease_outliers,
    exposure_loss,
    load_exposed,
)
from course_lib.robustness.unknown.sets import UNKNOWN, known_films

KNOWN = torch.randint(0, 256, (8, 1, 64, 64), dtype=torch.uint8)
CLASSES = np.arange(8) % 6


def test_loss_is_cross_entropy_plus_distance_from_all_alike():
    logits, target = torch.randn(5, 6), torch.tensor([0, 1, 2, 3, 4])
    plain = functional.cross_entropy(logits, target)
    flat = exposure_loss(logits, target, torch.full((3, 6), 7.0), weight=0.5)
    assert flat == pytest.approx(plain.item() + 0.5 * np.log(6), rel=1e-5)  # its smallest value
    sharp = exposure_loss(logits, target, 9 * torch.eye(6)[:3], weight=0.5)
    assert sharp > flat
    uniform = torch.full((3, 6), 1 / 6)
    soft = functional.cross_entropy(9 * torch.eye(6)[:3], uniform)
    assert sharp == pytest.approx((plain + 0.5 * soft).item(), rel=1e-5)
    assert torch.equal(exposure_loss(logits, target, logits, weight=0.0), plain)


def test_every_film_gets_an_outlier_that_seed_and_epoch_decide():
    outliers = torch.arange(20, dtype=torch.uint8)[:, None, None, None].expand(20, 1, 64, 64)
    first, again = (ExposedFilms(KNOWN, CLASSES, outliers, seed=3) for _ in range(2))
    pairs = [float(first[i]["outlier"][0, 0, 0]) for i in range(8)]
    assert pairs == [float(again[i]["outlier"][0, 0, 0]) for i in range(8)]
    first.set_epoch(1)
    assert pairs != [float(first[i]["outlier"][0, 0, 0]) for i in range(8)]
    assert first[3]["target"] == 3 and first[3]["target"].dtype == torch.int64


def test_cheap_outliers_repeat_and_tiles_keep_the_grey_values():
    made = cheap_outliers(KNOWN, 6, seed=1)
    assert made.dtype == torch.uint8 and made.shape == (6, 1, 64, 64)
    assert torch.equal(made, cheap_outliers(KNOWN, 6, seed=1))
    source = [torch.equal(made[0].flatten().sort()[0], film.flatten().sort()[0]) for film in KNOWN]
    assert sum(source) == 1  # the first picture is one known film in another order


def test_diseases_of_exposure_are_not_tested_on(tmp_path):
    from course_lib.robustness.unknown.exposure import DISEASE_SEEDS

    tested = {"cardiomegaly", "mediastinal_widening", "rib_fracture", "hernia", "pneumoperitoneum"}
    assert not tested & set(DISEASE_SEEDS) and "atelectasis" not in DISEASE_SEEDS
    assert disease_outliers(1, folder=tmp_path, workers=1).shape == (4, 1, 64, 64)


def test_training_step_lowers_the_loss_and_teaches_doubt():
    torch.manual_seed(0)
    model = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 6))
    noise = cheap_outliers(KNOWN, 8, seed=2)
    films = ExposedFilms(KNOWN, CLASSES, noise)
    batch = {
        k: torch.stack([films[i][k] for i in range(8)]) for k in ("image", "target", "outlier")
    }
    loss, optimiser = ExposureLoss(2.0), torch.optim.Adam(model.parameters(), 0.1)
    before = model(batch["outlier"]).softmax(1).max(1).values.mean()
    values = []
    for _ in range(60):
        optimiser.zero_grad()
        value = loss(model, batch)
        value.backward()
        optimiser.step()
        values.append(value.item())
    after = model(batch["outlier"]).softmax(1).max(1).values.mean()
    assert values[-1] < values[0] and after < before


def test_exposed_networks_doubt_tiles_and_still_know_their_films(tmp_path):
    films, classes = known_films("test", 60, folder=tmp_path, workers=1)
    tiles = cheap_outliers((films * 255).to(torch.uint8), 30, seed=9)
    for kind in KINDS:
        exposed = load_exposed(kind)
        assert (exposed.logits(films).argmax(1) == classes).mean() > 0.85
        sure = exposed.probability(tiles.float() / 255).max(1)
        assert np.median(sure) < 0.5
    with pytest.raises(ValueError, match="no exposure to 'rain'"):
        load_exposed("rain")
    assert len(UNKNOWN) == 22


def test_exposure_needs_outliers():
    with pytest.raises(ValueError, match="at least one outlier"):
        ExposedFilms(KNOWN, CLASSES, KNOWN[:0])
