"""The axes that the course brings, for the generator of all patients that it brings.

    steering = load_steering()
    steering.logit.of("pleural_effusion")    # (64,), as the regression gives it
    steering.steady["pleural_effusion"]      # the same, with heart, chest and weight projected out

How they were found and what walking along them does: datasets/checkpoints/steering/README.md.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.generative.directions import Array, Axes
from course_lib.generative.directions_measure import SHIPPED
from course_lib.generative.shipped import load_generator, sample_latents, weights_hash
from course_lib.learning.checkpoint import CheckpointError
from course_lib.models.pggan import Generator

TABLES = ("effects", "reached", "disease_alone", "measure")
SEED = 5200  # of the latents that were judged


class Steering(NamedTuple):
    """What the study found; see directions_study.

    rule, logit: axes of the six outputs, found from films that show one thing, and from all films.
    steady: disease -> axis (L,) with all other diseases and the body's numbers projected out. body
    (3, L), body_r2 (3,): how heart ratio, chest width and BMI depend on z. where: disease ->
    (64, 64), share of ill virtual patients whose mask covers the pixel.
    logits (N, 6): of the films of `latents`. key: the weights that all this belongs to.
    """

    rule: Axes
    logit: Axes
    steady: dict[str, Array]
    body: Array
    body_r2: Array
    where: dict[str, Array]
    logits: Array
    key: str

    @property
    def likelihood(self) -> Array:
        """The judge's likelihoods (N, 6) of the films of `latents`."""
        return np.asarray(1 / (1 + np.exp(-self.logits)))

    def latents(self, n: int | None = None) -> NDArray[np.float64]:
        """The latents (n, L) whose films were judged; all of them by default."""
        wide = self.logit.direction.shape[1]
        return sample_latents(len(self.logits), wide, SEED).numpy()[:n].astype(np.float64)


def load_steering(generator: Generator | None = None, folder: Path | str | None = None) -> Steering:
    """The axes in a folder; the course's own when none is named.

    generator: the one they are to be used with; by default the shipped one of all patients. Raises
    CheckpointError if a file is missing or damaged, or if the axes belong to other weights: along
    axes of another generator every step means something else, or nothing.
    """
    place = Path(folder or SHIPPED)
    found, judged = _arrays(place / "axes.npz"), _arrays(place / "logits.npz")
    key = weights_hash(generator or load_generator("all"))
    for arrays in (found, judged):
        if str(arrays["key"]) != key:
            raise CheckpointError(
                f"The axes in {place} belong to a generator with the weights {arrays['key']}, not "
                f"{key}; find new ones: python -m course_lib.generative.directions_study"
            )
    logit = _axes(found, "logit")
    diseases = [name for name, why in zip(logit.names, logit.reason, strict=True) if not why]
    diseases = [name for name in diseases if name != "normal"]
    return Steering(
        _axes(found, "rule"),
        logit,
        dict(zip(diseases, found["steady"], strict=True)),
        found["body"],
        found["body_r2"],
        {name[6:]: found[name].astype(float) for name in found if name.startswith("where_")},
        judged["logits"].astype(np.float64),
        key,
    )


def steering_table(name: str, folder: Path | str | None = None) -> pd.DataFrame:
    """A table of the study: "effects", "reached", "disease_alone" or "measure".

    The columns are those of directions_study. Raises ValueError for another name.
    """
    if name not in TABLES:
        raise ValueError(f"There is no table {name!r}; there are {', '.join(TABLES)}.")
    return pd.read_csv(Path(folder or SHIPPED) / f"{name}.csv")


def _axes(arrays: dict[str, NDArray], kind: str) -> Axes:
    names, reason = (tuple(map(str, arrays[f"{kind}_{words}"])) for words in ("names", "reason"))
    direction, kept, r2, agreement = (
        arrays[f"{kind}_{numbers}"] for numbers in ("direction", "kept", "r2", "agreement")
    )
    return Axes(names, direction, kept, r2, agreement, reason)


def _arrays(path: Path) -> dict[str, NDArray]:
    try:
        with np.load(path) as saved:  # no pickled objects: safe to open
            return dict(saved)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path} is missing; make it: python -m course_lib.generative.directions_study"
        ) from error
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); delete it.") from error
