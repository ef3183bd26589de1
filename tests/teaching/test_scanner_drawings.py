"""Drawings of CT scanners show what is measured at the moment."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection

from course_lib.imaging.ct.generations import SCANNERS, Lattice, readings
from course_lib.teaching.scanners import filled_so_far, film_strip, scanner

LATTICE = Lattice(views=60, half=7)


@pytest.mark.parametrize("generation", [1, 2, 3, 4])
def test_the_rays_of_a_moment_start_at_one_source(generation):
    scan = readings(generation, LATTICE)
    fig, ax = plt.subplots()
    scanner(ax, scan, generation, 0.4)
    (rays,) = (item for item in ax.collections if isinstance(item, LineCollection))
    ends = np.array(rays.get_segments())
    beams = SCANNERS[generation - 1].beams if generation <= 2 else 15
    assert len(ends) == beams and np.allclose(ends[:, 0], ends[0, 0])
    assert f"generation {generation}" in ax.get_title()
    plt.close(fig)


def test_the_sinogram_fills_up_as_time_goes_by():
    scan = readings(3, LATTICE)
    values = np.ones(len(scan.ray))
    known = [np.isfinite(filled_so_far(scan, values, share)).mean() for share in (0.1, 0.5, 1.0)]
    assert 0 < known[0] < known[1] < known[2] == 1


def test_a_film_strip_has_a_row_per_generation_and_a_column_per_moment():
    fig = film_strip({g: readings(g, LATTICE) for g in (1, 3)}, [0.0, 0.5, 1.0])
    assert len(fig.axes) == 6
    plt.close(fig)
