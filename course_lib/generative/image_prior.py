"""Restore one picture with an untrained network: the deep image prior.

    known = ~pacemaker
    result = restore(film, Visible(known), steps=400, seed=1)
    result.picture

The network turns fixed noise into a picture. Its weights are changed until the picture, sent
through the operator, explains the measurement. No other picture is ever seen: what the result shows
where nothing was measured comes from the network's build alone.

Source: Ulyanov, Vedaldi, Lempitsky, arXiv:1711.10925: Adam with step 0.01, the input jittered
anew at each step (standard deviation 1/30), outputs averaged with weight 0.99.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from course_lib.generative.image_prior_operators import Operator, Whole
from course_lib.generative.image_prior_stopping import StopRule
from course_lib.models.image_prior import Hourglass, fixed_noise, hourglass

Floats = NDArray[np.float32]
JITTER = 1 / 30
ALL_STEPS = "all steps were made"


@dataclass(frozen=True)
class Restoration:
    """What came out, and how it went.

    picture: (H, W) float32, 0 to 1, the running average at the step that was kept; kept: that step,
    counted from 1. reason: why it ended. misfit (steps,): the loss, of each step's own output and
    with its jitter; psnr (steps,): of the running average, in dB, empty if no truth was given.
    snapshots: step -> running average (H, W).
    """

    picture: Floats
    kept: int
    reason: str
    misfit: NDArray[np.float64]
    psnr: NDArray[np.float64]
    snapshots: dict[int, Floats]

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(self.misfit)


def restore(
    measured: ArrayLike,
    operator: Operator | None = None,
    network: Hourglass | None = None,
    *,
    steps: int = 400,
    seed: int = 0,
    learning_rate: float = 0.01,
    jitter: float = JITTER,
    average: float = 0.99,
    noise: ArrayLike | None = None,
    stop: StopRule | None = None,
    truth: ArrayLike | None = None,
    start: Tensor | None = None,
    snapshot_every: int = 0,
    watch: Callable[[int, Floats], None] | None = None,
) -> Restoration:
    """The picture that the network draws when it is asked to explain `measured`.

    Args:
        measured: one grey film (H, W), about 0 to 1.
        operator: what happened to it (`image_prior_operators`); None: only noise.
        network: a fresh hourglass; None: the "laptop" preset with weights from `seed`. Its weights
            are changed.
        steps: at most so many; every one costs the same.
        seed: of the input noise, its jitter and the weights: the same seed, the same picture.
        learning_rate, jitter, average: as in the paper by default.
        noise: standard deviation of the noise, a number or one for each measured pixel. Pixels
            then count by how well they are known, and the loss is 1 at the noise level.
        stop: when to stop early; needs no truth.
        truth: (H, W), only to record the PSNR; nothing else looks at it.
        start: another fixed input (1, channels, H, W), e.g. `coordinates`.
        snapshot_every: keep a picture every so many steps; 0: none.
        watch: called with the step and the running average.

    Raises ValueError for anything that cannot be restored; NaN ends with the last good picture.
    """
    asked = _question(measured, operator or Whole(), noise, truth)
    _check_settings(steps, learning_rate, jitter, average)
    net = network or hourglass("laptop", seed=seed)
    z = fixed_noise(net.channels_in, asked.side, seed) if start is None else start
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(net.parameters(), lr=learning_rate)
    generator = torch.Generator().manual_seed(seed)
    record = _Record(asked, average, stop, snapshot_every)
    for step in range(1, steps + 1):
        shaken = z + jitter * torch.randn(z.shape, generator=generator)
        optimiser.zero_grad()
        output = net(shaken.contiguous(memory_format=torch.channels_last))[0, 0]
        loss = asked.misfit(output)
        if not torch.isfinite(loss):
            return record.broken(step)
        loss.backward()
        optimiser.step()
        enough = record.add(step, output.detach().numpy(), loss.item())
        if watch is not None:
            watch(step, record.running)
        if enough:
            break
    return record.finished()


@dataclass(frozen=True)
class _Question:
    """The measurement in the form in which the loss needs it."""

    operator: Operator
    side: tuple[int, int]
    values: Tensor
    noise: Tensor
    truth: NDArray[np.float64] | None

    def misfit(self, picture: Tensor) -> Tensor:
        """Mean of ((measured - predicted) / noise)^2 over the values that count."""
        return torch.mean(((self.operator(picture) - self.values) / self.noise) ** 2)


def _question(
    measured: ArrayLike, operator: Operator, noise: ArrayLike | None, truth: ArrayLike | None
) -> _Question:
    film = np.asarray(measured, np.float32)
    side = operator.side(film)
    values = operator.used(film)
    _check_values(values)
    spread = np.asarray(1.0 if noise is None else noise, np.float32)
    if spread.ndim:
        if spread.shape != film.shape:
            raise ValueError(
                f"noise has the shape {spread.shape} and the film {film.shape}: give one number, "
                "or one for each pixel."
            )
        spread = operator.used(spread)
    if not (spread > 0).all():  # also refuses NaN
        raise ValueError("The noise's standard deviation must be positive in every pixel.")
    right = None if truth is None else np.asarray(truth, np.float64)
    if right is not None and right.shape != side:
        raise ValueError(f"The truth has the shape {right.shape}; the picture will have {side}.")
    return _Question(operator, side, torch.tensor(values), torch.tensor(spread), right)


def _check_values(values: Floats) -> None:
    """Raise ValueError unless these are grey values, about 0 to 1, of more than one shade."""
    if not np.isfinite(values).all():
        raise ValueError(
            "The film holds NaN or infinity where it counts; hide those pixels with Visible."
        )
    low, high = float(values.min()), float(values.max())
    if low < -1 or high > 2:
        raise ValueError(
            f"Grey values run from {low:.3g} to {high:.3g}; scale the film to about 0 to 1 first."
        )
    if low == high:
        raise ValueError(f"The film has a single value, {low:.3g}: there is nothing to restore.")


def _check_settings(steps: int, learning_rate: float, jitter: float, average: float) -> None:
    if steps < 1:
        raise ValueError(f"Restoring takes at least one step, not {steps}.")
    if not learning_rate > 0 or not jitter >= 0 or not 0 <= average < 1:
        raise ValueError(
            "learning_rate must be positive, jitter not negative, average from 0 to below 1; given "
            f"were {learning_rate}, {jitter} and {average}."
        )


@dataclass
class _Record:
    """Keeps the running average, the best picture by the stop rule, and the history."""

    asked: _Question
    average: float
    rule: StopRule | None
    every: int
    running: Floats = field(init=False)
    best: Floats | None = None
    kept: int = 0
    stopped: bool = False
    misfits: list[float] = field(default_factory=list)
    psnrs: list[float] = field(default_factory=list)
    snapshots: dict[int, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rule is not None:
            self.rule.start()

    def add(self, step: int, output: Floats, misfit: float) -> bool:
        """One more output; True if the rule says that it is enough."""
        # At first a plain mean: a running average with a long memory would carry the grey of the
        # untrained network along.
        share = max(1 - self.average, 1 / step) if step > 1 else 1.0
        self.running = (
            output.copy() if step == 1 else self.running + share * (output - self.running)
        )
        self.misfits.append(misfit)
        if self.asked.truth is not None:
            self.psnrs.append(psnr_of(self.running, self.asked.truth))
        if self.every and (step % self.every == 0 or step == 1):
            self.snapshots[step] = self.running.copy()
        keep = True
        if self.rule is not None:
            with torch.no_grad():
                distance = self.asked.misfit(torch.from_numpy(self.running)).item()
            keep, self.stopped = self.rule.see(self.running, distance)
        if keep:
            self.best, self.kept = self.running.copy(), step
        return self.stopped

    def finished(self) -> Restoration:
        """The restoration after the last step."""
        reason = self.rule.reason if self.rule is not None and self.stopped else ALL_STEPS
        return self._result(reason)

    def broken(self, step: int) -> Restoration:
        """The last good picture, with a reason; ValueError if there was none."""
        if self.best is None:
            raise ValueError(
                "The loss is no number at the very first step: look at the network and its input."
            )
        return self._result(f"the loss was no number at step {step}: lower the learning rate")

    def _result(self, reason: str) -> Restoration:
        assert self.best is not None
        misfit, psnr = np.array(self.misfits), np.array(self.psnrs)
        return Restoration(self.best, self.kept, reason, misfit, psnr, self.snapshots)


def psnr_of(picture: ArrayLike, truth: ArrayLike) -> float:
    """Peak signal-to-noise ratio in dB for grey values from 0 to 1; infinite for equal pictures."""
    error = np.mean((np.asarray(picture, np.float64) - np.asarray(truth, np.float64)) ** 2)
    return float(-10 * np.log10(error)) if error > 0 else float("inf")
