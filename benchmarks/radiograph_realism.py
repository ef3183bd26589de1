"""Virtual films beside real ones: side by side, grey-value histogram, radial power spectrum.

    COURSE_REAL_DATA=... python -m benchmarks.radiograph_realism [folder for the pictures]

Needs the real films (ChestX-ray14 layout: nih/images_256 and nih/Data_Entry_subset.csv); says so
and stops where they are missing. Real films may not be committed, so neither may the pictures.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient

SIZE, COUNT = 256, 60
Films = NDArray[np.float64]


def real_films(folder: Path, count: int = COUNT) -> Films:
    """(n, 256, 256) PA films without finding, 0 to 1."""
    table = pd.read_csv(folder / "nih" / "Data_Entry_subset.csv")
    normal = table[(table["Finding Labels"] == "No Finding") & (table["View Position"] == "PA")]
    names = normal["Image Index"].head(count)
    files = [str(folder / "nih" / "images_256" / name) for name in names]
    return np.stack([cv2.imread(file, cv2.IMREAD_GRAYSCALE) / 255.0 for file in files])


def virtual_films(count: int = COUNT) -> Films:
    """(n, 256, 256) PA films of healthy virtual patients, 0 to 1."""
    films = [radiograph(sample_patient(seed), size=SIZE, seed=seed) for seed in range(count)]
    return np.stack([film.pixels / 4095.0 for film in films])


def radial_power(films: Films) -> NDArray[np.float64]:
    """(128,) geometric mean over films of the power at each spatial frequency (cycles per film)."""
    window = np.outer(np.hanning(SIZE), np.hanning(SIZE))
    rows, columns = np.indices((SIZE, SIZE)) - SIZE // 2
    ring = np.hypot(rows, columns).astype(int).ravel()
    logs = []
    for film in films:
        power = np.abs(np.fft.fftshift(np.fft.fft2((film - film.mean()) * window))) ** 2
        logs.append(np.log(np.bincount(ring, power.ravel()) / np.bincount(ring)))
    return np.exp(np.mean(logs, 0))[: SIZE // 2]


def main(folder: Path, output: Path) -> None:
    """Print percentiles and power ratios; draw the three pictures."""
    real, virtual = real_films(folder), virtual_films()
    percent = [1, 5, 10, 25, 50, 75, 90, 95, 99]
    for name, films in (("real", real), ("virtual", virtual)):
        mean = np.mean([np.percentile(film, percent) for film in films], 0)
        print(f"{name:8} percentiles {percent}: {np.round(mean, 2)}")
    power = radial_power(real), radial_power(virtual)
    for cycles in (2, 4, 8, 16, 32, 64, 96):
        ratio = power[1][cycles] / power[0][cycles]
        print(f"power at {cycles:3} cycles per film, virtual over real: {ratio:.2f}")
    _draw(real, virtual, power, output)


def _draw(real: Films, virtual: Films, power: tuple, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    rows = [np.hstack(films[i : i + 6]) for films in (real, virtual) for i in (0, 6)]
    cv2.imwrite(str(output / "side_by_side.png"), (np.vstack(rows) * 255).astype(np.uint8))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    for name, films, spectrum, style in (
        ("real", real, power[0], "k-"),
        ("virtual", virtual, power[1], "C1--"),
    ):
        counts, edges = np.histogram(films, 64, (0, 1), density=True)
        left.plot(edges[1:], counts, style, label=name)
        right.loglog(np.arange(1, SIZE // 2), spectrum[1:], style, label=name)
    left.set(xlabel="grey value", ylabel="density", title="Histogram")
    right.set(xlabel="cycles per film", ylabel="power", title="Radial power spectrum")
    left.legend()
    figure.savefig(output / "statistics.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    beside = Path(__file__).parents[2] / "shared" / "real"
    data = Path(os.environ.get("COURSE_REAL_DATA", beside))
    if not (data / "nih" / "Data_Entry_subset.csv").exists():
        sys.exit("No real films here: set COURSE_REAL_DATA to the folder that holds nih/.")
    main(data, Path(sys.argv[1] if len(sys.argv) > 1 else "realism"))
