"""The anomaly detector that the course brings, ready to look at films.

    detector = load_detector()
    seen = detector.look(films)      # healthy twins, maps, one score per film
    seen.score > detector.threshold

Generator of normals, encoder, usual differences and the summary are those of the recorded study.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_lib.generative.anomaly import (
    SUMMARIES,
    Usual,
    difference_maps,
    load_usual,
    unusual,
)
from course_lib.generative.anomaly_results import load_study
from course_lib.generative.latent_encoder import SHIPPED, LatentEncoder, load_encoder
from course_lib.generative.latent_search import SearchPlan, search_twins
from course_lib.generative.shipped import load_generator
from course_lib.models.pggan import Generator, features


class Seen(NamedTuple):
    """What a detector saw in N films.

    twins: (N, 1, r, r) in 0..1. difference: (N, r, r) film minus twin, smoothed. odd: the same in
    units of what is usual there. score: (N,).
    """

    twins: Tensor
    difference: NDArray[np.float64]
    odd: NDArray[np.float64]
    score: NDArray[np.float64]


class Detector(NamedTuple):
    """Everything from a film to a score; `threshold` belongs to the wanted false-positive rate."""

    generator: Generator
    encoder: LatentEncoder
    usual: Usual
    chosen: str
    steps: int
    threshold: float

    def look(self, films: Tensor, *, progress: bool = False) -> Seen:
        """Find twins and score films float32 (N, 1, r, r) in 0..1.

        Raises ValueError for films that do not fit (latent_films.check_films).
        """
        plan = SearchPlan(steps=self.steps)
        twins = search_twins(
            self.generator, films, plan, start=self.encoder, progress=progress
        ).films
        return self.judge(films, twins)

    def judge(self, films: Tensor, twins: Tensor) -> Seen:
        """Maps and score of films whose twins are known."""
        difference = difference_maps(films, twins)
        odd = unusual(difference, self.usual)
        kind, summary = self.chosen.split(", ")
        return Seen(twins, difference, odd, SUMMARIES[summary](odd if "un" in kind else difference))


def load_detector(folder: Path | str | None = None, rate: float = 0.10) -> Detector:
    """The detector of a recorded study, the course's own by default, for this false-alarm rate.

    Raises FileNotFoundError or CheckpointError that say which piece is missing or does not fit.
    """
    place = Path(folder or SHIPPED)
    study, generator = load_study(place), load_generator("normal")
    encoder, usual = load_encoder(generator, place), load_usual(place)
    line = study.threshold("search", rate)
    return Detector(
        generator, encoder, usual, study.about["chosen"]["search"], study.about["steps"], line
    )


class FreeGenerator(nn.Module):
    """The same generator, steered by its first feature maps instead of its latent vector.

    With 4 x 4 x C free numbers in place of `latent` ones it draws more than healthy chests. Made
    to show what happens then: the twin copies the lesion.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self.channels = generator.size.channels(4)
        self.latent_size, self.resolution = 16 * self.channels, generator.resolution

    def start(self, z: Tensor) -> Tensor:
        """The free numbers (B, 16 C) that draw the same films as latents (B, latent)."""
        with torch.no_grad():
            return self.generator.first_features(z).flatten(1)

    def forward(self, maps: Tensor) -> Tensor:
        x = maps.view(len(maps), self.channels, 4, 4)
        for block in self.generator.blocks:
            x = features(block, nn.functional.interpolate(x, scale_factor=2, mode="nearest"))
        return self.generator.to_image[-1](x)
