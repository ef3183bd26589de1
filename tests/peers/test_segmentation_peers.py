"""Segmentation measures against surface-distance, MONAI, and two readers' real organ masks."""

import gzip
import json
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.ndimage
from scipy.ndimage import gaussian_filter

from course_lib.evaluation.overlap import overlap
from course_lib.evaluation.surface_distance import hausdorff_percentile, surface_distances

SPACING = (2.5, 0.97, 0.8)


def blobs(seed):
    random = np.random.default_rng(seed)
    base = gaussian_filter(random.normal(size=(14, 30, 26)), 2.5)
    other = base + 0.5 * gaussian_filter(random.normal(size=base.shape), 2.5)
    return base > 0.03, other > 0.03


@pytest.fixture
def deepmind(monkeypatch):
    """The package surface-distance; version 0.1 uses names that NumPy 2 and SciPy have dropped."""
    metrics = pytest.importorskip("surface_distance.metrics")
    for name, value in (("Inf", np.inf), ("NaN", np.nan)):
        monkeypatch.setattr(np, name, value, raising=False)
    old = SimpleNamespace(filters=scipy.ndimage, morphology=scipy.ndimage)
    monkeypatch.setattr(metrics, "ndimage", old)
    return metrics


@pytest.mark.parametrize("seed", range(4))
def test_surface_distance_agrees(deepmind, seed):
    one, two = blobs(seed)
    theirs = deepmind.compute_surface_distances(one, two, SPACING)
    ours = surface_distances(one, two, SPACING)
    assert overlap(one, two).dice == pytest.approx(deepmind.compute_dice_coefficient(one, two))
    assert ours.averages == pytest.approx(deepmind.compute_average_surface_distance(theirs))
    for percent in (50, 95, 100):
        assert hausdorff_percentile(one, two, SPACING, percent) == pytest.approx(
            deepmind.compute_robust_hausdorff(theirs, percent)
        )
    for tolerance in (0.5, 1.1, 3.0):
        assert ours.surface_dice(tolerance) == pytest.approx(
            deepmind.compute_surface_dice_at_tolerance(theirs, tolerance)
        )


def test_surface_distance_agrees_on_pictures(deepmind):
    one, two = (mask[7] for mask in blobs(5))
    theirs = deepmind.compute_surface_distances(one, two, SPACING[1:])
    ours = surface_distances(one, two, SPACING[1:])
    assert ours.averages == pytest.approx(deepmind.compute_average_surface_distance(theirs))
    assert ours.reference_sizes.sum() == pytest.approx(theirs["surfel_areas_gt"].sum())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
def test_monai_agrees_on_full_masks(seed):
    metrics, torch = pytest.importorskip("monai.metrics"), pytest.importorskip("torch")
    one, two = blobs(seed)
    tensors = [torch.tensor(mask)[None, None].float() for mask in (two, one)]
    options = {"include_background": True, "spacing": SPACING}
    for percent in (95, 100):
        theirs = metrics.compute_hausdorff_distance(*tensors, percentile=percent, **options)
        ours = hausdorff_percentile(one, two, SPACING, percent, "monai")
        assert ours == pytest.approx(float(theirs), rel=1e-5)
    theirs = metrics.compute_average_surface_distance(*tensors, symmetric=True, **options)
    assert surface_distances(one, two, SPACING, "monai").assd == pytest.approx(
        float(theirs), rel=1e-5
    )


@pytest.mark.filterwarnings("ignore")
def test_monai_drops_what_we_count():
    """A missed organ: MONAI's HD95 is NaN and leaves the mean; ours is infinite and stays."""
    metrics, torch = pytest.importorskip("monai.metrics"), pytest.importorskip("torch")
    one, _ = blobs(0)
    empty = np.zeros_like(one)
    tensors = [torch.tensor(mask)[None, None].float() for mask in (empty, one)]
    theirs = metrics.compute_hausdorff_distance(
        *tensors, include_background=True, percentile=95, spacing=SPACING
    )
    assert np.isnan(float(theirs))
    assert hausdorff_percentile(one, empty, SPACING, 95, "monai") == np.inf
    invented = metrics.compute_dice(*tensors[::-1], include_background=True)
    assert np.isnan(float(invented))
    assert overlap(empty, one).dice == 0


def read_nrrd(path):
    """A gzipped 8-bit NRRD: the mask as (z, y, x) and its spacing in mm."""
    header, body = path.read_bytes().split(b"\n\n", 1)
    lines = [line for line in header.decode().splitlines() if not line.startswith("#")]
    field = dict(line.split(": ", 1) for line in lines if ": " in line)
    assert field["type"] in ("unsigned char", "uint8")
    assert field["encoding"] == "gzip"
    sizes = [int(n) for n in field["sizes"].split()]
    columns = field["space directions"].strip("()").replace(") (", ";").split(";")
    spacing = [np.linalg.norm([float(v) for v in column.split(",")]) for column in columns]
    values = np.frombuffer(gzip.decompress(body), np.uint8).reshape(sizes[::-1])
    return values > 0, tuple(spacing[::-1])


ORGANS = ["Brainstem", "Parotid-Lt", "Optic-Nerve-Lt", "Mandible"]


@pytest.mark.parametrize("organ", ORGANS)
def test_two_readers_outline_one_patient(real_data, organ):
    """CC BY 4.0 masks of an oncologist and a radiographer; figures by independent programs."""
    known = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    expected = known["oar_0522c0427_oncologist_vs_radiographer"][organ]
    (one, spacing), (two, _) = (
        read_nrrd(real_data / "oar" / reader / f"{organ}.nrrd")
        for reader in ("oncologist", "radiographer")
    )
    assert spacing == pytest.approx((2.5, 0.97, 0.97))
    assert overlap(one, two).dice == pytest.approx(expected["dice"], abs=5e-7)
    found = surface_distances(one, two, spacing)
    assert found.hausdorff == pytest.approx(expected["hd"], abs=5e-5)
    assert found.surface_dice(2.5) == pytest.approx(expected["surface_dice_2.5mm"], abs=5e-6)


def test_hd95_of_a_real_parotid_depends_on_the_convention(real_data):
    one, spacing = read_nrrd(real_data / "oar" / "oncologist" / "Parotid-Lt.nrrd")
    two, _ = read_nrrd(real_data / "oar" / "radiographer" / "Parotid-Lt.nrrd")
    found = {
        convention: round(hausdorff_percentile(one, two, spacing, 95, convention), 4)
        for convention in ("surface-distance", "monai")
    }
    assert found == {"surface-distance": 2.91, "monai": 3.1644}
