"""Where in the latent space does a disease lie?

Nobody told the generator what an effusion is, but a classifier can be asked about everything it
makes. Many latents z give many films; the classifier gives each film K likelihoods; films that show
one thing only are kept; a linear regression of the likelihoods on z gives K slopes, and each slope
is a direction, an *axis*. Source: TL-GAN (Guan 2018, github.com/SummitKwan/transparent_latent_gan);
for chest films Kim M., thesis, University of Ulsan 2021, section 3. New here: slopes are judged on
films that had no part in them, each axis is found twice in separate halves of the films, and a
class with too few films, or whose halves disagree, gets no axis but a reason. And beside this way
stands a second one, which keeps all films and regresses the logits, log(p / (1 - p)).

All functions take arrays, so they serve any generator and any classifier.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
HIGH, LOW = 0.9, 0.1  # the thesis' rule: one likelihood at least HIGH, all others at most LOW
LEAST_FILMS = 50  # fewer kept films than this give no axis
LEAST_AGREEMENT = 0.3  # cosine between halves whose lower end is below this: no axis
NEITHER = -1


def single_finding(likelihood: ArrayLike, high: float = HIGH, low: float = LOW) -> NDArray[np.int_]:
    """Which one thing each film shows, (N,): the column, or NEITHER (-1) where the rule fails.

    likelihood (N, K) in 0..1. The rule: one output at least `high`, every other at most `low`.
    Raises ValueError for other shapes, values outside 0..1, NaN, or low >= high.
    """
    values = _likelihoods(likelihood)
    if not 0 <= low < high <= 1:
        raise ValueError(f"The rule needs 0 <= low < high <= 1, not low {low:g}, high {high:g}.")
    best = values.argmax(axis=1)
    others = values.copy()
    others[np.arange(len(values)), best] = 0.0
    alone = (values.max(axis=1) >= high) & (others <= low).all(axis=1)
    return np.where(alone, best, NEITHER)


def class_weights(kept: ArrayLike, classes: int) -> Array:
    """Weight of each film, (N,): every class counts alike in all, films left out count nothing.

    kept (N,) as `single_finding` gives it. Over the kept films the weights have mean 1.
    """
    which = np.asarray(kept, dtype=int)
    counts = np.bincount(which[which >= 0], minlength=classes)
    if not counts.any():
        raise ValueError("No film was kept; make more films, or a rule that is less strict.")
    share = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(which >= 0, share[np.maximum(which, 0)], 0.0)


class Slopes(NamedTuple):
    """A linear model: value_k = slope[k] . z + intercept[k]; slope (K, L), intercept (K,)."""

    slope: Array
    intercept: Array

    def __call__(self, latents: ArrayLike) -> Array:
        """The model's values (N, K) for latents (N, L)."""
        return np.asarray(latents, dtype=np.float64) @ self.slope.T + self.intercept


def weighted_regression(latents: ArrayLike, values: ArrayLike, weight: ArrayLike) -> Slopes:
    """Least squares of values (N, K) on latents (N, L), film i counting weight[i] times.

    Raises ValueError for shapes that do not fit or too few films for the number of slopes.
    """
    z, y, w = _regression_inputs(latents, values, weight)
    design = np.column_stack([z, np.ones(len(z))])
    root = np.sqrt(w)[:, None]
    solution = np.linalg.lstsq(design * root, y * root, rcond=None)[0]
    return Slopes(solution[:-1].T, solution[-1])


def weighted_r2(values: ArrayLike, fitted: ArrayLike, weight: ArrayLike) -> Array:
    """Share of the weighted variance of each column that a model explains, (K,).

    1 is perfect, 0 as good as the mean; below 0 worse than it. NaN for a column without variance.
    """
    y, model = np.asarray(values, np.float64), np.asarray(fitted, np.float64)
    w = np.asarray(weight, np.float64)[:, None]
    mean = (w * y).sum(axis=0) / w.sum()
    total = (w * (y - mean) ** 2).sum(axis=0)
    rest = (w * (y - model) ** 2).sum(axis=0)
    return 1 - rest / np.where(total > 0, total, np.nan)


