"""From a film and its healthy twin to a map of what differs, one score, and a yes or no.

The map is film minus twin: bright where the film is whiter. How much differs in healthy films as
well (edges of heart, ribs and clavicles, which no twin meets exactly) is measured on healthy films;
divided by it, the map says how *unusual* a difference is. The threshold is chosen on other healthy
films, at the share of false alarms that one is ready to bear.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from course_lib.data.files import write_whole
from course_lib.data.scxnn_films import dilate
from course_lib.evaluation.delong import delong
from course_lib.evaluation.intervals import newcombe_paired, wilson
from course_lib.evaluation.mcnemar import McNemar, mcnemar_of_calls
from course_lib.explain.localisation import points_inside

BLUR_PIXELS = 1.0
USUAL_FILE = "usual.npz"
SMALLEST_SPREAD = 0.005  # grey values; air beside the patient never differs, and would divide by 0


class Usual(NamedTuple):
    """Differences in healthy films: mean and spread (root mean square) of every pixel, (H, W)."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]


def difference_maps(
    films: Tensor | NDArray, twins: Tensor | NDArray, blur: float = BLUR_PIXELS
) -> NDArray[np.float64]:
    """Film minus twin, smoothed: (N, H, W) in grey values, positive where the film is whiter.

    films, twins: (N, 1, H, W) in 0..1. blur: standard deviation of the Gaussian in pixels; noise
    of single pixels is no disease. Raises ValueError for other shapes or a negative blur.
    """
    first, second = np.asarray(films, np.float64), np.asarray(twins, np.float64)
    if first.shape != second.shape or first.ndim != 4 or first.shape[1] != 1:
        raise ValueError(
            f"Films and twins must both have the shape (N, 1, H, W); they have {first.shape} and "
            f"{second.shape}."
        )
    if blur < 0:
        raise ValueError(f"blur is 0 pixels or more, not {blur:g}.")
    return np.asarray(gaussian_filter((first - second)[:, 0], (0, blur, blur)))


def usual_differences(maps: NDArray) -> Usual:
    """What differs in healthy films: maps (N, H, W) of at least ten of them."""
    maps = _maps(maps)
    if len(maps) < 10:
        raise ValueError(f"{len(maps)} healthy films are too few to say what is usual; take 10.")
    mean = maps.mean(0)
    return Usual(mean, np.sqrt(((maps - mean) ** 2).mean(0) + SMALLEST_SPREAD**2))


def unusual(maps: NDArray, usual: Usual) -> NDArray[np.float64]:
    """Maps (N, H, W) in units of what is usual there: 3 is three times the usual spread."""
    maps = _maps(maps)
    if maps.shape[1:] != usual.mean.shape:
        raise ValueError(f"Maps of {maps.shape[1:]} pixels, but usual ones {usual.mean.shape}.")
    return np.asarray((maps - usual.mean) / usual.spread)


def save_usual(usual: Usual, folder: Path) -> None:
    """Write usual.npz, which load_usual reads."""
    write_whole(
        folder / USUAL_FILE,
        lambda file: np.savez_compressed(  # type: ignore[arg-type]
            file, mean=usual.mean.astype(np.float32), spread=usual.spread.astype(np.float32)
        ),
    )


def load_usual(folder: Path) -> Usual:
    """What save_usual wrote. Raises FileNotFoundError that says how it is made."""
    path = folder / USUAL_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; make it: python -m course_lib.generative.anomaly_study"
        )
    with np.load(path) as saved:
        return Usual(saved["mean"].astype(np.float64), saved["spread"].astype(np.float64))


def mean_square(maps: NDArray) -> NDArray[np.float64]:
    """(N,): the whole film counts; a small lesion drowns in the rest."""
    return np.asarray((_maps(maps) ** 2).mean((1, 2)))


def peak(maps: NDArray) -> NDArray[np.float64]:
    """(N,): only the most conspicuous pixel counts, whether too white or too black."""
    return np.asarray(np.abs(_maps(maps)).max((1, 2)))


def top_share(maps: NDArray, share: float = 0.01) -> NDArray[np.float64]:
    """(N,): mean of the most conspicuous share of the pixels (1 %: 41 of 64 x 64)."""
    flat = np.abs(_maps(maps)).reshape(len(maps), -1)
    count = max(1, round(share * flat.shape[1]))
    return np.asarray(np.sort(flat, 1)[:, -count:].mean(1))


