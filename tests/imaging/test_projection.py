"""Path lengths: closed forms against ray marching, voxels and geometry."""

import numpy as np
import pytest

from course_lib.imaging.geometry import film_geometry
from course_lib.imaging.projection import part_length, part_lengths, path_lengths
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.patient.solids import (
    Compound,
    Part,
    box_ellipsoid,
    chains,
    ellipsoids,
    join,
    rotation,
    spline,
)
from course_lib.patient.voxels import Grid, tissue_volumes

CENTRE = np.array([5.0, 0.0, 0.0])


def some_pieces():
    rng = np.random.default_rng(0)
    return join(
        ellipsoids(rng.normal(0, 40, (3, 3)), rng.uniform(20, 60, (3, 3)), rotation(20, 40, 10)),
        chains(spline([[0, 0, 0], [40, 30, 20], [60, -20, 80]], 12), 8.0, 0.6),
        box_ellipsoid([-40, 20, -30], (30, 20, 40), 12, axis=(0.2, 0, 1)),
    )


def marched(solid, geometry, step_mm=0.25):
    """Numeric path lengths: count the steps of every ray that lie inside."""
    u, v = geometry.axes_mm()
    film = (
        u[None, :, None] * geometry.right
        + v[:, None, None] * geometry.down
        + geometry.centre
        + geometry.film_mm * geometry.beam
    )
    if geometry.source_mm is None:
        direction = np.broadcast_to(geometry.beam, film.shape)
    else:
        direction = film - geometry.source
        direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    steps = np.arange(-geometry.film_mm - 250, -geometry.film_mm + 250, step_mm)
    result = np.zeros(geometry.shape)
    for row in range(len(v)):
        points = film[row, :, None, :] + steps[:, None] * direction[row, :, None, :]
        inside = solid.inside(points.reshape(-1, 3))
        inside = inside.sum(0) if inside.ndim == 2 else inside
        result[row] = inside.reshape(len(u), -1).sum(1) * step_mm
    return result


@pytest.mark.parametrize("source", [None, 900.0])
@pytest.mark.parametrize("view", ["PA", "AP", "LAT"])
def test_pieces_and_compounds_against_ray_marching(view, source):
    geometry = film_geometry(view, CENTRE, 24, 160.0, source, rotation_deg=15)
    pieces = some_pieces()
    compound = Compound(pieces[:3], within=ellipsoids([0, 0, 0], [80, 60, 70]), minus=pieces[3:])
    for solid in (pieces, compound):
        exact = part_length(solid, geometry)
        assert exact.max() > 60
        assert np.abs(exact - marched(solid, geometry)).max() < 0.8  # two steps per piece at most


def test_large_shadows_and_small_ones_take_the_same_values():
    pieces = some_pieces()  # at 256 pixels their shadows are large, at 32 they are small
    fine = part_length(pieces, film_geometry("PA", CENTRE, 288, 144.0, 1500.0))
    coarse = part_length(pieces, film_geometry("PA", CENTRE, 32, 144.0, 1500.0))
    assert np.allclose(fine[4::9, 4::9], coarse, atol=2e-3)


def test_sphere_has_its_diameter_and_its_volume():
    ball = ellipsoids([0, 0, 0], [50, 50, 50])
    geometry = film_geometry("PA", np.zeros(3), 201, 201.0)
    length = part_length(ball, geometry)
    assert length[100, 100] == pytest.approx(100, rel=1e-6)
    assert length.sum() == pytest.approx(4 / 3 * np.pi * 50**3, rel=1e-3)  # 1 mm2 pixels
    u, v = geometry.axes_mm()
    inside = u[None] ** 2 + v[:, None] ** 2 < 49**2
    expected = 2 * np.sqrt(np.maximum(50**2 - u[None] ** 2 - v[:, None] ** 2, 0))
    assert np.allclose(length[inside], expected[inside], atol=1e-2)


@pytest.mark.parametrize("distance", [60.0, -60.0])
def test_magnification_is_source_to_film_over_source_to_object(distance):
    ball = ellipsoids([0, distance, 0], [20, 20, 20])  # behind or in front of the middle
    geometry = film_geometry("PA", np.zeros(3), 400, 160.0, 1000.0, film_distance_mm=150.0)
    shadow = part_length(ball, geometry) > 0
    width = shadow[200].sum() * geometry.spacing_mm
    to_object = 1000.0 - 150.0 - distance  # the source is behind the patient (PA)
    silhouette = 2 * 1000 * np.tan(np.arcsin(20 / to_object))
    assert width == pytest.approx(silhouette, abs=0.9)


