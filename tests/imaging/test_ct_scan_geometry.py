"""CT geometry: sinograms in closed form, fan beams, rebinning."""

import numpy as np
import pytest

from course_lib.imaging.ct.geometry import FanBeam, ParallelBeam, lines
from course_lib.imaging.ct.rebinning import interleave, rebin
from course_lib.imaging.ct.sinogram import attenuation_sinogram, between, tissue_sinogram
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.rays import line_lengths
from course_lib.patient.cohort import sample_patient
from course_lib.patient.solids import Part, ellipsoids
from course_lib.patient.voxels import Grid, tissue_volumes

BODY = Part("body", "soft_tissue", "air", ellipsoids([10, -8, 0], [150, 100, 90]))
TUMOUR = Part("tumour", "blood", "soft_tissue", ellipsoids([40, 20, 5], [22, 15, 18]))
PARTS = (BODY, TUMOUR)


def test_a_point_draws_a_sinusoid():
    x, y = 70.0, -40.0
    beam = ParallelBeam(views=90, detectors=401, spacing_mm=0.5)
    point = Part("point", "calcification", "air", ellipsoids([x, y, 0], [1, 1, 1]))
    sinogram = tissue_sinogram((point,), 0.0, beam)["calcification"]
    theta = np.radians(beam.angles_deg)
    where = beam.positions_mm[sinogram.argmax(1)]
    assert np.allclose(where, x * np.cos(theta) + y * np.sin(theta), atol=0.26)


def test_an_ellipse_has_its_known_projection():
    """Kak and Slaney (1988), equation 3.5: 2 A B sqrt(a^2 - s^2) / a^2."""
    beam = ParallelBeam(views=40, detectors=101, spacing_mm=4.0)
    sinogram = tissue_sinogram((BODY,), 0.0, beam)["soft_tissue"]
    theta, s = (np.radians(beam.angles_deg)[:, None], beam.positions_mm)
    s = s - (10 * np.cos(theta) - 8 * np.sin(theta))
    width = (150 * np.cos(theta)) ** 2 + (100 * np.sin(theta)) ** 2
    expected = 2 * 150 * 100 * np.sqrt(np.maximum(width - s**2, 0)) / width
    assert np.allclose(sinogram, expected, atol=1e-5)  # where rays graze, a root of rounding errors


def test_every_view_holds_the_same_mass():
    beam = ParallelBeam(views=12, detectors=400, spacing_mm=1.0)
    sums = tissue_sinogram(PARTS, 0.0, beam)["soft_tissue"].sum(1)
    assert np.allclose(sums, sums[0], rtol=1e-3)


def test_opposite_views_see_the_same_lines():
    beam = ParallelBeam(views=36, detectors=64, spacing_mm=5.0, arc_deg=360.0)
    sinogram = tissue_sinogram(PARTS, 0.0, beam)["blood"]
    assert np.allclose(sinogram[:18], sinogram[18:, ::-1], atol=1e-9)


def test_a_patients_slice_agrees_with_its_voxels():
    patient = on_the_table(sample_patient(6))
    step = 1.0
    grid = Grid((-259.5, -149.5, -40.0), (step, step, 1.0), (1, 300, 520))
    volumes = tissue_volumes(between(patient.solids, -40, -40), grid)
    front = ParallelBeam(1, 520, step)  # rays run along y, at the columns of the grid
    side = ParallelBeam(1, 300, step, first_deg=90.0)  # and along x, at its rows
    for beam, axis in ((front, 0), (side, 1)):
        lengths = tissue_sinogram(patient.solids, -40.0, beam)
        for tissue, volume in volumes.items():
            error = np.abs(lengths[tissue][0] - step * volume[0].sum(axis))
            assert error.mean() < 1.0, (tissue, axis)


def test_leaving_out_far_pieces_changes_nothing():
    patient = sample_patient(2)
    origins, directions = lines(np.linspace(0, 175, 30), np.linspace(-100, 100, 30), -60.0)
    near = between(patient.solids, -60, -60)
    count = sum(len(part.geometry) for part in near if hasattr(part.geometry, "centre"))
    assert count < 500
    some, whole = (line_lengths(p, origins, directions) for p in (near, patient.solids))
    assert all(np.allclose(some[tissue], whole[tissue], atol=1e-6) for tissue in some)
    assert all(np.abs(whole[tissue]).max() < 1e-6 for tissue in set(whole) - set(some))


