"""When a growing network shows which resolution: first hold, then fade in the next and hold again.

Source: Karras et al., arXiv:1710.10196, section 2 and appendix A: 4 x 4 is trained for a number of
real films; then each doubling is faded in over so many films and held for so many more.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Moment(NamedTuple):
    """Where a training stands: resolution, alpha of its newest layers, share of the phase done."""

    phase: int
    resolution: int
    alpha: float
    progress: float


@dataclass(frozen=True)
class Phase:
    """One resolution: films shown while it is faded in, films shown after that, films per step.

    The numbers of films are real films shown to the critic, repeats counted.
    """

    resolution: int
    fade: int
    hold: int
    batch: int

    def __post_init__(self) -> None:
        if self.fade < 0 or self.hold < 0 or self.fade + self.hold < 1 or self.batch < 1:
            raise ValueError(
                "A phase needs films to be shown and at least one film per step; "
                f"fade {self.fade}, hold {self.hold}, batch {self.batch} will not do."
            )

    @property
    def steps(self) -> int:
        """Steps of the whole phase; the last one may show more films than are left."""
        return -(-(self.fade + self.hold) // self.batch)


@dataclass(frozen=True)
class Schedule:
    """The phases in order; each doubles the resolution of the one before, from 4 pixels on."""

    phases: tuple[Phase, ...]

    def __post_init__(self) -> None:
        wanted = [4 * 2**number for number in range(len(self.phases))]
        if not self.phases or [phase.resolution for phase in self.phases] != wanted:
            raise ValueError("A schedule has one phase each for 4, 8, 16, ... pixels, in order.")
        if self.phases[0].fade:
            raise ValueError("There is nothing to fade from at 4 pixels; its fade must be 0.")

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    def at(self, step: int) -> Moment:
        """The moment of a step; step 0 is the first. Raises IndexError after the last."""
        left = step
        for number, phase in enumerate(self.phases):
            if left < phase.steps:
                shown = left * phase.batch
                # The first step of a fade already lets a little of the new layers through.
                alpha = min(1.0, (shown + phase.batch) / phase.fade) if phase.fade else 1.0
                return Moment(number, phase.resolution, alpha, left / phase.steps)
            left -= phase.steps
        raise IndexError(f"Step {step} of a schedule of {self.steps} steps.")

    def batch_at(self, step: int) -> int:
        return self.phases[self.at(step).phase].batch


def published_schedule(
    resolution: int = 1024, fade: int = 800_000, hold: int = 800_000
) -> Schedule:
    """The schedule of the paper: 800,000 films each, batches of 16; 14, 6, 3 from 256 pixels on.

    (The default of the authors' code is 600,000.)
    """
    batches = {256: 14, 512: 6, 1024: 3}
    sizes = [2**level for level in range(2, resolution.bit_length())]
    phases = [Phase(r, fade if r > 4 else 0, hold, batches.get(r, 16)) for r in sizes]
    return Schedule(tuple(phases))
