"""The perceptron stops when a line exists, within Novikoff's bound, and never for XOR."""

import numpy as np
import pytest

from course_lib.models.basics import perceptron

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def two_clouds(seed: int, gap: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(80, 3))
    direction = np.array([1.0, -2.0, 0.5]) / np.sqrt(5.25)
    labels = (points @ direction > 0.2).astype(int)
    return points + gap * np.outer(np.where(labels, 0.5, -0.5), direction), labels


@pytest.mark.parametrize("seed", range(5))
def test_it_converges_within_the_bound(seed):
    points, labels = two_clouds(seed)
    history = perceptron.learn(points, labels)
    assert history.converged
    assert (perceptron.fires(history.final, points) == labels).all()
    bound = perceptron.most_mistakes(points, labels, history.final)
    best = perceptron.most_mistakes(points, labels, [1.0, -2.0, 0.5, -0.2 * np.sqrt(5.25)])
    assert 0 < len(history.chosen) <= min(bound, best)


def test_every_update_adds_or_subtracts_the_case_it_got_wrong():
    points, labels = two_clouds(1)
    history = perceptron.learn(points, labels)
    cases = perceptron.with_one(points)
    for before, after, place in zip(
        history.weights[:-1], history.weights[1:], history.chosen, strict=True
    ):
        sign = 1 if labels[place] else -1
        assert sign * (before @ cases[place]) <= 0
        assert np.allclose(after - before, sign * cases[place])


@pytest.mark.parametrize("answers", [[0, 1, 1, 0], [1, 0, 0, 1]])
def test_xor_never_ends(answers):
    history = perceptron.learn(XOR, answers, most_updates=500)
    assert not history.converged and len(history.chosen) == 500
    seen = {tuple(w) for w in history.weights}
    assert len(seen) < 50, "it comes back to weights it had before: it runs in a circle"


def test_and_and_or_are_learned():
    for answers in ([0, 0, 0, 1], [0, 1, 1, 1]):
        assert perceptron.learn(XOR, answers).converged


def test_a_line_that_does_not_separate_gives_no_bound():
    assert perceptron.margin(XOR, [0, 1, 1, 0], [1.0, 1.0, -0.5]) < 0
    with pytest.raises(ValueError, match="do not separate"):
        perceptron.most_mistakes(XOR, [0, 1, 1, 0], [1.0, 1.0, -0.5])
    with pytest.raises(ValueError, match="0 or 1"):
        perceptron.learn(XOR, [-1, 1, 1, -1])
    with pytest.raises(ValueError, match="features"):
        perceptron.learn([1.0, 2.0], [0, 1])


def test_net_of_zero_is_silent_and_a_silent_case_that_should_be_silent_changes_nothing():
    history = perceptron.learn([[2.0], [3.0]], [0, 1])  # weights are zero at the first case
    assert history.chosen[0] == 1
    assert np.array_equal(history.weights[1], [3.0, 1.0])