def test_fan_rays_start_at_the_source_and_lie_on_their_lines():
    fan = FanBeam(views=8, detectors=5, spacing_mm=60.0)
    theta, s = fan.coordinates()
    x, y = fan.sources_mm.T
    distance = x[:, None] * np.cos(np.radians(theta)) + y[:, None] * np.sin(np.radians(theta))
    assert np.allclose(distance, s)
    assert np.allclose(fan.sources_mm[0], [0, -570])  # above the chest
    assert np.allclose(fan.sources_mm[2], [570, 0])  # then at the patient's left
    assert np.all(np.diff(fan.positions_mm) > 0)


@pytest.mark.parametrize("arc", [360.0, 235.0])
def test_rebinned_fans_equal_the_exact_parallel_sinogram(arc):
    fan = FanBeam(views=720, detectors=384, spacing_mm=1.0, arc_deg=arc)
    parallel = ParallelBeam(views=90, detectors=300, spacing_mm=1.2)
    exact = tissue_sinogram(PARTS, 0.0, parallel)["blood"]
    measured = tissue_sinogram(PARTS, 0.0, fan)["blood"]
    for order in (1, 3):
        error = np.abs(rebin(measured, fan, parallel, order) - exact)
        assert error.mean() < 0.013  # the mean length is 5 mm
        assert error[exact > 20].max() < 0.25  # away from the rim, where shadows rise like a root


def test_rebinning_gets_better_with_finer_sampling():
    parallel = ParallelBeam(views=30, detectors=200, spacing_mm=1.8)
    exact = tissue_sinogram(PARTS, 0.0, parallel)["blood"]
    errors = []
    for views, detectors in ((180, 128), (360, 256), (720, 512)):
        fan = FanBeam(views, detectors, 384 / detectors)
        measured = tissue_sinogram(PARTS, 0.0, fan)["blood"]
        errors.append(np.abs(rebin(measured, fan, parallel) - exact).mean())
    assert errors[1] < 0.6 * errors[0] and errors[2] < 0.6 * errors[1]


def test_rebinning_in_the_wrong_direction_would_be_seen():
    fan, parallel = FanBeam(views=360, detectors=257), ParallelBeam(views=60, detectors=257)
    exact = tissue_sinogram(PARTS, 0.0, parallel)["blood"]
    mirrored = rebin(tissue_sinogram(PARTS, 0.0, fan)["blood"][:, ::-1], fan, parallel)
    assert np.abs(mirrored - exact).mean() > 1.0


def test_a_quarter_of_an_element_doubles_the_sampling():
    for shift in (0.25, -0.25):
        beam = ParallelBeam(24, 60, 6.0, arc_deg=360.0, shift=shift)
        values, denser = interleave(tissue_sinogram(PARTS, 0.0, beam)["blood"], beam)
        assert denser.spacing_mm == 3.0
        assert np.allclose(values, tissue_sinogram(PARTS, 0.0, denser)["blood"], atol=1e-9)


def test_line_integrals_are_attenuation_times_length():
    lengths = {"water": np.full((2, 3), 10.0), "fat": np.full((2, 3), 0.0)}
    assert np.allclose(attenuation_sinogram(lengths, 70.0), 0.193, rtol=0.01)


def test_impossible_scans_are_refused():
    with pytest.raises(ValueError, match="needs views and detectors"):
        ParallelBeam(views=0)
    with pytest.raises(ValueError, match="must be positive"):
        ParallelBeam(spacing_mm=-1.0)
    with pytest.raises(ValueError, match="too wide"):
        FanBeam(detectors=2000)
    with pytest.raises(ValueError, match="misses some lines"):
        fan = FanBeam(views=90, arc_deg=180.0)
        rebin(np.zeros((90, 288)), fan, ParallelBeam())
    with pytest.raises(ValueError, match="gives 600 x 288"):
        rebin(np.zeros((3, 3)), FanBeam(), ParallelBeam())
    with pytest.raises(ValueError, match="outside the source's circle"):
        rebin(np.zeros((600, 288)), FanBeam(), ParallelBeam(detectors=900))
    with pytest.raises(ValueError, match="quarter|shift"):
        interleave(np.zeros((300, 288)), ParallelBeam())
    with pytest.raises(ValueError, match="no tissue"):
        attenuation_sinogram({}, 70.0)
