"""One short training loop that plays every game of the family, on points and on small films.

Goodfellow et al., arXiv:1406.2661, algorithm 1: some moves of the critic, one of the generator,
again and again. What differs between the members is the loss (generative.losses), a penalty on the
critic's slope, and what the generator is told (generative.toy_codes).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.generative.losses import LOSSES, gradient_penalty, r1_penalty
from course_lib.generative.toy_codes import Told
from course_lib.models.dcgan import DcganCritic, DcganGenerator
from course_lib.models.point_gan import PointCritic, PointGenerator

# How many, and chance -> so many real examples, and their classes (ignored unless they are used).
Deal = Callable[[int, np.random.Generator], tuple]


Forger = PointGenerator | DcganGenerator
Detective = PointCritic | DcganCritic


@dataclass(frozen=True)
class GamePlan:
    """How a game is played.

    loss: a name in generative.losses.LOSSES. penalty: on the critic's slope, "gp" (Gulrajani et
    al., arXiv:1704.00028) or "r1" (Mescheder et al., arXiv:1801.04406), times `weight`.
    critic_steps, generator_steps: moves of each player in a step. snapshots: how many states are
    kept, evenly, the first before the first move; each shows `shown` examples of the same codes.
    """

    loss: str = "non-saturating"
    penalty: Literal["gp", "r1"] | None = None
    weight: float = 10.0
    critic_steps: int = 1
    generator_steps: int = 1
    steps: int = 1000
    batch_size: int = 128
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.9)
    snapshots: int = 11
    shown: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"There is no loss {self.loss!r}; choose from {', '.join(LOSSES)}.")
        if self.penalty not in (None, "gp", "r1"):
            raise ValueError(f"The penalty must be None, 'gp' or 'r1', not {self.penalty!r}.")
        if (
            min(self.steps, self.critic_steps, self.generator_steps, self.batch_size, self.shown)
            < 1
        ):
            raise ValueError("A game needs at least one step, one move and one example.")
        if self.snapshots < 2:
            raise ValueError("Keep at least two snapshots: the beginning and the end.")


@dataclass(frozen=True)
class Snapshot:
    """A moment of a game: examples made then (n, ...), and the critic's weights."""

    step: int
    made: Tensor
    critic: dict[str, Tensor]


