"""Small chest films of two kinds for a game that lasts seconds: healthy, and with an effusion.

At 32 pixels a large pleural effusion is still plain to see: the corner of one lung is white.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.data.gan_films import SEVERITY, film_stack, to_unit, truth_of
from course_lib.data.virtual import VirtualChest

KINDS = ("normal", "pleural effusion")
SEED = 5210  # patients that no other cohort of the generative lessons has


@dataclass(frozen=True)
class FilmDeck:
    """Films (N, 1, R, R) in -1..1 and the kind of each (N,), dealt by chance.

    Raises ValueError for films of another form or range, or without a kind for each.
    """

    films: Tensor
    kinds: Tensor

    def __post_init__(self) -> None:
        if self.films.ndim != 4 or len(self.films) != len(self.kinds) or not len(self.films):
            raise ValueError(
                f"Films (N, 1, R, R) and a kind for each are needed, not {tuple(self.films.shape)} "
                f"and {tuple(self.kinds.shape)}."
            )
        if not self.films.abs().max() <= 1:  # also refuses NaN
            raise ValueError("Films must be in -1..1 without NaN; see data.gan_films.to_unit.")

    def labelled(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """n films and their kinds, drawn with replacement, every kind equally often on average."""
        kinds = torch.unique(self.kinds)
        wanted = kinds[torch.from_numpy(rng.integers(len(kinds), size=n))]
        chosen = torch.empty(n, dtype=torch.long)
        for kind in kinds:
            places, among = wanted == kind, torch.nonzero(self.kinds == kind)[:, 0]
            chosen[places] = among[rng.integers(len(among), size=int(places.sum()))]
        return self.films[chosen], self.kinds[chosen]


def effusion_films(n: int = 600, size: int = 32, seed: int = SEED) -> FilmDeck:
    """n virtual patients, half of them with a pleural effusion; kinds are numbers in KINDS."""
    cohort = VirtualChest(
        n,
        seed,
        size,
        findings=["pleural_effusion"],
        prevalence={"pleural_effusion": 0.5},
        severity=SEVERITY,
    )
    ill = truth_of(cohort, ["pleural_effusion"])[:, 0]
    return FilmDeck(to_unit(film_stack(cohort, size)), torch.from_numpy(ill.astype(np.int64)))


def difference_picture(films: Tensor, kinds: Tensor) -> Tensor:
    """Mean film of kind 1 minus mean film of kind 0, (R, R): where, on average, they differ.

    Raises ValueError if one of the kinds is missing.
    """
    if not (kinds == 0).any() or not (kinds == 1).any():
        raise ValueError("Both kinds are needed to say how they differ.")
    return films[kinds == 1].mean(dim=(0, 1)) - films[kinds == 0].mean(dim=(0, 1))
