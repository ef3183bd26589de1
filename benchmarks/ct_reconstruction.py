"""Projection and filtered back projection against scikit-image, in one run, on one thread.

Accuracy: Shepp-Logan head (Toft), sinogram exact, once as detector cells measure it (mean over each
cell's width) and once sampled on lines; error against the true means of pixels, within the circle.
scikit-image turns about pixel N // 2, not about the middle: it gets a sinogram about that pixel.

    python -m benchmarks.ct_reconstruction
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from skimage.transform import iradon, radon

from course_lib.imaging.ct.algebraic import cgls
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.fourier import ParallelProjector
from course_lib.imaging.ct.phantom import ellipse_image, ellipse_sinogram, shepp_logan
from course_lib.imaging.ct.rows import centred
from course_lib.imaging.ct.total_variation import total_variation_reconstruction

HEAD = shepp_logan()


def seconds(repeats: int, work: Callable, *arguments, **named):
    """What work returns, and its CPU time: the best of several runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = work(*arguments, **named)
        times.append(time.process_time() - start)
    return result, min(times)


def error(picture: np.ndarray, size: int) -> float:
    """RMSE within the circle that all views see, peak 1."""
    pixel = 2 / size
    x = centred(size, pixel)
    circle = np.hypot(x[:, None], x[None]) <= 1 - pixel
    return float(np.sqrt(np.mean((picture - ellipse_image(HEAD, size, pixel))[circle] ** 2)))


def peer_slice(size: int, angles: np.ndarray, aperture: bool) -> np.ndarray:
    """scikit-image's slice from an exact sinogram about its own centre, pixel size // 2."""
    pixel = 2 / size
    shift = pixel / 2 if size % 2 == 0 else 0.0
    about = [replace(part, x_mm=part.x_mm - shift, y_mm=part.y_mm - shift) for part in HEAD]
    detectors = size + 1 if size % 2 == 0 else size
    sinogram = ellipse_sinogram(about, angles, detectors, pixel, aperture)[:, :size]
    return iradon((sinogram / pixel).T, -angles, filter_name="ramp", circle=True)


def accuracy() -> None:
    """RMSE at every number of views."""
    print("RMSE                cells            lines")
    print("size views     ours    peer     ours    peer")
    for size in (128, 256, 512):
        for views in (180, 240, 360, 480, 720):
            angles = np.arange(views) * 180 / views
            line = f"{size:4d} {views:5d} "
            for aperture in (True, False):
                sinogram = ellipse_sinogram(HEAD, angles, size, 2 / size, aperture)
                ours = error(fbp(sinogram, angles, 2 / size, size, 2 / size), size)
                peer = error(peer_slice(size, angles, aperture), size)
                line += f"  {ours:.4f}  {peer:.4f}" + ("*" if ours > peer else " ")
            print(line)
    print("* peer better\n")


def speed() -> None:
    """CPU time and ratios, warm (projector built) and cold (built, one projection, one FBP)."""
    print("CPU time             project, ms        FBP, ms          build   cold")
    print("size views      ours   peer  ratio   ours   peer  ratio     ms  ratio")
    for size, views in ((256, 180), (256, 360), (256, 720), (512, 180), (512, 360), (512, 720)):
        pixel, angles = 2 / size, np.arange(views) * 180 / views
        image = ellipse_image(HEAD, size, pixel).astype(np.float32)
        projector, build = seconds(1, ParallelProjector, size, pixel, angles, size, pixel)
        sinogram, first = seconds(1, projector.project, image)
        _, forward = seconds(7, projector.project, image)
        _, back = seconds(7, fbp, sinogram, angles, pixel, size, pixel, projector=projector)
        peer_sinogram, peer_forward = seconds(2, radon, image, angles, circle=True)
        _, peer_back = seconds(2, iradon, peer_sinogram, angles, filter_name="ramp")
        cold = (peer_forward + peer_back) / (build + first + back)
        print(
            f"{size:4d} {views:5d}   {forward * 1e3:7.1f} {peer_forward * 1e3:6.0f}"
            f" {peer_forward / forward:5.0f}x {back * 1e3:6.1f} {peer_back * 1e3:6.0f}"
            f" {peer_back / back:5.0f}x {build * 1e3:6.0f} {cold:5.1f}x"
        )


def iterations() -> None:
    """Iterative methods on the same operator: CPU time and error."""
    print("\nIterative, exact sinogram        CPU s   RMSE   (FBP)")
    for name, size, views, work in (
        ("CGLS, 30 iterations", 512, 360, lambda p, s: cgls(p, s, 30)),
        (
            "TV, 200 iterations",
            256,
            60,
            lambda p, s: total_variation_reconstruction(p, s, 200, 3e-4),
        ),
    ):
        pixel, angles = 2 / size, np.arange(views) * 180 / views
        sinogram = ellipse_sinogram(HEAD, angles, size, pixel, aperture=True).astype(np.float32)
        projector = ParallelProjector(size, pixel, angles, size, pixel)
        picture, spent = seconds(1, work, projector, sinogram)
        plain = error(fbp(sinogram, angles, pixel, size, pixel), size)
        place = f"{name}, {size}/{views}"
        print(f"{place:30s} {spent:7.2f} {error(picture, size):7.4f} ({plain:.4f})")


if __name__ == "__main__":
    random = np.random.default_rng(0)
    trial = ParallelProjector(512, 1.0, np.arange(360) / 2, 512, 1.0)
    x, y = random.random((512, 512), np.float32), random.random((360, 512), np.float32)
    there = np.vdot(trial.project(x).astype(float), y)
    back_again = np.vdot(x.astype(float), trial.back_project(y))
    print(f"<Wx, y> and <x, W'y> differ by {abs(there - back_again) / there:.1e} of their value\n")
    accuracy()
    speed()
    iterations()
