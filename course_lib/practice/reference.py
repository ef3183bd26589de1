"""What the network says of films whose truth is known: the ruler that new films are held against.

A score alone means little. "Higher than 97 of 100 films without a nodule" means something, and so
does "its inside has never seen a film like this".
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from course_lib.data.opening import open_dataset
from course_lib.data.source import AnySource
from course_lib.learning.shipped import Chexnet
from course_lib.practice.appearance import average_film, grey_curve

USUAL_FILMS, USUAL_SEED = 400, 606  # other patients than those of training and test
RIDGE = 0.1  # keeps the covariance of few films invertible


@dataclass(frozen=True, eq=False)
class Reference:
    """Scores, truth and looks of N films with known findings.

    score, present (N, K). average: see appearance.average_film. grey (L,): mean grey curve.
    centre (C,), whiten (C, C): mean of the network's last pooled maps, and what turns a difference
    from it into a Mahalanobis distance. grey_distance, inner_distance (M,), sorted: of films that
    had no part in these means.
    """

    findings: tuple[str, ...]
    score: NDArray[np.float32]
    present: NDArray[np.bool_]
    average: NDArray[np.float32]
    grey: NDArray[np.float64]
    centre: NDArray[np.float64]
    whiten: NDArray[np.float64]
    grey_distance: NDArray[np.float64]
    inner_distance: NDArray[np.float64]

    def below(self, scores: NDArray, with_finding: bool) -> NDArray[np.float64]:
        """Share (K,) of the reference films with (or without) each finding that score lower.

        Equal scores count half. NaN where the reference has no such film.
        """
        shares = []
        for k, score in enumerate(scores):
            others = self.score[self.present[:, k] == with_finding, k]
            lower = np.mean(others < score) + np.mean(others == score) / 2 if others.size else None
            shares.append(np.nan if lower is None else lower)
        return np.array(shares)

    def middle(self, k: int, with_finding: bool) -> tuple[float, float]:
        """Between which scores 90 of 100 reference films with (or without) finding k lie."""
        scores = self.score[self.present[:, k] == with_finding, k]
        if not scores.size:
            return (1.0, 0.0)
        low, high = np.quantile(scores, [0.05, 0.95])
        return float(low), float(high)

    def unlikeness(self, image: NDArray, inside: NDArray) -> tuple[float, float]:
        """How unusual a film is in its grey levels and inside the network, 0 to 1 each.

        0.99: of 100 reference films, 99 are more usual. inside (C,): its pooled_maps.
        """
        grey = grey_gap(grey_curve(image), self.grey)
        inner = inner_gap(inside, self.centre, self.whiten)
        return _share_below(self.grey_distance, grey), _share_below(self.inner_distance, inner)


def usual_reference(chexnet: Chexnet, films: int = USUAL_FILMS) -> Reference:
    """The reference on virtual patients with a hospital's usual mix of the network's findings."""
    findings = (*chexnet.findings, "support_device")
    cohort = open_dataset("virtual", n=films, seed=USUAL_SEED, size=chexnet.size, findings=findings)
    return measure_reference(chexnet, cohort)


def measure_reference(chexnet: Chexnet, films: AnySource) -> Reference:
    """Measure the reference on films with exact labels.

    Raises ValueError for fewer than 20 films: no share could be told.
    """
    if len(films) < 20:
        raise ValueError(f"A reference needs at least 20 films, not {len(films)}.")
    seen = chexnet.predict(films)
    images = [films[i].image for i in range(len(films))]
    inside = pooled_maps(chexnet, images)
    curves = np.stack([grey_curve(image) for image in images])
    # Means from every second film, distances from the others: a film is near a mean it is part of.
    centre, whiten = inside[::2].mean(0), _whitening(inside[::2])
    grey = curves[::2].mean(0)
    return Reference(
        findings=chexnet.findings,
        score=seen.probability,
        present=seen.target == 1,
        average=average_film(images),
        grey=grey,
        centre=centre,
        whiten=whiten,
        grey_distance=np.sort([grey_gap(curve, grey) for curve in curves[1::2]]),
        inner_distance=np.sort([inner_gap(maps, centre, whiten) for maps in inside[1::2]]),
    )


def pooled_maps(chexnet: Chexnet, images: list[NDArray]) -> NDArray[np.float64]:
    """What the last layer of the network is given: the means (N, C) of its last maps."""
    layer = chexnet.model.get_submodule("features")
    with torch.inference_mode():
        parts = [
            functional.adaptive_avg_pool2d(layer(part), 1).flatten(1)
            for part in chexnet.prepare(images).split(64)
        ]
    return torch.cat(parts).double().numpy()


def grey_gap(one: NDArray, other: NDArray) -> float:
    """Mean distance of two grey curves: how far, on average, greys must move (0 to 1)."""
    return float(np.abs(one - other).mean())


def inner_gap(inside: NDArray, centre: NDArray, whiten: NDArray) -> float:
    """Mahalanobis distance of pooled maps (C,) from the centre."""
    return float(np.linalg.norm(whiten @ (inside - centre)))


def _whitening(inside: NDArray[np.float64]) -> NDArray[np.float64]:
    """W (C, C) with W' W = inverse covariance, shrunk towards its own diagonal."""
    covariance = np.cov(inside, rowvar=False)
    diagonal = np.diag(np.diag(covariance) + 1e-12)
    shrunk = (1 - RIDGE) * covariance + RIDGE * diagonal
    return np.linalg.inv(np.linalg.cholesky(shrunk))


def _share_below(ordered: NDArray[np.float64], value: float) -> float:
    return float(np.searchsorted(ordered, value) / ordered.size)
