"""Virtual films have the grey values and sharpness of real ones (skipped without real films)."""

import os
from pathlib import Path

import numpy as np
import pytest

realism = pytest.importorskip("benchmarks.radiograph_realism", reason="run from the repository")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def films():
    folder = Path(os.environ.get("COURSE_REAL_DATA", ROOT.parent / "shared" / "real"))
    if not (folder / "nih" / "Data_Entry_subset.csv").exists():
        pytest.skip("no real films here: set COURSE_REAL_DATA to the folder that holds nih/")
    return realism.real_films(folder, 40), realism.virtual_films(16)


def test_grey_values_are_spread_as_on_real_films(films):
    percent = [5, 25, 50, 75, 95]
    real, virtual = (np.mean([np.percentile(f, percent) for f in fs], 0) for fs in films)
    assert np.abs(real - virtual).max() < 0.10


def test_structures_of_every_size_have_the_contrast_of_real_ones(films):
    real, virtual = (realism.radial_power(fs) for fs in films)
    for band in ((2, 5), (5, 10), (10, 20), (20, 40), (40, 80)):
        cycles = slice(*band)
        ratio = np.exp(np.log(virtual[cycles] / real[cycles]).mean())
        assert 0.5 < ratio < 2.0, f"{band} cycles per film: {ratio:.2f} of the real power"
