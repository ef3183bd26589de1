"""The drawing of the tube shows what it claims: a longer way through metal towards the anode."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.teaching import drawings
from course_lib.teaching.figures import COLOURS, png_bytes


def test_way_through_the_metal_grows_towards_the_anode():
    figure = drawings.tube()
    thick = {line.get_color(): line.get_xydata() for line in figure.axes[0].lines}
    lengths = [np.linalg.norm(np.diff(thick[COLOURS[i]], axis=0)) for i in (2, 0, 1)]
    plt.close(figure)
    assert lengths[0] < lengths[1] < lengths[2]


def test_the_drawing_is_the_same_each_time():
    assert png_bytes(drawings.tube()) == png_bytes(drawings.tube())


def test_odd_angles_are_refused():
    with pytest.raises(ValueError, match="10-30 degrees"):
        drawings.tube(80)
