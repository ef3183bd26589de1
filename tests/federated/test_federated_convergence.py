"""Bowls: the closed forms agree with steps taken one by one."""

import numpy as np
import pytest

from course_lib.federated.convergence import (
    bowls,
    contraction,
    local_path,
    optimum,
    proximal_point,
    resting_point,
    rounds_path,
    total_loss,
)

TWO = bowls([1, 9], [0, 1])


@pytest.mark.parametrize(("steps", "where"), [(1, 0.9), (5, 0.8076189585), (10**6, 0.5)])
def test_the_worked_example(steps: int, where: float) -> None:
    assert optimum(TWO) == pytest.approx(0.9)
    assert resting_point(TWO, 0.05, steps) == pytest.approx(where, abs=1e-9)


def test_the_optimum_has_the_least_loss() -> None:
    best = optimum(TWO)
    assert all(total_loss(TWO, best) < total_loss(TWO, best + gap) for gap in (-0.01, 0.01))


def test_a_path_is_its_steps() -> None:
    random = np.random.default_rng(0)
    a, c, cases = random.uniform(0.5, 3, (4, 2)), random.normal(size=(4, 2)), [10, 20, 5, 65]
    hospitals, start, mu, rate = bowls(a, c, cases), np.array([0.3, -1.0]), 0.7, 0.1
    w = np.tile(start, (4, 1))
    path = local_path(hospitals, start, rate, 6, mu)
    for step in range(7):
        assert path[step] == pytest.approx(w, abs=1e-12)
        w = w - rate * (a * (w - c) + mu * (w - start))
    mean = (np.array(cases)[:, None] / 100 * path[-1]).sum(0)
    assert rounds_path(hospitals, start, rate, 6, 1, mu)[1] == pytest.approx(mean)


@pytest.mark.parametrize("mu", [0.0, 2.0])
def test_rounds_come_to_rest_where_the_formula_says_and_as_fast(mu: float) -> None:
    path = rounds_path(TWO, [0.0], 0.05, 5, 200, mu)
    rest = resting_point(TWO, 0.05, 5, mu)
    assert path[-1] == pytest.approx(rest, abs=1e-12)
    gaps = path[:6] - rest
    assert gaps[1:] / gaps[:-1] == pytest.approx(
        np.tile(contraction(TWO, 0.05, 5, mu), (5, 1)), abs=1e-9
    )


def test_endless_training_ends_at_the_proximal_point() -> None:
    for mu in (0.0, 1.0, 10.0):
        end = local_path(TWO, [0.3], 0.05, 5000, mu)[-1]
        assert end == pytest.approx(proximal_point(TWO, [0.3], mu), abs=1e-9)


def test_a_pull_back_brings_the_resting_point_nearer_to_the_optimum() -> None:
    away = [abs(float(resting_point(TWO, 0.05, 50, mu)[0]) - 0.9) for mu in (0, 1, 5)]
    assert away == sorted(away, reverse=True)


@pytest.mark.parametrize("wrong", [([1, 0], [0, 1]), ([1, 2, 3], [0, 1]), ([1, np.nan], [0, 1])])
def test_impossible_bowls_are_refused(wrong) -> None:
    with pytest.raises(ValueError):
        bowls(*wrong)
    with pytest.raises(ValueError):
        resting_point(TWO, -0.1, 5)
