"""The settings of a PGGAN training, and its three presets."""

from dataclasses import dataclass

from course_lib.generative.growing import Phase, Schedule, published_schedule
from course_lib.models.pggan import PRESETS as SIZES
from course_lib.models.pggan import PgganSize


@dataclass(frozen=True)
class PgganConfig:
    """How a PGGAN is trained. The defaults are those of the paper (arXiv:1710.10196, appendix A).

    size: the networks. schedule: when they grow. learning_rate: of Adam (beta 0 and 0.99, epsilon
    1e-8, no memory across phases); from `decay_from` of the last phase on it falls linearly to a
    tenth (1: never). penalty: weight of the gradient penalty. penalty_share: share of the batch
    that the penalty is computed on. drift: weight of the squared scores. average: how slowly the
    averaged generator follows (EMA). group: films per minibatch standard deviation. flip: mirrored
    films too. seed: decides start, films and latents. save_every: steps between checkpoints.
    log_every: steps between rows of the history. pictures: moments in the time-lapse.
    """

    size: PgganSize
    schedule: Schedule
    learning_rate: float = 1e-3
    decay_from: float = 1.0
    penalty: float = 10.0
    penalty_share: float = 1.0
    drift: float = 1e-3
    average: float = 0.999
    group: int = 4
    flip: bool = False
    seed: int = 0
    save_every: int = 500
    log_every: int = 20
    pictures: int = 60

    def __post_init__(self) -> None:
        last = self.schedule.phases[-1].resolution
        if last != self.size.resolution:
            raise ValueError(
                f"The schedule ends at {last} pixels, the networks at {self.size.resolution}."
            )
        if not 0 < self.penalty_share <= 1:
            raise ValueError(f"penalty_share must lie in 0..1, above 0, not {self.penalty_share}.")
        for phase in self.schedule.phases:
            if phase.batch % min(self.group, phase.batch):
                raise ValueError(
                    f"At {phase.resolution} pixels, batches of {phase.batch} films cannot be cut "
                    f"into groups of {self.group}, which the minibatch standard deviation needs."
                )
            if phase.batch < 2:
                raise ValueError(
                    "A batch of one film has no deviation: the critic could not see that the "
                    "generator always draws the same. Take at least two films."
                )
            part = self.penalised(phase.batch)
            if part % min(self.group, part):
                raise ValueError(
                    f"At {phase.resolution} pixels the penalty would be computed on {part} of the "
                    f"{phase.batch} films, which cannot be cut into groups of {self.group}; "
                    "choose another penalty_share."
                )

    def penalised(self, batch: int) -> int:
        """How many films of a batch the gradient penalty is computed on."""
        return max(1, round(batch * self.penalty_share))


def _phases(*rows: tuple[int, int, int, int]) -> Schedule:
    return Schedule(tuple(Phase(*row) for row in rows))


PRESETS = {
    # About two minutes on one idle core with bfloat16.
    "lesson": PgganConfig(
        SIZES["lesson"],
        _phases(
            (4, 0, 3_200, 32),
            (8, 2_560, 3_840, 32),
            (16, 3_200, 4_800, 16),
            (32, 6_400, 12_800, 16),
        ),
        learning_rate=3e-3,
        decay_from=0.5,
        penalty_share=0.5,
        average=0.99,
        save_every=250,
    ),
    # About an hour on one core.
    "laptop": PgganConfig(
        SIZES["laptop"],
        _phases(
            (4, 0, 10_000, 32),
            (8, 8_000, 16_000, 32),
            (16, 16_000, 24_000, 16),
            (32, 24_000, 36_000, 16),
            (64, 40_000, 70_000, 16),
        ),
        learning_rate=2.5e-3,
        decay_from=0.55,
        average=0.998,
    ),
    # As published; the thesis (Kim M., 2021) trained it for 12.2 days on two graphics cards.
    # Groups of 16 are whole batches, as in the authors' first version.
    "paper": PgganConfig(SIZES["paper"], published_schedule(1024), group=16, save_every=2_000),
}