SUMMARIES: dict[str, Callable[[NDArray], NDArray[np.float64]]] = {
    "mean square": mean_square,
    "peak": peak,
    "top 1 %": top_share,
    "top 5 %": lambda maps: top_share(maps, 0.05),
}


def threshold_on_normals(scores: ArrayLike, false_positive_rate: float) -> float:
    """The lowest threshold that at most this share of healthy films (N,) exceeds.

    A film is called when its score is *above* the threshold. Raises ValueError for scores that are
    not finite, a rate outside 0..1, and too few films for the rate (10 % needs 10 films).
    """
    values = np.sort(np.asarray(scores, np.float64))
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError("A threshold needs a column of finite scores of healthy films.")
    if not 0 < false_positive_rate < 1 or values.size * false_positive_rate < 1:
        raise ValueError(
            f"A false-positive rate of {false_positive_rate:g} cannot be set on {values.size} "
            "films; one film must be at most that share."
        )
    allowed = int(np.floor(values.size * false_positive_rate + 1e-9))
    return float(values[values.size - 1 - allowed])


def detection_table(
    scores: Mapping[str, ArrayLike],
    normals: ArrayLike,
    threshold: float,
    known: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per finding, as in the thesis' table 6, with what it leaves out.

    scores: finding -> (N,) scores of films that show it; normals: (M,) scores of healthy films.
    known: findings that a supervised comparator has learned. Columns: diagnosis, in_training,
    subjects, detected, sensitivity with its Wilson interval (low, high), and the AUC against the
    normals with DeLong's (auc_low, auc_high). The last row is "normal": detected are false alarms.
    """
    healthy = np.asarray(normals, np.float64)
    rows = []
    for name, values in {**scores, "normal": healthy}.items():
        values = np.asarray(values, np.float64)
        found = int((values > threshold).sum())
        interval = wilson(found, len(values))
        area = None if name == "normal" else _area(values, healthy)
        rows.append(
            {
                "diagnosis": name,
                "in_training": "yes" if name in known else "" if name == "normal" else "no",
                "subjects": len(values),
                "detected": found,
                "sensitivity": found / len(values),
                "low": interval.low,
                "high": interval.high,
                "auc": area.auc if area else np.nan,
                "auc_low": area.interval.low if area else np.nan,
                "auc_high": area.interval.high if area else np.nan,
            }
        )
    return pd.DataFrame(rows)


class Paired(NamedTuple):
    """Two detectors on the same ill films: how many each found, the gain, and McNemar's test."""

    subjects: int
    first: int
    second: int
    gain: float
    low: float
    high: float
    test: McNemar


def paired_detection(first: ArrayLike, second: ArrayLike) -> Paired:
    """Compare calls (N,) bool of two detectors on the same N ill films; gain: first minus second.

    The interval is Newcombe's for paired proportions.
    """
    one, other = np.asarray(first, bool), np.asarray(second, bool)
    test = mcnemar_of_calls(np.ones(len(one), int), one.astype(int), other.astype(int))
    both, neither = int((one & other).sum()), int((~one & ~other).sum())
    interval = newcombe_paired(both, test.only_first, test.only_second, neither)
    gain = float(one.mean() - other.mean())
    return Paired(
        len(one), int(one.sum()), int(other.sum()), gain, interval.low, interval.high, test
    )


def peak_hits(one: NDArray, mask: NDArray, share: float = 0.03) -> bool:
    """Does the most conspicuous pixel of a map (H, W) lie in the true mask, grown by `share`?

    The pointing game; grown, because a map that was smoothed peaks beside a thin lesion.
    """
    return points_inside(np.abs(one), dilate(np.asarray(mask, bool), share))


def _area(ill: NDArray, healthy: NDArray):
    truth = np.r_[np.ones(len(ill), int), np.zeros(len(healthy), int)]
    return delong(truth, np.r_[ill, healthy])


def _maps(maps: NDArray) -> NDArray[np.float64]:
    maps = np.asarray(maps, np.float64)
    if maps.ndim != 3 or not np.isfinite(maps).all():
        raise ValueError(f"Maps must be finite and (N, H, W), not {maps.shape}.")
    return maps
