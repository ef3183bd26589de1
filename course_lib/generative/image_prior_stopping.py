"""When to stop: the network draws the patient first and the noise afterwards.

Neither rule knows the truth. `NoiseLevel` knows how strong the noise is, `Calmest` only watches
how much the picture still changes.
"""

from collections import deque
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


class Verdict(NamedTuple):
    """keep: this picture is the best so far. stop: enough."""

    keep: bool
    stop: bool


class StopRule(Protocol):
    """What `restore` asks after each step."""

    reason: str

    def start(self) -> None:
        """Forget what was seen: another restoration begins."""

    def see(self, picture: Picture, misfit: float) -> Verdict:
        """One more step: the picture (H, W) and how far it is from the measurement."""


class NoiseLevel:
    """Stop as soon as the picture is as far from the measurement as the noise explains.

    The discrepancy principle (Morozov): misfit is the mean of ((measured - predicted) / noise)^2,
    which is 1 for the truth itself. Going below 1 means drawing noise. level: stop there.
    ValueError unless it is positive.
    """

    reason = "as close to the film as the noise allows"

    def __init__(self, level: float = 1.0) -> None:
        if not level > 0:
            raise ValueError(f"The level must be positive, not {level}: 1 is the noise itself.")
        self.level = level

    def start(self) -> None:
        """Nothing to forget."""

    def see(self, picture: Picture, misfit: float) -> Verdict:
        """Keeps every picture until the level is reached."""
        return Verdict(keep=True, stop=misfit <= self.level)


class Calmest:
    """Keep the picture at the end of the calmest stretch of `window` steps.

    Windowed moving variance (Wang et al., Early stopping for deep image prior, arXiv:2112.06074):
    while the patient is drawn the pictures change; then they rest; then noise moves them again.
    Stops when no stretch was calmer for `patience` steps. ValueError for a window below 2 or a
    patience below 1.
    """

    reason = "the picture had come to rest and began to move again"

    def __init__(self, window: int = 30, patience: int = 100) -> None:
        if window < 2 or patience < 1:
            raise ValueError(
                f"The window needs 2 steps or more and the patience 1, not {window} and {patience}."
            )
        self.window, self.patience = window, patience
        self.start()

    def start(self) -> None:
        """Forget the pictures and variances of an earlier run."""
        self._seen: deque[Picture] = deque(maxlen=self.window)
        self.variances: list[float] = []  # one per step once the window is full
        self._waited = 0

    def see(self, picture: Picture, misfit: float) -> Verdict:
        """Keeps a picture when the last `window` pictures were more alike than ever before."""
        self._seen.append(np.array(picture, np.float32))
        if len(self._seen) < self.window:
            return Verdict(keep=True, stop=False)
        variance = moving_variance(np.stack(self._seen))
        calmer = not self.variances or variance < min(self.variances)
        self.variances.append(variance)
        self._waited = 0 if calmer else self._waited + 1
        return Verdict(keep=calmer, stop=self._waited >= self.patience)


def moving_variance(pictures: NDArray[np.floating]) -> float:
    """Mean over (number, H, W) pictures of the squared distance of each pixel from its mean."""
    values = np.asarray(pictures, np.float64)
    if values.ndim != 3 or len(values) < 2:
        raise ValueError(f"Give two or more pictures (number, H, W), not {values.shape}.")
    return float(values.var(axis=0).mean())
