"""Four generations of scanners: other orders, other times, the same sinogram."""

import numpy as np
import pytest

from course_lib.imaging.ct.generations import Lattice, readings, scan_seconds
from course_lib.imaging.ct.geometry import lines
from course_lib.imaging.rays import line_lengths
from course_lib.patient.solids import Part, ellipsoids

BODY = (
    Part("body", "soft_tissue", "air", ellipsoids([10, -8, 0], [150, 100, 90])),
    Part("tumour", "blood", "soft_tissue", ellipsoids([40, 20, 5], [22, 15, 18])),
)
SMALL = Lattice(views=60, half=7)


def measured(scan):
    """Path lengths in blood between the source and the element of every reading."""
    way = scan.element - scan.source
    way = way / np.linalg.norm(way, axis=1, keepdims=True)
    flat = np.zeros((len(way), 1))
    return line_lengths(BODY, np.hstack([scan.source, flat]), np.hstack([way, flat]))["blood"]


def exact(lattice):
    origins, directions = lines(lattice.angles_deg[:, None], lattice.positions_mm, 0.0)
    lengths = line_lengths(BODY, origins.reshape(-1, 3), directions.reshape(-1, 3))["blood"]
    return lengths.reshape(lattice.views, -1)


@pytest.mark.parametrize("generation", [1, 2, 3, 4])
def test_every_generation_gives_the_exact_sinogram_after_sorting(generation):
    scan = readings(generation, SMALL)
    assert np.allclose(scan.sorted_sinogram(measured(scan)), exact(SMALL), atol=1e-7)


@pytest.mark.parametrize("generation", [1, 2, 3, 4])
def test_sources_and_elements_lie_on_their_lines_outside_the_patient(generation):
    scan = readings(generation, SMALL)
    theta = np.radians(scan.angles_deg)
    normal = np.stack([np.cos(theta), np.sin(theta)], -1)
    for end in (scan.source, scan.element):
        assert np.allclose((end * normal).sum(1), scan.positions_mm)
        assert np.linalg.norm(end, axis=1).min() > SMALL.positions_mm[-1]
    assert np.all(np.diff(scan.time_s) >= 0)


def test_turning_scanners_see_every_line_twice_and_sweeping_ones_once():
    lines_of = SMALL.views * (2 * SMALL.half + 1)
    assert [len(readings(g, SMALL).ray) for g in (1, 2, 3, 4)] == [
        lines_of, lines_of, 2 * lines_of, 2 * lines_of,
    ]  # fmt: skip
    half = readings(3, SMALL)
    half = half.chosen(half.time_s <= half.time_s.max() / 2)
    assert np.isnan(half.sorted_sinogram(measured(half))).any()  # half a turn is not enough


def test_a_scan_took_minutes_then_seconds():
    """Hounsfield (1973): 4.5 to 5 minutes; second generation: about 20 seconds."""
    seconds = [scan_seconds(generation) for generation in (1, 2, 3, 4)]
    assert 240 < seconds[0] < 300 and 15 < seconds[1] < 30
    assert seconds[2] == seconds[3] == pytest.approx(4.0)


def test_sources_slide_on_rails_or_turn_and_rings_stand_still():
    sweep = readings(2, SMALL)
    middle = sweep.chosen(sweep.angle < 10)
    assert np.linalg.matrix_rank(middle.source - middle.source[0], tol=1e-6) == 1  # a straight rail
    for generation in (3, 4):
        turned = readings(generation, SMALL)
        assert np.allclose(np.linalg.norm(turned.source, axis=1), 570)
    ring = readings(4, SMALL).element
    assert np.allclose(np.linalg.norm(ring, axis=1), 570)
    number = np.degrees(np.arctan2(ring[:, 1], ring[:, 0])) / SMALL.step_deg
    assert np.allclose(number, np.round(number))  # elements stand one lattice step apart


def test_a_fifth_generation_is_refused():
    with pytest.raises(ValueError, match="four generations"):
        readings(5)
    with pytest.raises(ValueError, match="narrower"):
        Lattice(views=10, half=9)
