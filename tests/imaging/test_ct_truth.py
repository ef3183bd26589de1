"""The true slice and the exact sinogram describe the same patient."""

import numpy as np

from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.sinogram import attenuation_sinogram, tissue_sinogram
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.ct.truth import attenuation_slice
from course_lib.patient.cohort import sample_patient


def test_projecting_the_true_slice_gives_the_exact_sinogram_and_fbp_gives_the_slice_back():
    parts = on_the_table(sample_patient(3)).solids
    beam = ParallelBeam(views=90, detectors=128, spacing_mm=3.2)
    exact = attenuation_sinogram(tissue_sinogram(parts, -30.0, beam), 70.0)
    truth = attenuation_slice(parts, -30.0, 128, 3.2, 70.0)
    ours = ParallelProjector(128, 3.2, beam.angles_deg, 128, 3.2).project(truth)
    assert np.sqrt(np.mean((ours - exact) ** 2)) < 0.02 * exact.max()
    slice_ = fbp(exact, beam.angles_deg, 3.2, 128, 3.2)
    assert np.corrcoef(slice_.ravel(), truth.ravel())[0, 1] > 0.97
