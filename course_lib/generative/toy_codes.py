"""What a generator is told besides chance, and how the critic holds it to that.

nothing: a plain GAN. conditional: both players see the wanted class (Mirza and Osindero,
arXiv:1411.1784). auxiliary: only the generator sees it, and the critic's second end must name it
(AC-GAN, Odena, Olah, Shlens, arXiv:1610.09585). info: nobody has labels; the generator gets a code
that the second end must recover from the picture (InfoGAN, Chen et al., arXiv:1606.03657).
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Kind = Literal["nothing", "conditional", "auxiliary", "info"]
SPREAD = 0.3  # standard deviation of the Gaussian with which Q guesses a continuous code


@dataclass(frozen=True)
class Told:
    """A code: one of `classes`, and for "info" also `numbers` continuous values in -1..1."""

    kind: Kind = "nothing"
    classes: int = 0
    numbers: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("nothing", "conditional", "auxiliary", "info"):
            raise ValueError(f"There is no code {self.kind!r}; see Kind for the four there are.")
        if (self.kind == "nothing") != (self.width == 0):
            raise ValueError(f"{self.kind!r} with {self.width} values: only 'nothing' has none.")
        if self.numbers and self.kind != "info":
            raise ValueError("Only 'info' can have continuous values: they have no labels.")

    @property
    def width(self) -> int:
        """How many values the generator is told."""
        return self.classes + self.numbers

    @property
    def critic_width(self) -> int:
        """How many values the critic is told: all of them or nothing."""
        return self.width if self.kind == "conditional" else 0

    @property
    def guesses(self) -> int:
        """How many outputs the critic's second end needs."""
        return self.width if self.kind in ("auxiliary", "info") else 0

    def code(self, labels: Tensor) -> Tensor:
        """Classes (N,) as codes (N, width); continuous values are 0.

        Raises ValueError for a class that does not exist.
        """
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
            raise ValueError(f"Classes must be 0 to {self.classes - 1}.")
        one_hot = functional.one_hot(labels.long(), self.classes).float()
        return torch.cat([one_hot, one_hot.new_zeros(len(labels), self.numbers)], dim=1)

    def draw(self, n: int, random: torch.Generator) -> Tensor:
        """n codes (n, width) by chance: classes evenly, continuous values evenly in -1..1."""
        if self.kind == "nothing":
            return torch.zeros(n, 0)
        classes = torch.zeros(n, 0)
        if self.classes:
            drawn = torch.randint(self.classes, (n,), generator=random)
            classes = functional.one_hot(drawn, self.classes).float()
        return torch.cat([classes, 2 * torch.rand(n, self.numbers, generator=random) - 1], dim=1)

    def surprise(self, guess: Tensor, code: Tensor) -> Tensor:
        """-log Q(code | picture) in nats, mean over the batch: both players minimise it.

        Cross-entropy for the class; for continuous values a Gaussian of standard deviation SPREAD
        round the guess. guess, code: (N, width).
        """
        if guess.shape != code.shape or guess.shape[1:] != (self.width,):
            raise ValueError(f"Guess {tuple(guess.shape)} and code {tuple(code.shape)} differ.")
        total = guess.new_zeros(())
        if self.classes:
            wanted = code[:, : self.classes].argmax(dim=1)
            total = total + functional.cross_entropy(guess[:, : self.classes], wanted)
        if self.numbers:
            off = (guess - code)[:, self.classes :].square().sum(dim=1).mean()
            constant = self.numbers * math.log(SPREAD * math.sqrt(2 * math.pi))
            total = total + off / (2 * SPREAD**2) + constant
        return total

    def information(self, guess: Tensor, code: Tensor) -> float:
        """A lower bound in nats of the mutual information of code and picture: H(code) - surprise.

        arXiv:1606.03657, eq. 4. It cannot pass log(classes) for a class.
        """
        entropy = math.log(self.classes) if self.classes else 0.0
        return entropy + self.numbers * math.log(2) - float(self.surprise(guess, code))
