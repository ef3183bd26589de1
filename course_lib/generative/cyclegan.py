"""CycleGAN: learn to translate between two kinds of images from unpaired examples.

Source: Zhu, Park, Isola, Efros, arXiv:1703.10593. Two mappings A -> B and B -> A each try to fool
a critic of their target domain; going there and back must return the original (cycle), and an image
that is already in the target domain should stay as it is (identity). Adversarial terms are least
squares (arXiv:1611.04076). With one switchable generator (arXiv:2008.05753) both mappings are the
same network under two codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.device import one_device
from course_lib.models.adain_generator import SwitchableGenerator


@dataclass(frozen=True)
class CyclePlan:
    """How the game is played: steps of batch_size images of each domain.

    cycle and identity weigh those losses against the adversarial one (10 and 5 as published). The
    learning rate is constant for the first half and then falls linearly to zero. pool: how many
    earlier fakes the critics are reminded of. save_every: steps between checkpoints.
    """

    steps: int = 1000
    batch_size: int = 8
    learning_rate: float = 2e-4
    cycle: float = 10.0
    identity: float = 5.0
    pool: int = 50
    seed: int = 0
    save_every: int = 100

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.save_every < 1:
            raise ValueError("A plan needs at least one step, one image and one step per saving.")


class CycleGame(nn.Module):
    """The players: mappings a_to_b and b_to_a, and a critic for each domain.

    Give two generators, or one `SwitchableGenerator`, whose identity code then means A -> B and
    whose learned code means B -> A. Raises ValueError for one generator that cannot be switched.
    """

    def __init__(
        self,
        critic_a: nn.Module,
        critic_b: nn.Module,
        generator: nn.Module,
        second: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if second is None and not isinstance(generator, SwitchableGenerator):
            raise ValueError("One generator for both directions must be a SwitchableGenerator.")
        self.generators = nn.ModuleList([generator] if second is None else [generator, second])
        self.critics = nn.ModuleList([critic_a, critic_b])

    def a_to_b(self, image: Tensor) -> Tensor:
        """(B, C, H, W) of domain A, translated."""
        return self.generators[0](image)

    def b_to_a(self, image: Tensor) -> Tensor:
        """(B, C, H, W) of domain B, translated."""
        if len(self.generators) == 1:
            return self.generators[0](image, 1.0)
        return self.generators[1](image)

    def generator_losses(self, a: Tensor, b: Tensor, plan: CyclePlan) -> dict[str, Tensor]:
        """What the mappings minimise, term by term, and the fakes (arXiv:1703.10593, eqs. 1-3)."""
        fake_b, fake_a = self.a_to_b(a), self.b_to_a(b)
        l1 = functional.l1_loss
        losses = {
            "fool": _says(self.critics[1](fake_b), 1) + _says(self.critics[0](fake_a), 1),
            "cycle": plan.cycle * (l1(self.b_to_a(fake_b), a) + l1(self.a_to_b(fake_a), b)),
            "identity": plan.identity * (l1(self.a_to_b(b), b) + l1(self.b_to_a(a), a)),
        }
        return {**losses, "fake_a": fake_a.detach(), "fake_b": fake_b.detach()}

    def critic_loss(self, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor]) -> Tensor:
        """What the critics minimise: real images should score 1, fakes 0."""
        losses = [
            _says(critic(true), 1) + _says(critic(made), 0)
            for critic, true, made in zip(self.critics, real, fake, strict=True)
        ]
        return 0.5 * torch.stack(losses).sum()


def _says(scores: Tensor, wanted: float) -> Tensor:
    """Least-squares distance of a critic's scores from what they should be."""
    return ((scores - wanted) ** 2).mean()


