"""Scores and measures of unknown films against pytorch-ood 0.4 and scikit-learn."""

import numpy as np
import pytest
import torch
from pytorch_ood.detector import KNN, EnergyBased, Mahalanobis, MaxSoftmax, odin_preprocessing
from pytorch_ood.metrics import OODMetrics
from scipy.stats import spearmanr
from sklearn.covariance import EmpiricalCovariance
from sklearn.neighbors import NearestNeighbors
from torch import nn

from course_lib.learning.film_classifier import new_film_classifier
from course_lib.robustness.unknown.answers import energy, max_softmax
from course_lib.robustness.unknown.distances import Neighbours, TiedGaussians
from course_lib.robustness.unknown.metrics import separation
from course_lib.robustness.unknown.odin import odin, pushed

rng = np.random.default_rng(7)
LOGITS = rng.normal(0, 4, (300, 6))
FEATURES = np.abs(rng.normal(size=(500, 12)) @ rng.normal(size=(12, 12)))
CLASSES = rng.integers(0, 4, 500)


@pytest.mark.parametrize("t", [1.0, 2.5, 1000.0])
def test_softmax_and_energy(t):
    logits = torch.from_numpy(LOGITS)
    assert np.allclose(max_softmax(LOGITS, t), MaxSoftmax.score(logits, t).numpy(), atol=1e-9)
    assert np.allclose(energy(LOGITS, t), EnergyBased.score(logits, t).numpy(), atol=1e-9)


@pytest.mark.parametrize(("t", "epsilon"), [(1.0, 0.01), (1000.0, 0.0014)])
def test_odin_on_the_course_network(t, epsilon):
    model = new_film_classifier(3).eval().double()
    films = torch.rand(6, 1, 64, 64, generator=torch.Generator().manual_seed(1)).double()
    theirs = odin_preprocessing(model, films, eps=epsilon, temperature=t)
    assert torch.allclose(pushed(model, films, t, epsilon), theirs, atol=1e-12)
    with torch.no_grad():
        wanted = MaxSoftmax.score(model(theirs), t).numpy()
    assert np.allclose(odin(model, films, t, epsilon, batch=4), wanted, atol=1e-6)


def test_mahalanobis_ranks_as_theirs_and_equals_scikit_learn():
    theirs = Mahalanobis(None).fit_features(
        torch.from_numpy(FEATURES).float(), torch.from_numpy(CLASSES)
    )
    ours = TiedGaussians.fit(FEATURES, CLASSES).score(FEATURES)
    other = theirs.predict_features(torch.from_numpy(FEATURES).float()).numpy()
    assert spearmanr(ours, other).statistic > 0.99999
    assert np.allclose(ours, 2 * len(FEATURES) * other, rtol=1e-2)  # they do not divide by N
    centres = np.stack([FEATURES[k == CLASSES].mean(0) for k in range(4)])
    tied = EmpiricalCovariance(assume_centered=True).fit(FEATURES - centres[CLASSES])
    wanted = np.min([tied.mahalanobis(FEATURES - centre) for centre in centres], axis=0)
    assert np.allclose(ours, wanted, rtol=1e-3)


@pytest.mark.parametrize("k", [1, 10, 50])
def test_neighbours(k):
    known, new = FEATURES[:400], FEATURES[400:]
    ours = Neighbours.fit(known, k).score(new)
    theirs = KNN(None, k=k, normalize=True)
    theirs.fit_features(torch.from_numpy(known), torch.zeros(400))
    assert np.allclose(ours, theirs.predict_features(torch.from_numpy(new)).numpy(), atol=1e-6)
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (known, new)]
    plain = NearestNeighbors(n_neighbors=k).fit(unit[0]).kneighbors(unit[1])[0][:, -1]
    assert np.allclose(ours, plain, atol=1e-6)


def test_measures_of_separation():
    known, unknown = rng.normal(0, 1, 400), rng.normal(1.5, 2, 150)
    metrics = OODMetrics()
    labels = torch.from_numpy(np.repeat([1, -1], [400, 150]))
    metrics.update(torch.from_numpy(np.concatenate([known, unknown])), labels)
    theirs = {name: float(value) for name, value in metrics.compute().items()}
    ours = separation(known, unknown)
    assert ours.auroc.auc == pytest.approx(theirs["AUROC"], abs=1e-6)
    assert ours.false_alarms == pytest.approx(theirs["FPR95TPR"], abs=1e-6)
    assert ours.aupr_unknown == pytest.approx(theirs["AUPR-OUT"], abs=0.005)  # other interpolation
    assert ours.aupr_known == pytest.approx(theirs["AUPR-IN"], abs=0.005)


def test_gradients_of_the_peer_do_not_reach_our_model():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).double()
    odin(model, torch.rand(3, 1, 4, 4).double())
    assert all(parameter.grad is None for parameter in model.parameters())
