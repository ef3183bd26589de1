"""Old films that look like the new ones count more: importance weighting.

Under covariate shift with *overlap*, the mean over new films of anything equals the mean over old
films, each weighted with w = p_new(film) / p_old(film) (Shimodaira, J Stat Plan Inference
2000;90:227). A classifier that tells old from new films knows this ratio: w = odds of "new",
corrected for how many there were of each (Bickel et al., J Mach Learn Res 2009;10:2137).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_lib.evaluation.generative.estimate import two_tables


def density_ratio(
    old: ArrayLike, new: ArrayLike, strength: float = 1.0, folds: int = 5, seed: int = 0
) -> NDArray[np.float64]:
    """Weights (N,) of the old films, mean 1, from features (N, D) of old and (M, D) of new films.

    Logistic regression; each film is judged by a regression that has not seen it. strength: of the
    penalty on large coefficients; more gives milder weights. Raises ValueError for other shapes,
    NaN, or fewer films than folds.
    """
    first, second = two_tables(old, new, least=folds)
    if not strength > 0:
        raise ValueError(f"The strength of the penalty is above 0, not {strength}.")
    table = np.concatenate([first, second])
    is_new = np.repeat([0, 1], [len(first), len(second)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / strength, max_iter=2000))
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    chance = cross_val_predict(model, table, is_new, cv=split, method="predict_proba")
    logs = np.log(chance[: len(first)].clip(1e-12))
    ratio = np.exp(logs[:, 1] - logs[:, 0]) * len(first) / len(second)
    return ratio / ratio.mean()


def effective_films(weights: ArrayLike) -> float:
    """How many equally weighted films would be as sure: (sum w)^2 / sum w^2 (Kish 1965).

    N for equal weights, 1 if one film has it all. Raises ValueError for negative weights, NaN, or
    weights that are all 0.
    """
    w = check_weights(weights)
    return float(w.sum() ** 2 / (w**2).sum())


def weighted_mean(values: ArrayLike, weights: ArrayLike) -> float:
    """Mean of (N,) values with weights (N,): what the new films would give, under overlap."""
    w = check_weights(weights)
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != w.shape or not np.isfinite(numbers).all():
        raise ValueError(f"Give one finite value per weight: {numbers.shape} for {w.shape}.")
    return float((numbers * w).sum() / w.sum())


def check_weights(weights: ArrayLike) -> NDArray[np.float64]:
    """Weights (N,) as float64, or ValueError for negative ones, NaN, or nothing above 0."""
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        raise ValueError("Weights are a column of finite numbers, 0 or more, not all 0.")
    return w