class Pool:
    """Earlier fakes: half of those shown to a critic are old ones, so that it does not forget."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.images = torch.zeros(0)

    def mixed(self, new: Tensor, rng: np.random.Generator) -> Tensor:
        """(B, C, H, W): each new image, or with even odds an old one that it then replaces."""
        shown = new.clone()
        for number, image in enumerate(new):
            if len(self.images) < self.size:
                kept = [self.images] if len(self.images) else []
                self.images = torch.cat([*kept, image[None]])
            elif rng.random() < 0.5:
                place = int(rng.integers(self.size))
                shown[number] = self.images[place]
                self.images[place] = image
        return shown


def train_cyclegan(
    game: CycleGame,
    a: Tensor,
    b: Tensor,
    plan: CyclePlan,
    folder: Path | str | None = None,
    fabric: Fabric | None = None,
) -> list[dict[str, float]]:
    """Play in place; a (n, C, H, W) and b (m, C, H, W) need not belong together.

    folder: where checkpoints go; called again after an interruption it goes on from the last one,
    to the same weights. Returns a row per step: fool, cycle, identity, critic.
    Raises ValueError for an empty domain, CheckpointError for a folder with another plan.
    """
    if not len(a) or not len(b):
        raise ValueError("Both domains need images.")
    match = _Match(game, plan, fabric or one_device(), folder)
    game.train()
    with tqdm(total=plan.steps, initial=len(match.history), desc="CycleGAN", unit="step") as bar:
        while len(match.history) < plan.steps:
            rng = np.random.default_rng([plan.seed, len(match.history)])
            some_a, some_b = (
                match.fabric.to_device(domain[rng.integers(len(domain), size=plan.batch_size)])
                for domain in (a, b)
            )
            row = match.step(some_a, some_b, rng)
            bar.update()
            bar.set_postfix({name: f"{value:.2f}" for name, value in row.items()})
    game.eval()
    return match.history


class _Match:
    """A game in progress: optimisers, pools, history, checkpoints."""

    def __init__(
        self, game: CycleGame, plan: CyclePlan, fabric: Fabric, folder: Path | str | None
    ) -> None:
        self.game, self.plan, self.fabric = game.to(fabric.device), plan, fabric
        self.path = None if folder is None else Path(folder) / "run.pt"
        self.optimisers = [
            torch.optim.Adam(list(players), plan.learning_rate, betas=(0.5, 0.999))
            for players in (game.generators.parameters(), game.critics.parameters())
        ]
        self.pools = Pool(plan.pool), Pool(plan.pool)
        self.history: list[dict[str, float]] = []
        if self.path is not None and self.path.exists():
            self._resume(load_checkpoint(self.path))

    def step(self, a: Tensor, b: Tensor, rng: np.random.Generator) -> dict[str, float]:
        """One move of the generators, one of the critics."""
        self._set_rate()
        with self.fabric.autocast(), _frozen(self.game.critics):
            losses = self.game.generator_losses(a, b, self.plan)
        fakes = losses.pop("fake_a").float(), losses.pop("fake_b").float()
        self._move(0, torch.stack(list(losses.values())).sum())
        shown = tuple(pool.mixed(fake, rng) for pool, fake in zip(self.pools, fakes, strict=True))
        with self.fabric.autocast():
            critic = self.game.critic_loss((a, b), (shown[0], shown[1]))
        self._move(1, critic)
        row = {name: loss.item() for name, loss in losses.items()} | {"critic": critic.item()}
        if not all(np.isfinite(value) for value in row.values()):
            raise RuntimeError(f"The game fell apart at step {len(self.history) + 1}: {row}.")
        self.history.append(row)
        if len(self.history) % self.plan.save_every == 0 or len(self.history) == self.plan.steps:
            self._save()
        return row

    def _move(self, player: int, loss: Tensor) -> None:
        self.optimisers[player].zero_grad()
        self.fabric.backward(loss)
        self.optimisers[player].step()

    def _set_rate(self) -> None:
        left = 2 * (1 - len(self.history) / self.plan.steps)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.plan.learning_rate * min(1.0, left)

    def _save(self) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(
            self.path,
            {
                "plan": asdict(self.plan),
                "game": self.game.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
                "pools": [pool.images for pool in self.pools],
                "history": self.history,
            },
        )

    def _resume(self, saved: dict) -> None:
        if saved["plan"] != asdict(self.plan):
            raise CheckpointError(f"{self.path} holds a game with another plan; delete it.")
        self.game.load_state_dict(saved["game"])
        for optimiser, state in zip(self.optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        for pool, images in zip(self.pools, saved["pools"], strict=True):
            pool.images = images
        self.history = saved["history"]


@contextmanager
def _frozen(critics: nn.Module) -> Iterator[None]:
    """While the generators move, critics only pass gradients on; their own are not computed."""
    critics.requires_grad_(False)
    try:
        yield
    finally:
        critics.requires_grad_(True)
