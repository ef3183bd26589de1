"""Small pictures of nine kinds: films in three views, CT of chest and head, four MR sequences.

For networks that tell what a picture is, before anything else is asked of it. The slices come
straight from the solids, with noise added: no k-space and no sinogram, and so no artefacts.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from course_lib.data.mr_pairs import LEVELS_MM, even_coil, rician
from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.hounsfield import WINDOWS, Window, hounsfield
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.mr.sequences import InversionRecovery, SpinEcho, null_time, weights
from course_lib.imaging.mr.sequences import Sequence as PulseSequence
from course_lib.imaging.mr.slices import tissue_slice, weighted
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_cohort
from course_lib.patient.head import head_parts
from course_lib.patient.person import Patient
from course_lib.patient.solids import Part

Picture = NDArray[np.float32]
Rng = np.random.Generator
VIEW_OF = {"PA film": "PA", "AP film": "AP", "lateral film": "LAT"}
KINDS = (*VIEW_OF, "chest CT", "head CT", "T1", "PD", "T2", "FLAIR")
CT_KEV = 70.0


def pictures_of(kinds: Sequence[str], seeds: Iterable[int], size: int = 64) -> Picture:
    """(len(kinds), len(seeds), size, size) pictures, 0 to 1; the same seed is the same patient.

    Positions, windows, sequence times and noise differ from picture to picture as they do between
    hospitals. Raises ValueError for a kind that is not in `KINDS`.
    """
    by_patient = [[picture_of(kind, seed, size) for kind in kinds] for seed in seeds]
    return np.stack(by_patient, axis=1)


def picture_of(kind: str, seed: int, size: int = 64) -> Picture:
    """One picture (size, size), 0 to 1, of this kind (see `KINDS`)."""
    rng = np.random.default_rng([seed, *kind.encode()])
    if kind in VIEW_OF:
        return _film(VIEW_OF[kind], seed, size)
    if kind == "chest CT":
        return _chest_ct(seed, size, rng)
    if kind == "head CT":
        return _head_ct(seed, size, rng)
    if kind in KINDS:
        return _head_mr(kind, seed, size, rng)
    raise ValueError(f"There is no kind {kind!r}; choose from {', '.join(KINDS)}.")


@lru_cache(maxsize=2)
def _patient(seed: int) -> Patient:
    return sample_cohort(1, seed)[0].build()


@lru_cache(maxsize=2)
def _head(seed: int) -> tuple[Part, ...]:
    return head_parts(seed)


def _film(view: str, seed: int, size: int) -> Picture:
    patient = _patient(seed)
    return (radiograph(patient, size=size, view=view, seed=seed).pixels / 4095).astype(np.float32)


def _chest_ct(seed: int, size: int, rng: Rng) -> Picture:
    """A slice between diaphragm and aortic arch, in one of three usual windows."""
    parts = on_the_table(_patient(seed)).solids
    window = WINDOWS[str(rng.choice(["lung", "mediastinum", "bone"]))]
    level, field, sd = rng.uniform(-100, 40), rng.uniform(360, 430), rng.uniform(10, 30)
    return _ct(parts, level, field, window, sd, size, rng)


def _head_ct(seed: int, size: int, rng: Rng) -> Picture:
    """A slice through the brain, in a brain or bone window."""
    window = Window(40, rng.uniform(80, 200)) if rng.random() < 0.7 else WINDOWS["bone"]
    level, field, sd = rng.uniform(*LEVELS_MM), rng.uniform(215, 260), rng.uniform(2, 6)
    return _ct(_head(seed), level, field, window, sd, size, rng)


def _ct(
    parts: tuple[Part, ...],
    z_mm: float,
    field_mm: float,
    window: Window,
    noise_hu: float,
    size: int,
    rng: Rng,
) -> Picture:
    """Hounsfield units of a slice with noise (white, unlike that of filtered back projection)."""
    middle = (float(rng.normal(0, 8)), float(rng.normal(0, 8)))
    shares = tissue_slice(parts, z_mm, field_mm, size, 2, middle)
    mu = {tissue: float(linear_attenuation(tissue, CT_KEV)) for tissue in shares}
    water = float(linear_attenuation("water", CT_KEV))
    clean = hounsfield(weighted(shares, mu), water)
    return window.shown(clean + noise_hu * rng.normal(size=clean.shape))


def _head_mr(contrast: str, seed: int, size: int, rng: Rng) -> Picture:
    """An axial slice of the brain with a coil's shading and Rician noise; the maximum is near 1."""
    middle = (float(rng.normal(0, 8)), float(rng.normal(0, 8)))
    field = rng.uniform(215, 260)
    shares = tissue_slice(_head(seed), rng.uniform(*LEVELS_MM), field, size, 2, middle)
    clean = weighted(shares, weights(drawn_sequence(contrast, rng), shares))
    shaded = clean * np.abs(even_coil(rng, field).maps(clean.shape)[0])
    noisy = rician(shaded / shaded.max(), rng.uniform(0.01, 0.04), seed=rng)
    return np.clip(noisy / np.percentile(noisy, 99.5), 0, 1).astype(np.float32)


def drawn_sequence(contrast: str, rng: Rng) -> PulseSequence:
    """A spin echo (FLAIR: with inversion) whose times lie where hospitals set them for a contrast.

    The ranges of PD and T2 nearly touch: a protocol's name is a convention, not a law of nature.
    """
    if contrast == "FLAIR":
        te, tr = rng.uniform(80, 130), rng.uniform(7500, 10000)
        return InversionRecovery(tr, te, null_time(4300.0, tr, te) * rng.uniform(0.97, 1.03))
    ranges = {
        "T1": ((450, 800), (8, 20)),
        "PD": ((2200, 4000), (12, 45)),
        "T2": ((3000, 6000), (60, 120)),
    }
    tr, te = (rng.uniform(*limits) for limits in ranges[contrast])
    return SpinEcho(tr, te)
