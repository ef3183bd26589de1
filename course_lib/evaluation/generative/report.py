"""All measures of a set of generated films in one table."""

from collections.abc import Mapping

import pandas as pd
from numpy.typing import ArrayLike

from course_lib.evaluation.generative.estimate import Estimate
from course_lib.evaluation.generative.frechet import frechet_distance
from course_lib.evaluation.generative.kernel import kernel_distance
from course_lib.evaluation.generative.neighbours import density_coverage, precision_recall


def measures(real: ArrayLike, generated: ArrayLike) -> dict[str, Estimate]:
    """Every distance and share of this package for features (N, D) of real and generated films."""
    near, dense = precision_recall(real, generated), density_coverage(real, generated)
    return {
        "Frechet": frechet_distance(real, generated),
        "kernel": kernel_distance(real, generated),
        "precision": near.precision,
        "recall": near.recall,
        "density": dense.density,
        "coverage": dense.coverage,
    }


def comparison(real: ArrayLike, sets: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """One row per set of films, one column per measure, values without their intervals."""
    rows = {
        name: {measure: found.value for measure, found in measures(real, films).items()}
        for name, films in sets.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")
