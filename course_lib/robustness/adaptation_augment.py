"""Show the network in training what may change later: greys, sharpness and noise by chance.

Four changes that every maker's processing makes and that leave the diagnosis as it is. Each film
gets other amounts at each showing. What was not foreseen here is not learned either.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from course_lib.learning.film_classifier_training import ClassifiedFilms
from course_lib.learning.loading import epoch_seed


@dataclass(frozen=True)
class Appearance:
    """How far films may change; 0 everywhere changes nothing.

    gamma: greys to a power between 1 / (1 + gamma) and 1 + gamma. contrast: distances from the
    film's mean times 1 - contrast to 1 + contrast. softer, sharper: the film is moved by this
    share of its fine structure, from blurred (-softer) to edge-enhanced (+sharper). noise: largest
    standard deviation of added noise, in grey values 0..1.
    """

    gamma: float = 0.5
    contrast: float = 0.3
    softer: float = 0.8
    sharper: float = 2.0
    noise: float = 0.03

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0 or self.contrast >= 1 or self.softer > 1:
            raise ValueError(
                "Amounts of an appearance are 0 or more, contrast below 1 and softer at most 1."
            )

    def __call__(self, film: Tensor, random: np.random.Generator) -> Tensor:
        """One changed copy of a film (1, H, W) in 0..1."""
        power = (1 + self.gamma) ** random.uniform(-1, 1)
        fine = random.uniform(-self.softer, self.sharper)
        stretch = 1 + self.contrast * random.uniform(-1, 1)
        amount = self.noise * random.uniform()
        grain = random.normal(size=tuple(film.shape)).astype(np.float32)
        changed = sharpened(film.clamp(0, 1) ** power, fine)
        middle = changed.mean()
        changed = middle + stretch * (changed - middle) + amount * torch.from_numpy(grain)
        return changed.clamp(0, 1)


def sharpened(film: Tensor, amount: float) -> Tensor:
    """A film (1, H, W) plus `amount` times its fine structure; -1 leaves only the smooth part.

    Fine is what a Gaussian of about 0.8 pixels takes away.
    """
    kernel = torch.tensor([0.25, 0.5, 0.25])
    wide = functional.pad(film[None], (1, 1, 1, 1), mode="replicate")
    smooth = functional.conv2d(wide, torch.outer(kernel, kernel)[None, None])[0]
    return film + amount * (film - smooth)


class ChangedFilms(ClassifiedFilms):
    """Films with their classes, moved as in the first training, and changed by an Appearance."""

    def __init__(
        self,
        films: Tensor,
        classes: NDArray,
        appearance: Appearance,
        shift: int = 0,
        seed: int = 0,
    ) -> None:
        self.appearance = appearance
        super().__init__(films, classes, shift, seed)

    def set_epoch(self, epoch: int) -> None:
        """Draw new shifts, and new changes, for this epoch."""
        super().set_epoch(epoch)
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = super().__getitem__(index)
        random = np.random.default_rng([epoch_seed(self.seed, self.epoch), index])
        return {**item, "image": self.appearance(item["image"], random)}