def test_heart_is_larger_on_an_ap_film_than_on_a_pa_film():
    patient = sample_patient(3, sex="M")
    widths = []
    for view in ("PA", "AP"):
        rays = path_lengths(patient, view, 128, 400.0, 1000.0, texture=False)
        widths.append((rays.lengths["blood"] > 30).any(0).sum())
    assert widths[1] > 1.04 * widths[0]


def test_thin_tubes_keep_their_cross_section_at_any_pixel_size():
    vessel = chains(np.array([[0, 0, -60], [7, 0, 0], [0, 0, 60.0]]), 0.7)
    sums = []
    for size in (32, 64, 128, 1024):
        geometry = film_geometry("PA", np.zeros(3), size, 256.0)
        sums.append(part_length(vessel, geometry).sum() * geometry.spacing_mm**2)
    assert np.allclose(sums, sums[-1], rtol=0.03)


def test_a_patients_rays_agree_with_its_voxels():
    patient = sample_patient(6)
    parts = tuple(p for p in patient.solids if isinstance(p.geometry, Compound))
    parts += tuple(p for p in patient.solids if p.name in ("heart", "liver", "aorta"))
    grid = Grid((-96, -180, -96), (6.0, 2.0, 6.0), (33, 190, 33))
    volumes = tissue_volumes(parts, grid)
    geometry = film_geometry("PA", np.zeros(3), 33, 33 * 6.0)
    lengths = part_lengths(parts, geometry)
    assert set(lengths) == set(volumes)
    for tissue, volume in volumes.items():
        summed = volume.sum(1)[::-1] * 2.0  # z runs upwards, rows run downwards
        error = np.abs(lengths[tissue] - summed)
        assert np.median(error) < 2.5 and error.mean() < 2.5  # steps of 2 mm, two per solid


def test_tissues_add_and_displace_with_their_fraction():
    ball = ellipsoids([0, 0, 0], [30, 30, 30])
    parts = (
        Part("body", "soft_tissue", "air", ball),
        Part("gas", "air", "soft_tissue", ellipsoids([0, 0, 0], [10, 10, 10])),
        Part("haze", "blood", "soft_tissue", ellipsoids([0, 0, 0], [5, 5, 5]), 0.25),
    )
    lengths = part_lengths(parts, film_geometry("PA", np.zeros(3), 65, 65.0))
    assert "air" not in lengths
    assert lengths["soft_tissue"][32, 32] == pytest.approx(60 - 20 - 2.5, abs=1e-3)
    assert lengths["blood"][32, 32] == pytest.approx(2.5, abs=1e-3)


def test_patients_left_is_on_the_images_right_and_head_is_up():
    ill = FINDINGS["mass"](sample_patient(8), severity=0.8, side="left", seed=2)
    mask = path_lengths(ill, "PA", 64).masks["mass"]
    assert mask.any() and np.argwhere(mask)[:, 1].mean() > 34
    lateral = film_geometry("LAT", np.zeros(3), 65, 200.0)
    spine = part_length(ellipsoids([0, 60, 70], [10, 10, 10]), lateral)
    row, column = np.argwhere(spine > 0).mean(0)
    assert column > 40 and row < 25  # back on the right, head above


def test_masks_are_the_findings_own_shadow():
    patient = sample_patient(9)
    ill = FINDINGS["nodule"](patient, severity=1.0, side="right", seed=1)
    rays, healthy = (path_lengths(p, "PA", 256, texture=False) for p in (ill, patient))
    changed = np.abs(rays.lengths["soft_tissue"] - healthy.lengths["soft_tissue"]) > 1.5
    assert np.array_equal(rays.masks["nodule"], changed)


def test_texture_is_the_same_pattern_at_every_size_and_keeps_the_mass():
    patient = sample_patient(10)
    smooth, rough = (path_lengths(patient, "PA", 256, texture=t).lengths for t in (False, True))
    difference = rough["lung"] - smooth["lung"]
    assert np.abs(difference).max() > 1.0
    assert np.allclose(difference, smooth["soft_tissue"] - rough["soft_tissue"], atol=1e-3)
    larger = path_lengths(patient, "PA", 512).lengths["lung"]
    larger = larger - path_lengths(patient, "PA", 512, texture=False).lengths["lung"]
    coarse = larger.reshape(256, 2, 256, 2).mean((1, 3))
    assert np.corrcoef(coarse.ravel(), difference.ravel())[0, 1] > 0.9


def test_wrong_views_and_sizes_are_refused():
    patient = sample_patient(1)
    with pytest.raises(ValueError, match="View must be one of PA, AP, LAT"):
        path_lengths(patient, "OBLIQUE")
    with pytest.raises(ValueError, match="at least 16"):
        path_lengths(patient, size=4)
