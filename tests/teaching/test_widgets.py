"""Explorers answer every move, at every end, and their stored picture carries alt text."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_lib.teaching import figures, widgets


def grey(level, dark=False, word="a"):
    return np.full((4, 6), 0.0 if dark else level / 10)


@pytest.fixture
def explorer():
    return widgets.Explorer(grey, {"level": (0, 10, 1, 5), "dark": False, "word": ["a", "b"]})


def pixel(png: bytes) -> int:
    return int(np.asarray(Image.open(io.BytesIO(png)))[0, 0])


def test_a_move_changes_the_picture(explorer):
    assert pixel(explorer.picture.value) == 128
    explorer.controls["level"].value = 10
    assert pixel(explorer.picture.value) == 255
    explorer.controls["dark"].value = True
    assert pixel(explorer.picture.value) == 0


def test_every_end_is_drawn(explorer, monkeypatch):
    seen = []
    monkeypatch.setattr(explorer, "draw", lambda **v: seen.append(tuple(v.values())) or grey(1))
    assert explorer.try_ends() == len(seen) == 6
    assert {(0, False, "a"), (10, False, "a"), (5, True, "a"), (5, False, "b")} <= set(seen)


def test_an_error_of_the_drawing_is_shown_and_raised(explorer):
    explorer.draw = lambda **_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        explorer.controls["level"].value = 7
    assert "ZeroDivisionError" in explorer.message.value


def test_bad_controls_and_pictures_are_refused():
    with pytest.raises(ValueError, match="min, max, step, start"):
        widgets.Explorer(grey, {"level": (0, 1)})
    with pytest.raises(ValueError, match="shape"):
        widgets.to_png(np.zeros((2, 2, 3)))


def test_stored_picture_has_alt_text(monkeypatch):
    shown = []
    monkeypatch.setattr(widgets, "display", lambda data, **k: shown.append((data, k)))
    widgets.explore(grey, alt="a grey field", level=(0, 10, 1, 5))
    data, extra = shown[0]
    assert extra["metadata"]["image/png"]["alt"] == "a grey field"
    assert {"image/png", "application/vnd.jupyter.widget-view+json"} <= set(data)


def test_same_figure_same_bytes():
    def draw():
        fig, ax = plt.subplots()
        ax.plot([1, 2])
        return figures.png_bytes(fig)

    assert draw() == draw()


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        figures.show(plt.figure(), alt=" ")


def test_colours_stay_apart_for_colour_blind_readers():
    """Every pair of course colours differs clearly in lightness or after red-green confusion."""
    protan = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in figures.COLOURS])
    seen = (rgb**2.2) @ protan.T
    gaps = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(gaps) > 0.04


def test_compact_pictures_lose_nothing():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colour = np.stack([grey, grey.T, grey[::-1], np.full_like(grey, 255)], -1)
    for array, mode in ((np.stack([grey] * 3, -1), "L"), (colour, "RGB")):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, format="png")
        small = Image.open(io.BytesIO(figures.compact(buffer.getvalue())))
        assert small.mode == mode
        assert np.array_equal(np.asarray(small.convert("RGB")), array[..., :3])
