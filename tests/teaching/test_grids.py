"""Drawings of windows count as the formulas do."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.models.arithmetic.sizes import convolution_size
from course_lib.teaching.grids import connections, numbers, sliding_window


@pytest.mark.parametrize("i, k, p, s, d", [(5, 3, 0, 1, 1), (5, 4, 2, 1, 1), (7, 3, 1, 2, 2)])
def test_a_window_has_all_its_weights_and_all_positions(i, k, p, s, d):
    o = convolution_size(i, k, p, s, d)
    for position in (0, o * o - 1, 10_000):
        fig = sliding_window(i, k, p, s, d, position)
        left, right = fig.axes
        taps = np.array([line.get_xydata()[0] for line in left.lines])
        assert len(taps) == k * k
        assert taps.min() >= 0 and taps.max() < i + 2 * p
        assert len(right.patches) == o * o + 1
        plt.close(fig)


def test_a_kernel_that_does_not_fit_says_so():
    fig = sliding_window(3, 5, 0, 1, 1, 0)
    assert "does not fit" in fig.axes[0].get_title()
    plt.close(fig)


def test_connections_are_as_many_as_the_titles_say():
    fig = connections(9, 3)
    assert [len(ax.lines) for ax in fig.axes] == [81, 21, 21]
    colours = {line.get_color() for line in fig.axes[2].lines}
    assert len(colours) == 3  # three weights
    plt.close(fig)


def test_numbers_are_written():
    fig, ax = plt.subplots()
    numbers(ax, np.arange(6).reshape(2, 3), marked=np.eye(2, 3, dtype=bool))
    assert [t.get_text() for t in ax.texts] == list("012345")
    plt.close(fig)
