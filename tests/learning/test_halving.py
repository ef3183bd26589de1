"""The learning-rate rule of SCXNN: halve when stale, stop when stale at a small rate."""

import pytest
import torch
from tiny_training import Stripes, small_net, train_in

from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan, stale_epochs
from course_lib.learning.trainer import fit


class ScriptedLoss:
    """Trains as usual; in validation gives the losses of a script, one per epoch."""

    def __init__(self, script):
        self.script, self.epoch, self.learn = script, -1, MultiLabelLoss()

    def __call__(self, model, batch):
        if model.training:
            return self.learn(model, batch)
        self.epoch += 1
        return torch.tensor(self.script[self.epoch])


def rates_of(script, halve_after, lowest_rate=1e-4, epochs=50):
    plan = Plan(
        epochs=epochs,
        batch_size=48,
        learning_rate=8e-4,
        schedule="halving",
        halve_after=halve_after,
        lowest_rate=lowest_rate,
    )
    history = fit(small_net(), Stripes(48), Stripes(48, 1), ScriptedLoss(script), plan)
    return [row["learning_rate"] for row in history]


def test_the_rate_is_halved_after_so_many_stale_epochs_and_the_run_ends_below_the_lowest():
    """8e-4, 4e-4, 2e-4, 1e-4, 5e-5: three stale epochs each, then the end."""
    rates = rates_of([1.0] + [2.0] * 49, halve_after=3)
    # The first epoch is a gain; a rate of exactly 1e-4 is not yet below it.
    expected = [8e-4] * 4 + [4e-4] * 3 + [2e-4] * 3 + [1e-4] * 3 + [5e-5] * 3
    assert rates == pytest.approx(expected)


def test_a_gain_starts_the_count_again():
    rates = rates_of([3.0, 4.0, 2.0, 4.0, 1.0, 4.0, 4.0, 4.0], halve_after=2, epochs=8)
    assert rates == pytest.approx([8e-4] * 7 + [4e-4])


def test_without_gain_the_count_starts_again_at_every_halving():
    assert stale_epochs([1.0, 2.0, 2.0, 2.0], [0.1, 0.1, 0.1, 0.05]) == 1
    assert stale_epochs([3.0, 2.0, 2.5, 2.5], [0.1, 0.1, 0.1, 0.1]) == 2
    assert stale_epochs([1.0], [0.1]) == 0


def test_the_other_schedules_never_end_by_a_low_rate(tmp_path):
    plan = Plan(epochs=4, batch_size=48, learning_rate=1e-6, schedule="constant", halve_after=1)
    history = fit(small_net(), Stripes(48), Stripes(48, 1), ScriptedLoss([1.0] * 4), plan)
    assert len(history) == 4


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="halve_after"):
        Plan(schedule="halving", halve_after=0)
    with pytest.raises(ValueError, match="cosine, plateau, halving, constant"):
        Plan(schedule="hopeful")


def test_a_run_from_before_halving_existed_can_still_be_taken_up(tmp_path):
    train_in(tmp_path, epochs=2)
    saved = load_checkpoint(tmp_path / "run.pt")
    del saved["identity"]["halve_after"], saved["identity"]["lowest_rate"]
    save_checkpoint(tmp_path / "run.pt", saved)
    _, history = train_in(tmp_path, epochs=2)
    assert len(history) == 2


def test_another_halving_rule_is_another_run(tmp_path):
    train_in(tmp_path, epochs=1, schedule="halving")
    plan = Plan(epochs=1, batch_size=16, learning_rate=0.01, schedule="halving", seed=3)
    other = Plan(**{**plan.__dict__, "halve_after": 7})
    with pytest.raises(CheckpointError, match="halve_after 50 there, 7 now"):
        fit(small_net(), Stripes(), Stripes(48, 1), MultiLabelLoss(), other, tmp_path)
