"""Pictures and raw data of many virtual heads, for networks that learn to reconstruct.

What is learned from here is cut out of a finer k-space, as a scanner does: a head drawn with three
times smaller pixels is transformed, and only the middle of its k-space is kept. The final judgement
should be made on `exact_scan`, where no pixels were involved at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.imaging.mr.coils import CoilArray
from course_lib.imaging.mr.exact import BodySlice, coil_kspace
from course_lib.imaging.mr.fourier import centre_crop, to_image, to_kspace
from course_lib.imaging.mr.noise import add_noise
from course_lib.imaging.mr.sampling import variable_density, variable_density_points
from course_lib.imaging.mr.sequences import weights
from course_lib.imaging.mr.slices import tissue_slice, weighted
from course_lib.patient.head import head_parts
from course_lib.patient.solids import Part

FOV_MM = 224.0
FINE = 3  # pixels per pixel, before the middle of k-space is cut out
LEVELS_MM = (-5.0, 45.0)  # from the deep nuclei to above the ventricles
Complex = NDArray[np.complex64]


@dataclass(frozen=True)
class Scans:
    """What a network gets and what it should give; each image is scaled to a maximum near 1.

    measured (cases, [coils,] n, n) complex k-space, 0 where nothing was measured; mask (cases,
    n, n) of ones and zeros; target (cases, n, n) complex, from all of k-space without noise.
    """

    measured: Tensor
    mask: Tensor
    target: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, which: slice | Sequence[int]) -> Scans:
        return Scans(self.measured[which], self.mask[which], self.target[which])

    @property
    def zero_filled(self) -> Tensor:
        """(cases, [coils,] n, n) complex: the image with zeros for what was not measured."""
        return to_image(self.measured)


def even_coil(seed: int | np.random.Generator, field_of_view_mm: float = FOV_MM) -> CoilArray:
    """One coil that hears the whole head almost evenly, with a slowly changing phase."""
    rng = np.random.default_rng(seed)
    waves = 0.12 * (rng.normal(size=(1, 3, 3)) + 1j * rng.normal(size=(1, 3, 3)))
    waves[0, 1, 1] = np.exp(1j * rng.uniform(-np.pi, np.pi))
    return CoilArray(waves.astype(np.complex64), (field_of_view_mm, field_of_view_mm))


def levels(count: int) -> NDArray[np.float64]:
    """(count,) slice positions z in mm, evenly through the part of the brain that is shown."""
    edges = np.linspace(*LEVELS_MM, count + 1)
    return (edges[1:] + edges[:-1]) / 2


def head_shares(
    seed: int, slices: int = 10, size: int = 64, lesions: tuple = ()
) -> list[dict[str, NDArray[np.float32]]]:
    """For each slice of one head: tissue -> (3 size, 3 size) share; see `contrast_images`."""
    parts = head_parts(seed, lesions=lesions)
    return [tissue_slice(parts, z, FOV_MM, FINE * size, 1) for z in levels(slices)]


def contrast_images(
    shares: Sequence[Mapping[str, NDArray[np.float32]]], contrast: str, *, seed: int
) -> Complex:
    """(slices, size, size) complex: what a complete, noise-free scan of these slices shows.

    contrast: a name in `sequences.CONTRASTS`. Every slice gets a phase of its own (`even_coil`).
    """
    rng = np.random.default_rng(seed)
    return np.stack([_image(share, contrast, rng) for share in shares])


def _image(share: Mapping[str, NDArray], contrast: str, rng: np.random.Generator) -> Complex:
    fine = weighted(share, weights(contrast, share))
    seen = fine * even_coil(rng).maps(fine.shape)[0]
    size = len(fine) // FINE
    # The middle of the middle pixel is where phases are counted from, in both grids.
    seen = np.roll(seen, -(FINE // 2), (0, 1))
    return (to_image(centre_crop(to_kspace(seen), size, size)) / np.float32(FINE)).astype("c8")


def cohort_images(
    seeds: Sequence[int], contrasts: Sequence[str] = ("T2",), slices: int = 10, size: int = 64
) -> Complex:
    """(heads x slices, size, size) complex images; heads take the contrasts in turn.

    The same seeds give the same images. About 0.15 s of computing per head.
    """
    return np.concatenate(
        [
            contrast_images(
                head_shares(seed, slices, size), contrasts[i % len(contrasts)], seed=seed
            )
            for i, seed in enumerate(seeds)
        ]
    )


def coronal_images(
    seeds: Sequence[int], contrast: str = "T1", slices: int = 4, size: int = 96
) -> NDArray[np.float32]:
    """(heads x slices, size, size) thin coronal images, magnitude with a maximum of 1.

    Seen from the front, rows run from the top of the head down; pixels of FOV_MM / size.
    """
    places = np.linspace(-35.0, 40.0, slices)
    images = []
    for seed in seeds:
        parts = head_parts(seed)
        for y in places:
            share = tissue_slice(parts, y, FOV_MM, size, 2, plane="coronal")
            image = weighted(share, weights(contrast, share))
            images.append(image / image.max())
    return np.stack(images)


def rician(images: NDArray, sd: float, *, seed: int | np.random.Generator) -> NDArray[np.float32]:
    """Magnitude of images (..., n, n) plus complex noise: never negative, brighter in the dark.

    sd: standard deviation of the noise in the real and the imaginary part.
    """
    return np.abs(add_noise(np.abs(images), sd, seed=seed)).astype(np.float32)


def scans(
    images: Complex, factor: float = 4.0, noise: float = 0.01, acs: int = 6, *, seed: int,
    maps: Complex | None = None, points: bool = False,
) -> Scans:  # fmt: skip
    """Measure a part of k-space of each image, a new random pattern for each.

    images (cases, n, n); factor: acceleration; noise: standard deviation per real and imaginary
    part, relative to the image's maximum; maps (coils, n, n) of several coils; points: leave out
    single points, as a 3-D scan can (rows and columns are both phase encoded), instead of lines.
    """
    rng = np.random.default_rng(seed)
    shape = (images.shape[-2], images.shape[-1])
    pattern = variable_density_points if points else variable_density
    seeds = rng.integers(2**31, size=len(images))
    masks = np.stack([pattern(shape, factor, acs, seed=int(s)) for s in seeds])
    bright = np.abs(images).max((-2, -1), keepdims=True)
    images = images / bright
    coils = images if maps is None else images[:, None] * maps
    shown = masks if maps is None else masks[:, None]
    measured = add_noise(to_kspace(coils), noise, seed=rng, mask=shown)
    return _scans(measured, masks, images)


def exact_scan(
    parts: tuple[Part, ...], z_mm: float, contrast: str = "T2", size: int = 64, *, seed: int
) -> Complex:
    """(size, size) complete, noise-free image from k-space that was integrated over the solids.

    The slice is 2 mm thick; `seed` draws the coil's phase. Hand a stack of these to `scans`.
    """
    tissues = {tissue for part in parts for tissue in (part.tissue, part.displaces)}
    body = BodySlice(parts, weights(contrast, tissues), z_mm, 2.0, lines_per_mm=2, sub_slices=2)
    return to_image(coil_kspace(body, (size, size), even_coil(seed))[0])


def exact_images(
    seeds: Sequence[int], contrast: str = "T2", size: int = 64, lesions: tuple = ()
) -> Complex:
    """(heads, size, size): one exact slice of each head, through its ventricles (z = 20 mm)."""
    return np.stack(
        [exact_scan(head_parts(s, lesions=lesions), 20.0, contrast, size, seed=s) for s in seeds]
    )


def _scans(measured: NDArray, masks: NDArray, images: NDArray) -> Scans:
    return Scans(
        torch.from_numpy(measured.astype(np.complex64)),
        torch.from_numpy(masks.astype(np.float32)),
        torch.from_numpy(images.astype(np.complex64)),
    )
