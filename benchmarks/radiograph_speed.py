"""How fast films are made: a cohort at 128 pixels, one large film, and one more exposure.

    python -m benchmarks.radiograph_speed

Prints processor time (which other programs disturb less than wall time) and wall time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from course_lib.imaging.projection import path_lengths
from course_lib.imaging.radiography import Technique, expose, radiograph
from course_lib.patient.cohort import sample_cohort, sample_patient


def timed(work: Callable[[int], object], repeats: int) -> tuple[float, float]:
    """Median processor and wall time of work(i), in ms."""
    work(0)
    cpu, wall = [], []
    for number in range(repeats):
        start = time.process_time(), time.perf_counter()
        work(number)
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
    return 1000 * float(np.median(cpu)), 1000 * float(np.median(wall))


def main() -> None:
    """Measure and print."""
    specs = sample_cohort(60, seed=1)
    patient = sample_patient(1)
    rays = path_lengths(patient, size=256)
    work: dict[str, tuple[Callable[[int], object], int]] = {
        "build a patient": (lambda i: specs[i].build(), 60),
        "whole film, 128 px": (lambda i: radiograph(specs[i].build(), size=128), 60),
        "whole film, 256 px": (lambda i: radiograph(specs[i].build(), size=256), 20),
        "whole film, 1024 px": (lambda i: radiograph(specs[i].build(), size=1024), 5),
        "exposure only, 256 px": (lambda i: expose(rays, Technique(kvp=60 + i)), 40),
    }
    for name, (one, repeats) in work.items():
        cpu, wall = timed(one, repeats)
        print(f"{name:24} {cpu:8.1f} ms processor {wall:8.1f} ms wall")


if __name__ == "__main__":
    main()
