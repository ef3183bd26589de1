"""One configuration decides a whole SCXNN: data, network, loss and training.

Every experiment of the thesis (Tables 4 to 8) is one of its fields changed.
"""

from dataclasses import dataclass, field
from typing import Literal

from course_lib.data.scxnn_films import Equalise
from course_lib.learning.plan import Plan
from course_lib.models.presets import chosen
from course_lib.models.scxnn import Task
from course_lib.patient.risk import THIRTEEN


def _thesis_plan(epochs: int = 300) -> Plan:
    """Kim 2024, section 3.3.4. Momentum 0.9 is Adam's own first beta."""
    return Plan(
        epochs=epochs, batch_size=4, learning_rate=1e-3, weight_decay=5e-4, schedule="halving"
    )


@dataclass(frozen=True)
class ScxnnConfig:
    """The settings of an SCXNN; the defaults are those of the thesis.

    size: height and width of the films in pixels.
    backbone: encoder, a name of models.scxnn_encoders.BACKBONES (Table 4).
    start: weights of the encoder at the beginning: "imagenet", "common" (scxnn_start; trained by
        the plan `first`) or "random".
    reconstruction_weight: lambda (Table 5).
    equalise, task, dilation: preprocessing and what the decoder paints (Table 6); dilation is a
        share of the film's side.
    classes: 3, or 2 for normal and target only (Tables 7 and 8).
    diseases: one network for each.
    scale, fewest: Table 1 times scale, at least so many hard films per disease.
    most_per_class: a network learns from at most so many films of each class; None for all.
    severity: Beta parameters of the virtual patients' severities. scanner: who made the films.
    hard, weak: training with masks, and then of the head alone with labels only.
    """

    size: int = 1024
    backbone: str = "densenet121"
    start: Literal["imagenet", "common", "random"] = "imagenet"
    reconstruction_weight: float = 0.8
    equalise: Equalise = "clahe"
    task: Task = "reconstruction"
    dilation: float = 0.03
    classes: int = 3
    diseases: tuple[str, ...] = THIRTEEN
    scale: float = 1.0
    fewest: int = 1
    most_per_class: int | None = None
    severity: tuple[float, float] = (1.6, 1.9)
    scanner: str = "A"
    first: Plan = field(default_factory=Plan)
    hard: Plan = field(default_factory=_thesis_plan)
    weak: Plan = field(default_factory=_thesis_plan)
    seed: int = 0

    def __post_init__(self) -> None:
        strange = sorted(set(self.diseases) - set(THIRTEEN))
        if strange or not self.diseases:
            raise ValueError(
                f"SCXNN has a network for {', '.join(THIRTEEN)}, not for "
                f"{', '.join(strange) or 'no disease at all'}."
            )


LAPTOP = ScxnnConfig(
    size=96,
    backbone="laptop",
    start="common",
    scale=0.10,
    fewest=220,
    most_per_class=250,
    severity=(2.5, 1.5),  # what a radiologist would have outlined: hardly a lesion below 0.15
    first=Plan(epochs=16, batch_size=16, learning_rate=3e-3),
    hard=Plan(epochs=6, batch_size=16, learning_rate=1.5e-3, weight_decay=5e-4),
    weak=Plan(epochs=3, batch_size=16, learning_rate=5e-4, weight_decay=5e-4),
)
PRESETS = {"laptop": LAPTOP, "paper": ScxnnConfig()}


def scxnn_config(preset: str) -> ScxnnConfig:
    """The configuration "laptop" (trains in minutes, shipped trained) or "paper" (the thesis)."""
    return chosen(PRESETS, preset)
