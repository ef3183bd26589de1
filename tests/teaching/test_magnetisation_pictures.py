"""Arrows of magnetisation stand on the page where the vectors point."""

import matplotlib.pyplot as plt
import numpy as np

from course_lib.teaching.magnetisation import draw_arrows, on_paper


def test_the_field_points_up_and_no_arrow_leaves_the_globe():
    assert on_paper(np.array([0.0, 0, 1]))[0] == 0
    assert on_paper(np.array([0.0, 0, 1]))[1] > 0.9
    directions = np.random.default_rng(0).normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert np.linalg.norm(on_paper(directions), axis=1).max() <= 1 + 1e-12


def test_several_spins_get_an_arrow_each_and_one_for_their_mean():
    fig, ax = plt.subplots()
    draw_arrows(ax, np.array([[1.0, 0, 0], [0, 1, 0], [0, 0.6, 0.8]]), "three")
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 4
    assert ax.get_title() == "three"
    plt.close(fig)