@dataclass
class GameRecord:
    """What happened: one row per step (critic, generator, penalty, real, fake) and snapshots.

    critic and generator are the losses without penalties; real and fake are mean scores.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)

    def curve(self, name: str) -> np.ndarray:
        """One column of the rows as an array (steps,)."""
        return np.array([row[name] for row in self.rows])


class GameStopped(RuntimeError):
    """A loss or gradient was not a finite number. `record` holds everything until then."""

    def __init__(self, message: str, record: GameRecord) -> None:
        super().__init__(message)
        self.record = record


def play(
    generator: Forger,
    critic: Detective,
    deal: Deal,
    plan: GamePlan,
    told: Told | None = None,
) -> GameRecord:
    """Train both players in place; the same seed gives the same bits.

    generator, critic: as made by models.point_gan.point_gan or models.dcgan.dcgan. deal: gives real
    examples, for example ring().labelled.

    Raises:
        ValueError: the players do not fit the plan or the code.
        GameStopped: a number was not finite; both players keep the state before that step.
    """
    told = told or Told()
    _check_players(generator, critic, plan, told)
    game = _Game(generator, critic, deal, plan, told)
    moments = set(np.linspace(0, plan.steps, plan.snapshots).round().astype(int).tolist())
    game.remember(0)
    for step in range(1, plan.steps + 1):
        before = _copy(generator), _copy(critic)
        try:
            game.record.rows.append(game.step())
        except FloatingPointError as error:
            generator.load_state_dict(before[0])
            critic.load_state_dict(before[1])
            message = f"Stopped at step {step}: {error} Both players keep their state before it."
            raise GameStopped(message, game.record) from None
        if step in moments:
            game.remember(step)
    generator.eval()
    critic.eval()
    return game.record


@torch.no_grad()
def generate(
    generator: Forger, n: int, seed: int, code: Tensor | None = None, batch: int = 500
) -> Tensor:
    """n examples (n, ...) from chance of this seed; code (n, told) says what they should be."""
    was_training = generator.training
    generator.eval()
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(n, generator.latent_size, generator=random)
    z = z if code is None else torch.cat([z, code], dim=1)
    made = torch.cat([generator(part) for part in z.split(batch)])
    generator.train(was_training)
    return made


class _Game:
    """A game in progress: players, optimisers, chance, record."""

    def __init__(
        self, generator: Forger, critic: Detective, deal: Deal, plan: GamePlan, told: Told
    ) -> None:
        self.generator, self.critic = generator.train(), critic.train()
        self.deal, self.plan, self.told = deal, plan, told
        self.loss = LOSSES[plan.loss]
        self.rng = np.random.default_rng(plan.seed)
        self.random = torch.Generator().manual_seed(plan.seed)
        self.adam_g, self.adam_c = (
            torch.optim.Adam(player.parameters(), plan.learning_rate, plan.betas)
            for player in (generator, critic)
        )
        self.record = GameRecord()
        self.shown_code = told.draw(plan.shown, self.random) if told.width else None

    def step(self) -> dict[str, float]:
        """The moves of both players, the critic first; FloatingPointError if a number is bad."""
        for _ in range(self.plan.critic_steps):
            row = self._move_critic()
        for _ in range(self.plan.generator_steps):
            row["generator"] = self._move_generator()
        return row

    def remember(self, step: int) -> None:
        """Keep what the generator makes now, and how the critic judges."""
        made = generate(self.generator, self.plan.shown, self.plan.seed, self.shown_code)
        self.record.snapshots.append(Snapshot(step, made, _copy(self.critic)))

    def _move_critic(self) -> dict[str, float]:
        real, labels = self._deal()
        wanted, fake = self._make(labels)
        fake = fake.detach()
        given = wanted if self.told.critic_width else None
        scores, named = self.critic.judge(real, given)
        fakes, guess = self.critic.judge(fake, given)
        loss = self.loss.critic(scores, fakes)
        extra = self._penalty(real, fake, given)
        total = loss + self.plan.weight * extra
        if guess is not None and self.told.kind == "info":
            total = total + self.told.surprise(guess, wanted)
        elif guess is not None and named is not None:
            total = total + self.told.surprise(named, self.told.code(labels))
            total = total + self.told.surprise(guess, wanted)
        self._update(self.adam_c, total, "critic")
        names = ("critic", "penalty", "real", "fake")
        values = (loss, extra, scores.mean(), fakes.mean())
        return {name: value.item() for name, value in zip(names, values, strict=True)}

    def _move_generator(self) -> float:
        labels = self._deal()[1] if self.told.kind == "conditional" else None
        wanted, fake = self._make(labels)
        scores, guess = self.critic.judge(fake, wanted if self.told.critic_width else None)
        loss = total = self.loss.generator(scores)
        if guess is not None:
            total = loss + self.told.surprise(guess, wanted)
        self._update(self.adam_g, total, "generator")
        return loss.item()

    def _deal(self) -> tuple[Tensor, Tensor]:
        examples, labels = self.deal(self.plan.batch_size, self.rng)
        return torch.as_tensor(examples), torch.as_tensor(labels)

    def _make(self, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Codes, and examples made from them; a conditional game asks for the classes dealt."""
        n = self.plan.batch_size
        if self.told.kind == "conditional" and labels is not None:
            code = self.told.code(labels)
        else:
            code = self.told.draw(n, self.random)
        z = torch.randn(n, self.generator.latent_size, generator=self.random)
        return code, self.generator(torch.cat([z, code], dim=1))

    def _penalty(self, real: Tensor, fake: Tensor, given: Tensor | None) -> Tensor:
        if self.plan.penalty is None:
            return real.new_zeros(())

        def score(x: Tensor) -> Tensor:
            return self.critic.judge(x, given)[0]

        if self.plan.penalty == "r1":
            return r1_penalty(score, real)
        return gradient_penalty(score, real, fake, torch.rand(len(real), generator=self.random))

    def _update(self, optimiser: torch.optim.Optimizer, loss: Tensor, who: str) -> None:
        optimiser.zero_grad()
        loss.backward()
        slopes = [p.grad for group in optimiser.param_groups for p in group["params"]]
        size = torch.nn.utils.get_total_norm([slope for slope in slopes if slope is not None])
        if not (torch.isfinite(loss) and torch.isfinite(size)):
            raise FloatingPointError(f"the {who}'s loss or gradient is not a finite number.")
        optimiser.step()


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _check_players(generator: Forger, critic: Detective, plan: GamePlan, told: Told) -> None:
    """ValueError for players that cannot play this game together."""
    guess = getattr(critic, "guess", None)
    guesses = 0 if guess is None else guess.weight.shape[0]
    has = generator.told, critic.told, guesses
    needs = told.width, told.critic_width, told.guesses
    for who, there, wanted in zip(
        ("generator must be told", "critic must be told", "critic must guess"),
        has,
        needs,
        strict=True,
    ):
        if there != wanted:
            raise ValueError(f"For {told.kind!r} the {who} {wanted} values, not {there}.")
    if plan.penalty and any(
        isinstance(m, nn.modules.batchnorm._BatchNorm) for m in critic.modules()
    ):
        raise ValueError(
            "A penalty looks at every example alone: build the critic with norm=False."
        )
