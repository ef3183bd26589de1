"""Was the Turing test fair? Real and synthetic films must not differ in what has nothing to do with
anatomy: number of grey levels, window, border, sharpness of the display.

A *cue* is a handful of numbers per film that ignore anatomy. If a simple classifier tells the two
kinds apart by a cue alone, a reader may do so too, and the test is about the cue.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.delong import delong
from course_lib.evaluation.intervals import Interval

RIDGE = 0.1  # keeps cues that repeat each other (shares that add up to 1) solvable
LEAST = 10  # films of each kind: fewer cannot be split into folds


def check_films(real: ArrayLike, synthetic: ArrayLike) -> tuple[NDArray, NDArray]:
    """Both sets as float64 (N, H, W) in 0..1; uint8 is divided by 255.

    Raises ValueError for other shapes, sizes that differ, NaN, grey values outside 0..1, or when
    one of the two sets looks like the negative of the other.
    """
    ready = [_as_films(films, name) for films, name in ((real, "real"), (synthetic, "synthetic"))]
    if ready[0].shape[1:] != ready[1].shape[1:]:
        raise ValueError(
            f"Real films are {ready[0].shape[1:]} pixels, synthetic ones {ready[1].shape[1:]}; "
            "resize one set, for a reader would see the difference."
        )
    means = [films.mean(axis=0).ravel() for films in ready]
    if min(mean.std() for mean in means) > 1e-6 and np.corrcoef(*means)[0, 1] < -0.5:
        raise ValueError("One of the two sets has an inverted grey scale: bone must be white.")
    return ready[0], ready[1]


def _as_films(films: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(films)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3 or array.size == 0:
        raise ValueError(f"The {name} films must be (N, 1, H, W) or (N, H, W), not {array.shape}.")
    array = array / 255 if array.dtype == np.uint8 else array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"A {name} film holds NaN or infinity; look at what made it.")
    if array.min() < -1e-6 or array.max() > 1 + 1e-6:
        raise ValueError(
            f"Grey values of the {name} films go from {array.min():.3g} to {array.max():.3g}; "
            "bring them to 0..1 (or uint8) first."
        )
    return array


def fair_display(
    films: ArrayLike, low: float = 0.5, high: float = 99.5, steps: int = 64
) -> NDArray[np.uint8]:
    """The films (N, H, W) as every reader should see them: one window rule, the same grey steps.

    Each film's ``low`` to ``high`` percentile fills black to white; what lies outside is cut off.
    Fewer ``steps`` than 256, for a stored film has 8 bits, and stretched to a wider window it would
    miss grey values that a computed film has. Raises ValueError as ``check_films`` does.
    """
    ready = _as_films(films, "given")
    dark, bright = np.percentile(ready, [low, high], axis=(1, 2))[:, :, None, None]
    window = np.maximum(bright - dark, 1e-6)
    step = np.rint(np.clip((ready - dark) / window, 0, 1) * (steps - 1))
    return np.rint(step * 255 / (steps - 1)).astype(np.uint8)


def different_greys(films: NDArray) -> NDArray[np.float64]:
    """(N, 1): how many different grey values a film has, of as many as there are pixels."""
    flat = films.reshape(len(films), -1)
    return np.array([[np.unique(film).size / film.size] for film in flat])


def grey_histogram(films: NDArray, bins: int = 16) -> NDArray[np.float64]:
    """(N, bins): share of the pixels in each step of grey from black to white."""
    flat = films.reshape(len(films), -1)
    return np.stack([np.histogram(film, bins, (0, 1))[0] / film.size for film in flat])


def border(films: NDArray, width: int = 2) -> NDArray[np.float64]:
    """(N, 8): mean and spread of the outermost ``width`` pixels on each of the four sides."""
    sides = [films[:, :width], films[:, -width:], films[:, :, :width], films[:, :, -width:]]
    return np.stack([f(side, axis=(1, 2)) for side in sides for f in (np.mean, np.std)], axis=1)


def sharpness(films: NDArray, bands: int = 8) -> NDArray[np.float64]:
    """(N, bands): log of the power in rings of spatial frequency, coarse to fine.

    A film without any power in a ring (one grey value) counts as having next to none.
    """
    height, width = films.shape[1:]
    power = np.abs(np.fft.rfft2(films - films.mean(axis=(1, 2), keepdims=True))) ** 2
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    ring = np.minimum((radius * 2 * bands).astype(int), bands - 1)
    rings = [power[:, ring == band].mean(axis=1) for band in range(bands)]
    return np.log(np.stack(rings, axis=1) + 1e-12)


CUES: dict[str, Callable[[NDArray], NDArray]] = {
    "number of different greys": different_greys,
    "grey-level histogram": grey_histogram,
    "border": border,
    "sharpness": sharpness,
}


class Leak(NamedTuple):
    """AUC with which one cue alone tells synthetic from real films, and its interval."""

    auc: float
    interval: Interval


def leak(
    real: ArrayLike,
    synthetic: ArrayLike,
    cue: Callable[[NDArray], NDArray],
    folds: int = 5,
    seed: int = 0,
) -> Leak:
    """How well a linear classifier tells the two kinds apart by ``cue``, on films it has not seen.

    Cross-validated in ``folds`` parts, the same for all films. AUC near 0.5: the cue gives nothing
    away. (The interval, DeLong's, treats the pooled scores as those of one classifier.) Raises
    ValueError as ``check_films`` does, and for fewer than ten films of a kind.
    """
    films = check_films(real, synthetic)
    if min(map(len, films)) < LEAST:
        raise ValueError(f"Judging a cue needs at least {LEAST} films of each kind.")
    features = np.concatenate([cue(kind) for kind in films])
    truth = np.repeat([False, True], [len(kind) for kind in films])
    random = np.random.default_rng(seed)
    fold = np.empty(len(truth), dtype=int)
    for kind in (truth, ~truth):  # as many of each kind in every part
        fold[kind] = random.permutation(int(kind.sum())) % folds
    score = np.empty(len(truth))
    for k in range(folds):
        score[fold == k] = _discriminant(features[fold != k], truth[fold != k], features[fold == k])
    estimate = delong(truth, score)
    return Leak(estimate.auc, estimate.interval)


def leaks(real: ArrayLike, synthetic: ArrayLike, seed: int = 0) -> pd.DataFrame:
    """One row per cue of ``CUES``: AUC with interval."""
    found = {name: leak(real, synthetic, cue, seed=seed) for name, cue in CUES.items()}
    rows = [{"cue": name, "AUC": one.auc, "95 %": str(one.interval)} for name, one in found.items()]
    return pd.DataFrame(rows)


def _discriminant(known: NDArray, truth: NDArray, unknown: NDArray) -> NDArray[np.float64]:
    """Scores (M,) of ``unknown`` (M, k) by Fisher's linear discriminant of ``known`` films."""
    centre, scale = known.mean(axis=0), known.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    known, unknown = (known - centre) / scale, (unknown - centre) / scale
    means = [known[truth].mean(axis=0), known[~truth].mean(axis=0)]
    within = np.cov(np.concatenate([known[truth] - means[0], known[~truth] - means[1]]).T)
    within = np.atleast_2d(within) + RIDGE * np.eye(known.shape[1])
    return unknown @ np.linalg.solve(within, means[0] - means[1])
