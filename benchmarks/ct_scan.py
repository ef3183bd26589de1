"""Exact sinograms of a patient's slice against voxels projected by scikit-image, in one run.

Both get 512 detectors of 0.84 mm and 360 views. The voxel route pays for voxels (512 x 512, judged
at their centres) and for `skimage.transform.radon`; it is compared with the exact line integrals.
Prints CPU seconds, ratios and errors.
"""

import time

import numpy as np
from skimage.transform import radon

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import Protocol, expose, slice_rays
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.sinogram import attenuation_sinogram, between
from course_lib.imaging.ct.table import on_the_table
from course_lib.patient.cohort import sample_patient
from course_lib.patient.voxels import Grid, tissue_volumes

SIZE, VIEWS, SPACING_MM, Z_MM, KEV = 512, 360, 0.84, -40.0, 70.0


def voxel_sinogram(parts):
    """(views, detectors) line integrals of the voxelised slice, and the seconds of both steps."""
    start = time.process_time()
    first = -(SIZE // 2) * SPACING_MM  # scikit-image turns about pixel SIZE // 2
    grid = Grid((first, first, Z_MM), (SPACING_MM, SPACING_MM, 1.0), (1, SIZE, SIZE))
    volumes = tissue_volumes(between(parts, Z_MM, Z_MM), grid)
    image = sum(float(linear_attenuation(t, KEV)) * v[0] for t, v in volumes.items())
    voxels = time.process_time() - start
    start = time.process_time()
    angles = np.arange(VIEWS) * 180 / VIEWS
    # scikit-image's angles run the other way: its y axis points upwards.
    values = radon(image, -angles, circle=True).T * SPACING_MM
    return values, voxels, time.process_time() - start


def main() -> None:
    """Print the table."""
    parts = on_the_table(sample_patient(3)).solids
    # Half an element to the left lie the rays of scikit-image: s = (j - SIZE // 2) * spacing.
    beam = ParallelBeam(VIEWS, SIZE, SPACING_MM, shift=-0.5)
    protocol = Protocol(beam=beam)
    start = time.process_time()
    rays = slice_rays(parts, Z_MM, protocol)
    exact_s = time.process_time() - start
    start = time.process_time()
    expose(rays, protocol, seed=1)
    expose_s = time.process_time() - start
    exact = attenuation_sinogram(rays.lengths[0], KEV)
    values, voxels_s, radon_s = voxel_sinogram(parts)
    error = np.abs(values - exact)
    print(f"exact sinogram {VIEWS} x {SIZE}: {exact_s:.2f} CPU s; exposure on top {expose_s:.2f} s")
    print(f"voxels {voxels_s:.2f} s + skimage radon {radon_s:.2f} s")
    print(f"ratio (voxels + radon) / exact: {(voxels_s + radon_s) / exact_s:.2f}")
    print(f"error of the voxel route: mean {error.mean():.4f}, max {error.max():.3f} (sums up to "
          f"{exact.max():.2f}); exact: closed form")  # fmt: skip


if __name__ == "__main__":
    main()
