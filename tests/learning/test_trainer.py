"""Training: it learns, it repeats itself to the bit, and its mistakes have names."""

import csv

import pytest
import torch
from tiny_training import Stripes, small_net, train_in
from torch import nn
from torch.utils.data import Subset

from course_lib.evaluation.roc import auc
from course_lib.learning.checkpoint import load_checkpoint
from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan
from course_lib.learning.prediction import predict
from course_lib.learning.trainer import TrainingFailed, fit

PLAN = Plan(epochs=2, batch_size=16, learning_rate=0.01)


def same_weights(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_what_can_be_learnt():
    model = small_net()
    plan = Plan(epochs=12, batch_size=16, learning_rate=0.02)
    history = fit(model, Stripes(), Stripes(48, 1), MultiLabelLoss(), plan)
    unseen = predict(model, Stripes(200, 2))
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
    assert auc(unseen.target[:, 0], unseen.probability[:, 0]) > 0.85
    assert auc(unseen.target[:, 1], unseen.probability[:, 1]) > 0.85
    assert list(unseen.patient_id[:3]) == ["p0", "p0", "p1"]


def test_same_seed_same_bits_and_another_seed_other_bits():
    runs = []
    for seed in (0, 0, 1):
        model = small_net()
        fit(model, Stripes(), Stripes(48, 1), MultiLabelLoss(), Plan(2, 16, 0.01, seed=seed))
        runs.append(model)
    assert same_weights(runs[0], runs[1])
    assert not same_weights(runs[0], runs[2])


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    model = small_net()
    torch.manual_seed(5)
    fit(model, Stripes(), Stripes(48, 1), MultiLabelLoss(), PLAN)
    assert torch.equal(torch.rand(3), expected)


def test_the_best_validation_epoch_is_kept(tmp_path):
    """Trained on shuffled truths the model gets worse and worse; the early weights must survive."""
    train = Stripes(32)
    train.target = 1 - train.target
    model = small_net(dropout=0)
    plan = Plan(epochs=5, batch_size=8, learning_rate=0.05, schedule="constant")
    history = fit(model, train, Stripes(64, 1), MultiLabelLoss(), plan, tmp_path)
    losses = [row["validation_loss"] for row in history]
    assert losses.index(min(losses)) < 4
    unseen = Stripes(64, 1)
    with torch.no_grad():
        loss = MultiLabelLoss()(model.eval(), {"image": unseen.image, "target": unseen.target})
    assert loss.item() == pytest.approx(min(losses), rel=0.02)
    best = load_checkpoint(tmp_path / "best.pt")["model"]
    assert all(torch.equal(best[key], value) for key, value in model.state_dict().items())


def test_early_stop_counts_epochs_without_gain():
    train = Stripes(32)
    train.target = 1 - train.target
    plan = Plan(epochs=50, batch_size=8, learning_rate=0.05, schedule="constant", patience=2)
    losses = [
        row["validation_loss"]
        for row in fit(small_net(), train, Stripes(64, 1), MultiLabelLoss(), plan)
    ]
    assert len(losses) < 50
    assert losses.index(min(losses)) == len(losses) - 3


def test_schedules():
    def rates(schedule):
        plan = Plan(epochs=6, batch_size=16, learning_rate=0.05, schedule=schedule)
        train = Stripes(32)
        train.target = 1 - train.target
        history = fit(small_net(), train, Stripes(48, 1), MultiLabelLoss(), plan)
        return history, [row["learning_rate"] for row in history]

    assert set(rates("constant")[1]) == {0.05}
    cosine = rates("cosine")[1]
    assert max(cosine) <= 0.05
    assert cosine[1:] == sorted(cosine[1:], reverse=True)
    assert cosine[-1] < 0.01
    history, plateau = rates("plateau")
    best = float("inf")
    for row, rate, following in zip(history, plateau, plateau[1:], strict=False):
        gained = row["validation_loss"] < best
        best = min(best, row["validation_loss"])
        assert following == pytest.approx(rate if gained else rate / 10)


def test_history_is_a_small_table(tmp_path):
    _, history = train_in(tmp_path, epochs=2)
    with open(tmp_path / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["validation_loss"]) for row in rows] == [
        row["validation_loss"] for row in history
    ]
    assert [row["epoch"] for row in history] == [1, 2]


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "rmsprop", "sgd"])
def test_every_optimiser_trains(optimiser):
    plan = Plan(epochs=2, batch_size=16, learning_rate=0.005, optimiser=optimiser)
    before = small_net()
    model = small_net()
    fit(model, Stripes(), Stripes(48, 1), MultiLabelLoss(), plan)
    assert not same_weights(before, model)


def test_loading_in_other_processes_changes_nothing():
    here, there = small_net(), small_net()
    fit(here, Stripes(), Stripes(48, 1), MultiLabelLoss(), PLAN)
    plan = Plan(epochs=2, batch_size=16, learning_rate=0.01, workers=1)
    fit(there, Stripes(), Stripes(48, 1), MultiLabelLoss(), plan)
    assert same_weights(here, there)


def test_an_empty_data_set_is_named():
    with pytest.raises(ValueError, match="data set is empty"):
        fit(small_net(), Subset(Stripes(), []), Stripes(), MultiLabelLoss(), PLAN)
    with pytest.raises(ValueError, match="data set is empty"):
        fit(small_net(), Stripes(), Subset(Stripes(), []), MultiLabelLoss(), PLAN)


def test_a_loss_that_is_no_number_says_which_cases():
    train = Stripes()
    train.image[17] = float("nan")
    with pytest.raises(TrainingFailed, match=r"epoch 1, batch \d+ .*\b17\b.*image holds NaN"):
        fit(small_net(), train, Stripes(48, 1), MultiLabelLoss(), PLAN)


def test_a_rate_that_is_too_high_is_suggested_as_the_cause():
    class Explosion(MultiLabelLoss):
        def __call__(self, model, batch):
            return super().__call__(model, batch) * float("inf")

    with pytest.raises(TrainingFailed, match="lower the learning rate"):
        fit(small_net(), Stripes(), Stripes(48, 1), Explosion(), PLAN)


def test_outputs_and_labels_must_match():
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 3))
    with pytest.raises(ValueError, match="one output per label"):
        fit(model, Stripes(), Stripes(48, 1), MultiLabelLoss(), PLAN)


def test_a_frozen_model_is_refused():
    with pytest.raises(ValueError, match="frozen"):
        fit(small_net().requires_grad_(False), Stripes(), Stripes(), MultiLabelLoss(), PLAN)


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"learning_rate": 0}, {"schedule": "cos"}, {"optimiser": "x"}, {"patience": 0}],
)
def test_impossible_plans_are_refused(wrong):
    with pytest.raises(ValueError):
        Plan(**wrong)
