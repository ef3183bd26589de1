"""FROC by hand: hits count once, misses of the lesion are false marks."""

from typing import NamedTuple

import numpy as np
import pytest

from course_lib.evaluation.free_response import free_response


class Place(NamedTuple):
    row: int
    column: int
    score: float


def two_films():
    first, second = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    first[2:5, 2:5] = True
    first[12:15, 12:15] = True  # two lesions on the first film, none on the second
    marks = [
        [Place(3, 3, 0.9), Place(3, 4, 0.8), Place(13, 13, 0.4), Place(18, 3, 0.6)],
        [Place(10, 10, 0.7)],
    ]
    return marks, [first, second]


def test_the_curve_of_a_small_example():
    curve = free_response(*two_films())
    assert curve.thresholds.tolist() == [0.9, 0.7, 0.6, 0.4]
    assert curve.sensitivity.tolist() == [0.5, 0.5, 0.5, 1.0]
    assert curve.false_per_film.tolist() == [0, 0.5, 1, 1]
    assert curve.sensitivity_at(0.5) == 0.5 and curve.sensitivity_at(1) == 1


def test_reach_lets_a_near_mark_count():
    marks, lesions = two_films()
    marks[0][2] = Place(13, 16, 0.4)  # two pixels beside the second lesion
    assert free_response(marks, lesions).sensitivity[-1] == 0.5
    assert free_response(marks, lesions, reach=2).sensitivity[-1] == 1


def test_both_ends():
    _, lesions = two_films()
    assert free_response([[], []], lesions).sensitivity.size == 0
    assert free_response([[], []], lesions).sensitivity_at(1) == 0
    with pytest.raises(ValueError, match="No film shows a lesion"):
        free_response([[]], [np.zeros((5, 5))])
    with pytest.raises(ValueError, match="1 films"):
        free_response([[]], lesions)
