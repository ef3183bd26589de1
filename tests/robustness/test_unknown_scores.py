"""Scores of unusual films: the exact truths behind them, their direction, what they refuse."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, mahalanobis
from scipy.special import log_softmax, softmax
from torch import nn

from course_lib.learning.film_classifier import FilmClassifier, new_film_classifier
from course_lib.robustness.unknown.answers import energy, entropy, max_logit, max_softmax
from course_lib.robustness.unknown.appearance import NUMBERS, Looks, appearance
from course_lib.robustness.unknown.boundaries import isolation_forest, one_class_svm
from course_lib.robustness.unknown.distances import Neighbours, TiedGaussians
from course_lib.robustness.unknown.odin import odin, pushed
from course_lib.robustness.unknown.votes import dropout_votes, dropping, ensemble_votes, votes

rng = np.random.default_rng(1)
LOGITS = rng.normal(0, 3, (50, 6))
FEATURES = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5))
CLASSES = rng.integers(0, 3, 300)
FILMS = torch.rand(6, 1, 64, 64, generator=torch.Generator().manual_seed(0))


class Linear(nn.Module):
    """A network whose gradient is known: logits are weights times pixels."""

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(9, 4).double()

    def forward(self, x):
        return self.map(x.flatten(1))


@pytest.fixture
def linear():
    torch.manual_seed(3)
    return Linear(), torch.rand(20, 1, 3, 3, dtype=torch.float64)


@pytest.fixture(scope="module")
def classifier():
    return FilmClassifier(new_film_classifier(5).eval())


def test_every_answer_score_is_higher_for_a_flat_answer_than_for_a_sharp_one():
    sharp, flat = [[9.0, 0, 0]], [[1.0, 1, 1]]
    for score in (max_softmax, max_logit, energy):
        assert score(flat)[0] > score(sharp)[0]
    assert entropy([[1 / 3] * 3])[0] == pytest.approx(np.log(3))
    assert entropy([[1.0, 0, 0]])[0] == 0


def test_energy_keeps_what_the_softmax_divides_away():
    assert np.allclose(max_softmax(LOGITS + 7), max_softmax(LOGITS))
    assert np.allclose(energy(LOGITS + 7), energy(LOGITS) - 7)
    assert np.allclose(np.log(-max_softmax(LOGITS)), energy(LOGITS) + LOGITS.max(1))
    assert np.allclose(energy(LOGITS, 1e-3), max_logit(LOGITS), atol=2e-3)


def test_energy_of_huge_logits_is_a_number():
    assert energy([[1000.0, 999]])[0] == pytest.approx(-1000 - np.log1p(np.exp(-1)))
    assert np.isfinite(energy([[-1e6, -1e6]])).all()


def test_odin_of_a_linear_network_moves_along_the_known_gradient(linear):
    model, x = linear
    moved = pushed(model, x, temperature=2.0, epsilon=0.01)
    z = model(x).detach().numpy() / 2
    w = model.map.weight.detach().numpy()
    gradient = (softmax(z, axis=1) - np.eye(4)[z.argmax(1)]) @ w
    assert np.allclose(moved.flatten(1).numpy(), x.flatten(1).numpy() - 0.01 * np.sign(gradient))
    assert all(p.grad is None for p in model.parameters())


def test_odin_raises_confidence_and_without_step_and_heat_is_the_softmax(linear):
    model, x = linear
    z = model(x).detach().numpy()
    assert np.allclose(odin(model, x, temperature=1, epsilon=0), max_softmax(z))
    assert (odin(model, x, temperature=1, epsilon=0.01) < max_softmax(z)).all()


def test_odin_at_infinite_temperature_ranks_by_largest_minus_mean_logit(linear):
    model, x = linear
    z = model(x).detach().numpy()
    hot = odin(model, x, temperature=1e5, epsilon=0)
    assert (np.argsort(hot) == np.argsort(z.mean(1) - z.max(1))).all()


def test_mahalanobis_is_the_textbook_distance_and_does_not_mind_units():
    ours = TiedGaussians.fit(FEATURES, CLASSES, ridge=0)
    centres = np.stack([FEATURES[k == CLASSES].mean(0) for k in range(3)])
    rest = FEATURES - centres[CLASSES]
    inverse = np.linalg.inv(rest.T @ rest / len(rest))
    wanted = [[mahalanobis(f, c, inverse) ** 2 for c in centres] for f in FEATURES[:20]]
    assert np.allclose(ours.distances(FEATURES[:20]), wanted)
    assert np.allclose(ours.score(FEATURES[:20]), np.min(wanted, axis=1))
    scaled = FEATURES * [1, 10, 0.1, 5, 1e3]
    assert np.allclose(
        TiedGaussians.fit(scaled, CLASSES, ridge=0).score(scaled), ours.score(FEATURES)
    )
    mean = ours.distances(FEATURES)[np.arange(300), CLASSES].mean()
    assert mean == pytest.approx(5)  # of the films it was fitted to: as many as there are features


def test_mahalanobis_survives_a_feature_that_never_changes():
    dead = np.column_stack([FEATURES, np.zeros(300)])
    assert np.isfinite(TiedGaussians.fit(dead, CLASSES).score(dead)).all()


def test_neighbours_are_those_of_a_full_table():
    known, new = FEATURES[:200], FEATURES[200:]
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (new, known)]
    wanted = np.sort(cdist(*unit), axis=1)
    for k in (1, 7, 200):
        got = Neighbours.fit(known, k).score(new, batch=30)
        assert np.allclose(got, wanted[:, k - 1], atol=1e-6)
    assert np.allclose(Neighbours.fit(known, 3).score(5 * new), Neighbours.fit(known, 3).score(new))
    assert np.allclose(Neighbours.fit(known, 1).score(known[:5]), 0, atol=1e-12)


@pytest.mark.parametrize("make", [one_class_svm, isolation_forest])
def test_boundaries_leave_few_known_films_outside_and_far_ones_all(make):
    boundary = make(FEATURES, 0.1)
    assert (boundary.score(FEATURES) > 0).mean() == pytest.approx(0.1, abs=0.05)
    assert (boundary.score(FEATURES + 100) > 0).all()
    assert (make(FEATURES, 0.1).score(FEATURES) == boundary.score(FEATURES)).all()


def test_votes_split_doubt_into_two_parts():
    agree = votes(np.array([[[0.5, 0.5]], [[0.5, 0.5]]]))
    contradict = votes(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]))
    assert agree.total == contradict.total == pytest.approx(np.log(2))
    assert (agree.between, contradict.between) == (0, pytest.approx(np.log(2)))
    some = votes(softmax(rng.normal(size=(5, 40, 6)), axis=2))
    assert np.allclose(some.total, some.within + some.between) and (some.between >= 0).all()
    divergence = (some.probability * np.log(some.probability / some.mean)).sum(2).mean(0)
    assert np.allclose(some.between, divergence)  # the mean divergence from the common answer


def test_dropout_votes_vary_repeat_and_leave_the_network_as_it_was(classifier):
    before = {k: v.clone() for k, v in classifier.model.state_dict().items()}
    state = torch.get_rng_state()
    first = dropout_votes(classifier, FILMS, passes=3, seed=2)
    assert (first.between > 0).all()
    assert (first.probability == dropout_votes(classifier, FILMS, 3, 2).probability).all()
    assert torch.equal(state, torch.get_rng_state()) and not classifier.model.training
    after = classifier.model.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)  # batch norms did not learn
    assert not any(module.training for module in classifier.model.modules())


def test_voters_without_dropout_are_refused():
    with pytest.raises(ValueError, match="no dropout"), dropping(nn.Linear(2, 2)):
        pass


def test_ensemble_of_twins_never_disagrees(classifier):
    assert np.allclose(ensemble_votes([classifier] * 2, FILMS).between, 0, atol=1e-6)


def test_appearance_names_what_it_measures():
    flat = torch.full((1, 1, 64, 64), 0.5)
    mean, contrast, black, white, edges, grain, *_ = appearance(flat)[0]
    assert (mean, contrast, black, white, edges, grain) == (0.5, 0, 0, 0, 0, 0)
    half = torch.zeros(1, 1, 64, 64)
    half[..., :32] = 1
    row = dict(zip(NUMBERS, appearance(half)[0], strict=True))
    assert row["black share"] == row["white share"] == 0.5 and row["contrast"] == 0.5
    assert row["left-right likeness"] == pytest.approx(-1)
    assert row["edges"] == pytest.approx(1 / 63 / 2)


def test_looks_find_one_strange_number():
    looks = Looks.fit(FILMS * 0.5)
    assert looks.score(FILMS * 0.5).max() < looks.score(torch.zeros(1, 1, 64, 64))[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: energy(LOGITS[0]), "one row per film"),
        (lambda: energy(LOGITS[:, :1]), "one column per class"),
        (lambda: max_softmax([[1, np.nan]]), "NaN"),
        (lambda: energy(LOGITS, 0), "temperature"),
        (lambda: entropy([[0.5, 0.6]]), "sum to 1"),
        (lambda: TiedGaussians.fit(FEATURES, CLASSES[:-1]), "one whole class number"),
        (lambda: TiedGaussians.fit(FEATURES, CLASSES - 1), "begin at 0"),
        (lambda: TiedGaussians.fit(FEATURES[:3], [0, 1, 2]), "no spread"),
        (lambda: TiedGaussians.fit(FEATURES[:4] * 0, [0, 1, 0, 1]), "nothing varies"),
        (lambda: TiedGaussians.fit(FEATURES, CLASSES).score(FEATURES[:, :4]), "same network"),
        (lambda: Neighbours.fit(FEATURES, 301), "between 1 and the 300"),
        (lambda: one_class_svm(FEATURES, 0), "share outside"),
        (lambda: isolation_forest(FEATURES[:5]), "too few"),
        (lambda: votes(softmax(LOGITS, 1)[None]), "two voters"),
        (lambda: votes(LOGITS[None].repeat(2, 0)), "softmax first"),
        (lambda: appearance(FILMS * 300), "0..1"),
        (lambda: odin(nn.Flatten(), FILMS[0]), "N, C, H, W"),
        (lambda: odin(nn.Flatten(), FILMS * float("nan")), "NaN"),
        (lambda: odin(nn.Flatten(), FILMS, epsilon=-1), "epsilon"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_log_softmax_agrees_with_scipy():
    assert np.allclose(np.log(-max_softmax(LOGITS)), log_softmax(LOGITS, axis=1).max(1))