class Axes(NamedTuple):
    """What was found, one entry per class.

    names (K,); direction (K, L), unit vectors, NaN where there is none; kept (K,), films that
    showed this class alone; r2 (K,), on held-out films; agreement (K, 3), cosine between the axes
    of two halves of the films: median, 2.5th and 97.5th percentile; reason (K,), why there is no
    axis, "" where there is one.
    """

    names: tuple[str, ...]
    direction: Array
    kept: NDArray[np.int_]
    r2: Array
    agreement: Array
    reason: tuple[str, ...]

    @property
    def found(self) -> NDArray[np.bool_]:
        """(K,): True where there is an axis."""
        return np.array([not why for why in self.reason])

    def of(self, name: str) -> Array:
        """The axis (L,) of a class; ValueError with the reason if it has none."""
        if name not in self.names:
            raise ValueError(f"There is no class {name!r}; there are {', '.join(self.names)}.")
        number = self.names.index(name)
        if self.reason[number]:
            raise ValueError(f"There is no axis for {name}: {self.reason[number]}.")
        return self.direction[number]


def find_axes(
    latents: ArrayLike,
    likelihood: ArrayLike,
    names: Sequence[str],
    *,
    high: float = HIGH,
    low: float = LOW,
    least: int = LEAST_FILMS,
    held_out: float = 0.25,
    repeats: int = 100,
    seed: int = 0,
) -> Axes:
    """One axis per class from latents (N, L) and the likelihoods (N, K) of their films.

    Films are kept by `single_finding`; the regression is weighted by class. R^2 is that of a second
    regression without the `held_out` share of the films, on these. least: classes with fewer kept
    films get no axis, and their films take no part. repeats: how often the films are halved at
    random. Raises ValueError for input that does not fit or when fewer than two classes are left.
    """
    values, z = _likelihoods(likelihood), np.asarray(latents, dtype=np.float64)
    if len(z) != len(values) or values.shape[1] != len(names):
        raise ValueError(
            f"{len(z)} latents, likelihoods {values.shape} and {len(names)} names do not fit."
        )
    which = single_finding(values, high, low)
    counts = np.bincount(which[which >= 0], minlength=len(names))
    enough = counts >= least
    if enough.sum() < 2:
        raise ValueError(
            f"Only {enough.sum()} class has {least} films or more, and an axis leads from one "
            "class to another; make more films or lower `least`."
        )
    usable = (which >= 0) & enough[np.maximum(which, 0)]
    z, values, which = z[usable], values[usable], which[usable]
    weight = class_weights(which, len(names))
    slopes = weighted_regression(z, values, weight)
    halves = _agreement(z, values, weight, repeats, seed)
    agreement = np.where(enough, np.quantile(halves, (0.5, 0.025, 0.975), axis=0), np.nan).T
    reason = tuple(
        _reason(count, low_end, least)
        for count, low_end in zip(counts, agreement[:, 1], strict=True)
    )
    lost = np.array([bool(why) for why in reason])
    return Axes(
        tuple(names),
        np.where(lost[:, None], np.nan, unit(slopes.slope)),
        counts,
        np.where(enough, _held_out_r2(z, values, weight, held_out, seed), np.nan),
        agreement,
        reason,
    )


def find_logit_axes(
    latents: ArrayLike,
    logits: ArrayLike,
    names: Sequence[str],
    *,
    held_out: float = 0.25,
    repeats: int = 100,
    seed: int = 0,
) -> Axes:
    """One axis per class from all films: regression of their logits (N, K) on latents (N, L).

    A likelihood has ends, 0 and 1, where it stops telling films apart; a logit has none. So films
    that show nothing clearly, or two things, teach as well. All films count alike; `kept` is N for
    every class. The rest is as in `find_axes`.
    """
    z, values, weight = _regression_inputs(latents, logits, np.ones(len(np.asarray(logits))))
    if values.shape[1] != len(names):
        raise ValueError(f"Logits {values.shape} and {len(names)} names do not fit.")
    halves = _agreement(z, values, weight, repeats, seed)
    agreement = np.quantile(halves, (0.5, 0.025, 0.975), axis=0).T
    reason = tuple(_reason(len(z), low_end, 0) for low_end in agreement[:, 1])
    lost = np.array([bool(why) for why in reason])
    direction = unit(weighted_regression(z, values, weight).slope)
    return Axes(
        tuple(names),
        np.where(lost[:, None], np.nan, direction),
        np.full(len(names), len(z)),
        _held_out_r2(z, values, weight, held_out, seed),
        agreement,
        reason,
    )


