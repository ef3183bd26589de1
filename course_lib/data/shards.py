"""Films kept on disk in files of about a hundred, each complete or absent."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from course_lib.data.cache import write_atomically

MOST_PIXELS = 1 << 25  # in one file, about 32 MB
MOST_FILMS = 100


@dataclass(frozen=True)
class Film:
    """What is kept of one film: uint8 (H, W) pixels, mm per pixel, and bool (H, W) masks."""

    pixels: np.ndarray
    spacing_mm: tuple[float, float]
    masks: Mapping[str, np.ndarray]


def shard_ranges(n: int, size: int) -> list[tuple[int, int]]:
    """(first, end) of the films in each file of a cohort of n films."""
    step = max(1, min(MOST_FILMS, MOST_PIXELS // (size * size)))
    return [(start, min(start + step, n)) for start in range(0, n, step)]


def shard_name(start: int, stop: int) -> str:
    """Name of the file that holds films [start, stop)."""
    return f"films-{start:06d}-{stop:06d}.npz"


def write_shard(path: Path, films: Sequence[Film]) -> None:
    """Write films of equal size into one .npz file, atomically. Masks take one bit per pixel."""
    masks = [(i, name, mask) for i, film in enumerate(films) for name, mask in film.masks.items()]
    bits = [np.packbits(mask) for _, _, mask in masks]
    pixels = np.stack([film.pixels for film in films])

    def save(file: IO[bytes]) -> None:
        np.savez(
            file,
            pixels=pixels,
            spacing_mm=np.array([film.spacing_mm for film in films], dtype=np.float64),
            mask_film=np.array([i for i, _, _ in masks], dtype=np.int32),
            mask_name=np.array([name for _, name, _ in masks], dtype="U40"),
            mask_bits=np.stack(bits) if bits else np.zeros((0, 0), dtype=np.uint8),
        )

    write_atomically(path, save)


def read_shard(path: Path) -> list[Film] | None:
    """The films of one file, or None if the file is absent or damaged.

    The .npz format keeps a checksum of every array, so damage does not go unnoticed.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        pixels, shape = arrays["pixels"], arrays["pixels"].shape[1:]
        masks: list[dict[str, np.ndarray]] = [{} for _ in pixels]
        rows = zip(arrays["mask_film"], arrays["mask_name"], arrays["mask_bits"], strict=True)
        for film, name, bits in rows:
            flat = np.unpackbits(bits, count=shape[0] * shape[1])
            masks[film][str(name)] = flat.reshape(shape).astype(bool)
        spacings = [(float(row), float(column)) for row, column in arrays["spacing_mm"]]
        return [Film(*parts) for parts in zip(pixels, spacings, masks, strict=True)]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
