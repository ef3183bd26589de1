"""Curves that grow: one picture, whatever the number of points, and with words beside it."""

import base64

import pytest

from course_lib.teaching import live
from course_lib.teaching.live import LiveCurves


class Handle:
    """Stands for the place of a picture in a notebook."""

    def __init__(self) -> None:
        self.updates: list[dict] = []

    def update(self, bundle, **_) -> None:
        self.updates.append(bundle)


@pytest.fixture
def shown(monkeypatch):
    """What was shown first, and the handle that got the later pictures."""
    handle, first = Handle(), []

    def display(bundle, **about):
        first.append((bundle, about))
        return handle

    monkeypatch.setattr(live, "display", display)
    return first, handle


def test_one_picture_is_renewed_and_ends_with_all_points(shown, monkeypatch) -> None:
    monkeypatch.setattr(live, "PAUSE_S", 0)
    first, handle = shown
    curves = LiveCurves(alt="accuracy", xlabel="round", ylabel="accuracy", ylim=(0, 1))
    for number in range(3):
        curves.add("a", number, 0.1 * number)
    curves.finish()
    assert len(first) == 1 and len(handle.updates) == 3
    assert base64.b64decode(handle.updates[-1]["image/png"]).startswith(b"\x89PNG")
    assert first[0][1]["metadata"] == {"image/png": {"alt": "accuracy"}}
    (line,) = curves.figure().axes[0].lines
    assert line.get_xdata().tolist() == [0, 1, 2] and line.get_label() == "a"


def test_points_that_come_fast_are_drawn_together(shown, monkeypatch) -> None:
    monkeypatch.setattr(live, "PAUSE_S", 1000)
    first, handle = shown
    curves = LiveCurves(alt="accuracy", xlabel="round", ylabel="accuracy")
    curves._drawn = live.time.monotonic()
    for number in range(50):
        curves.add("a", number, 0.5)
    assert not first
    curves.finish()
    assert len(first) == 1 and not handle.updates


def test_a_picture_needs_words() -> None:
    with pytest.raises(ValueError, match="alt text"):
        LiveCurves(alt=" ", xlabel="round", ylabel="accuracy")
