"""A PGGAN that is being trained: one step of the game, and all that is needed to go on with it.

Source: Karras et al., arXiv:1710.10196, sections 2 to 4 and appendix A.
"""

import copy
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from course_lib.generative.growing import Moment
from course_lib.generative.losses import LOSSES, drift, gradient_penalty
from course_lib.generative.pggan_config import PgganConfig
from course_lib.generative.pggan_films import Films, film_batch
from course_lib.generative.shipped import sample_latents
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.trainer import TrainingFailed
from course_lib.models.pggan import Critic, Generator

WASSERSTEIN = LOSSES["wasserstein"]
SHOWN = 8  # films per picture of the time-lapse
PLAIN = ("steps", "shown", "seconds", "history", "pictures")  # what a checkpoint holds besides


class Growth:
    """A training in progress: both networks, the averaged generator, optimisers, history.

    steps: how many are done. history: rows with step, films shown, resolution, alpha, gap (mean
    score of real minus generated films: an estimate of their Wasserstein distance), penalty,
    seconds. pictures: (step, uint8 (8, C, r, r)): the same eight latents, as they were drawn then.
    """

    def __init__(
        self, config: PgganConfig, fabric: Fabric, folder: Path | str | None = None
    ) -> None:
        self.config, self.fabric = config, fabric
        self.path = None if folder is None else Path(folder) / "run.pt"
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            self.generator = self._placed(Generator(config.size))
            self.critic = self._placed(Critic(config.size, config.group))
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.latents = sample_latents(SHOWN, config.size.latent_size, config.seed)
        self.steps, self.shown, self.seconds = 0, 0, 0.0
        self.history: list[dict[str, float]] = []
        self.pictures: list[tuple[int, Tensor]] = []
        self._new_optimisers()
        if self.path is not None and self.path.exists():
            self._resume(load_checkpoint(self.path))

    @property
    def now(self) -> Moment:
        """The moment of the next step (of the last one, when there is none)."""
        return self.config.schedule.at(min(self.steps, self.config.schedule.steps - 1))

    def step(self, films: Films) -> dict[str, float]:
        """One move of the critic, one of the averaged generator, one of the generator."""
        start, now, batch = perf_counter(), self.now, self.config.schedule.batch_at(self.steps)
        self._set_rate(now)
        rng = np.random.default_rng([self.config.seed, self.steps, self.fabric.global_rank])
        real = film_batch(films, rng.integers(len(films), size=batch), now.resolution, now.alpha)
        if self.config.flip:
            mirrored = torch.from_numpy(rng.random(batch) < 0.5).view(-1, 1, 1, 1)
            real = torch.where(mirrored, real.flip(3), real)
        gap, penalty = self._move_critic(self.fabric.to_device(real), now, rng)
        self._move_average()
        self._move_generator(batch, now, rng)
        self.seconds += perf_counter() - start
        row = self._row(now, gap, penalty)
        self._end_step(now, batch * self.fabric.world_size, row)
        return row

    def _move_critic(
        self, real: Tensor, now: Moment, rng: np.random.Generator
    ) -> tuple[float, float]:
        """Real films should score higher than generated ones, with a slope of about one."""
        part = self.config.penalised(len(real))
        mix = torch.from_numpy(rng.random(part, dtype=np.float32)).to(real.device)
        with self.fabric.autocast():
            with torch.no_grad():
                fake = self._draw(len(real), now, rng)
            scores = self.critic(real, now.alpha).float()
            gap = -WASSERSTEIN.critic(scores, self.critic(fake, now.alpha).float())
            penalty = gradient_penalty(
                lambda x: self.critic(x, now.alpha), real[:part], fake[:part], mix
            )
        loss = self.config.penalty * penalty + self.config.drift * drift(scores) - gap
        self._descend(self.critic_optimiser, self.critic, loss)
        return gap.item(), penalty.item()

    def _move_generator(self, batch: int, now: Moment, rng: np.random.Generator) -> None:
        """Generated films should score high; the critic only passes the gradients on."""
        self.critic.requires_grad_(False)
        with self.fabric.autocast():
            scores = self.critic(self._draw(batch, now, rng), now.alpha)
        self._descend(
            self.generator_optimiser, self.generator, WASSERSTEIN.generator(scores.float())
        )
        self.critic.requires_grad_(True)

    @torch.no_grad()
    def _move_average(self) -> None:
        """The average follows the generator slowly and so forgets its last few whims."""
        pairs = zip(self.average.parameters(), self.generator.parameters(), strict=True)
        for mean, value in pairs:
            mean.lerp_(value, 1 - self.config.average)

    def _draw(self, batch: int, now: Moment, rng: np.random.Generator) -> Tensor:
        z = rng.standard_normal((batch, self.config.size.latent_size), dtype=np.float32)
        return self.generator(self.fabric.to_device(torch.from_numpy(z)), now.resolution, now.alpha)

    def _descend(self, optimiser: torch.optim.Optimizer, network: nn.Module, loss: Tensor) -> None:
        """One step downhill, the same on all devices; none if loss or slope is not a number."""
        optimiser.zero_grad()
        loss.backward()
        slopes = [p.grad for p in network.parameters() if p.grad is not None]
        if self.fabric.world_size > 1:
            for slope in slopes:
                slope.copy_(self._mean(slope))
        steepness = torch.nn.utils.get_total_norm(slopes)
        for name, value in (("loss", self._mean(loss.detach())), ("gradient", steepness)):
            if not torch.isfinite(value):
                raise TrainingFailed(self._failure(name, value.item()))
        optimiser.step()

    def _failure(self, name: str, value: float) -> str:
        # Nothing is saved now: the critic of this step may have moved, so it is not a good state.
        saved = self.path is not None and self.path.exists()
        kept = f" The last good state is in {self.path}." if saved else ""
        return (
            f"The {name} is {value} in step {self.steps + 1} ({self.now.resolution} pixels, "
            f"alpha {self.now.alpha:.2f}); lower the learning rate "
            f"(in another folder: this run belongs to its settings).{kept}"
        )

    def _mean(self, value: Tensor) -> Tensor:
        """The mean over all devices."""
        return torch.as_tensor(self.fabric.all_reduce(value, reduce_op="mean"))

    def _set_rate(self, now: Moment) -> None:
        """Constant; in the end of the last phase falling to a tenth, if the settings say so."""
        rate, turn = self.config.learning_rate, self.config.decay_from
        if now.phase == len(self.config.schedule.phases) - 1 and now.progress > turn:
            rate *= 1 - 0.9 * (now.progress - turn) / (1 - turn)
        for optimiser in (self.critic_optimiser, self.generator_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = rate

    def _end_step(self, now: Moment, films: int, row: dict[str, float]) -> None:
        self.steps += 1
        self.shown += films
        if self.steps % self.config.log_every == 0:
            self.history.append(row)
        every = max(1, self.config.schedule.steps // self.config.pictures)
        if self.steps % every == 0 or self.steps == self.config.schedule.steps:
            self.pictures.append((self.steps, self.picture(now)))
        finished = self.steps == self.config.schedule.steps
        if not finished and self.now.phase > now.phase:
            self._new_optimisers()  # new layers, new landscape: Adam starts without memories
        if finished or self.steps % self.config.save_every == 0:
            self._save()

    def _row(self, now: Moment, gap: float, penalty: float) -> dict[str, float]:
        return {
            "step": self.steps + 1,
            "films": self.shown,
            "resolution": now.resolution,
            "alpha": now.alpha,
            "gap": gap,
            "penalty": penalty,
            "seconds": round(self.seconds, 2),
        }

    def picture(self, now: Moment) -> Tensor:
        """What the averaged generator makes of the eight latents at this moment, uint8."""
        with torch.inference_mode(), self.fabric.autocast():
            films = self.average(
                self.latents.to(self.fabric.device), now.resolution, now.alpha
            ).float()
        return ((films.cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)

    def _placed(self, network: nn.Module) -> Any:
        return network.to(self.fabric.device).to(memory_format=torch.channels_last)

    def _new_optimisers(self) -> None:
        self.critic_optimiser, self.generator_optimiser = (
            torch.optim.Adam(network.parameters(), self.config.learning_rate, betas=(0.0, 0.99))
            for network in (self.critic, self.generator)
        )

    def _parts(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "critic": self.critic,
            "average": self.average,
            "critic_optimiser": self.critic_optimiser,
            "generator_optimiser": self.generator_optimiser,
        }

    def _save(self) -> None:
        if self.path is None or not self.fabric.is_global_zero:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        plain = {name: getattr(self, name) for name in PLAIN}
        states = {name: part.state_dict() for name, part in self._parts().items()}
        save_checkpoint(self.path, {"config": asdict(self.config), **plain, **states})

    def _resume(self, saved: dict[str, Any]) -> None:
        if saved.get("config") != asdict(self.config):
            raise CheckpointError(
                f"{self.path} holds a run with other settings (another resolution, schedule or "
                "seed); give another folder, or delete it to start again."
            )
        for name in PLAIN:
            setattr(self, name, saved[name])
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