def likely_cosine(agreement: ArrayLike) -> Array:
    """The cosine to be expected between an axis and the true one, from that between halves.

    With truth s and independent noise, halves agree by h = s^2 / (s^2 + 2 e^2), and the axis of all
    films has a cosine of sqrt(s^2 / (s^2 + e^2)) = sqrt(2 h / (1 + h)) with the truth (Spearman
    1910, Brown 1910, for tests of two halves). 0 for halves that do not agree.
    """
    half = np.clip(np.asarray(agreement, np.float64), 0, 1)
    return np.sqrt(2 * half / (1 + half))


def unit(vectors: ArrayLike) -> Array:
    """The vectors (..., L) with length 1; a vector of zeros is left alone."""
    array = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(array, axis=-1, keepdims=True)
    return array / np.where(length > 0, length, 1.0)


def _reason(count: int, agreement_low: float, least: int) -> str:
    """Why a class has no axis, or nothing."""
    if count < least:
        return f"too few films show it alone: {count}, and {least} are needed"
    if agreement_low < LEAST_AGREEMENT:
        return f"two halves of the films give different axes (cosine down to {agreement_low:.2f})"
    return ""


def _held_out_r2(z: Array, values: Array, weight: Array, share: float, seed: int) -> Array:
    """R^2 (K,) on a random share of the films, of a regression on the others."""
    aside = np.random.default_rng([seed, 1]).random(len(z)) < share
    slopes = weighted_regression(z[~aside], values[~aside], weight[~aside])
    return weighted_r2(values[aside], slopes(z[aside]), weight[aside])


def _agreement(z: Array, values: Array, weight: Array, repeats: int, seed: int) -> Array:
    """Cosines (repeats, K) between the axes of two random halves of the films.

    A bootstrap sample would share films with the whole: even an axis of pure noise has a cosine of
    about 0.7 with its bootstrap copies. Halves share nothing, so noise gives 0, with a
    spread of 1 / sqrt(L) from one set of films to another.
    """
    rng = np.random.default_rng([seed, 2])
    result = np.empty((max(repeats, 1), values.shape[1]))
    for row in result:
        order = rng.permutation(len(z))
        halves = (order[::2], order[1::2])
        one, two = (
            unit(weighted_regression(z[half], values[half], weight[half]).slope) for half in halves
        )
        row[:] = (one * two).sum(axis=1)
    return result


def _likelihoods(likelihood: ArrayLike) -> Array:
    values = np.asarray(likelihood, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(f"Likelihoods must be (films, classes), not {values.shape}.")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("Likelihoods must lie between 0 and 1 and hold no NaN; apply the sigmoid.")
    return values


def _regression_inputs(
    latents: ArrayLike, values: ArrayLike, weight: ArrayLike
) -> tuple[Array, Array, Array]:
    z, y, w = (np.asarray(a, dtype=np.float64) for a in (latents, values, weight))
    if z.ndim != 2 or y.ndim != 2 or w.ndim != 1 or not len(z) == len(y) == len(w):
        raise ValueError(f"Latents {z.shape}, values {y.shape} and weights {w.shape} do not fit.")
    if not (np.isfinite(z).all() and np.isfinite(y).all() and np.isfinite(w).all()):
        raise ValueError("Latents, values or weights hold NaN or infinity.")
    if (w < 0).any() or np.count_nonzero(w) <= z.shape[1]:
        raise ValueError(
            f"{np.count_nonzero(w)} films are too few for {z.shape[1]} slopes and an intercept."
        )
    return z, y, w
