"""Losses for rare findings, and policies for uncertain labels."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.learning.losses import masked_bce, positive_weights
from course_lib.learning.rare_findings import (
    KnownTermsLoss,
    chexnet_factors,
    focal_terms,
    loss_named,
    two_sided_terms,
    without_weight,
)
from course_lib.learning.uncertain_labels import (
    PresentAgainstAbsent,
    ThreeClassLoss,
    flip_labels,
    hedge_labels,
    own_opinion,
    policy_labels,
)

LOGITS = torch.linspace(-4, 4, 12).reshape(6, 2)
TARGET = torch.tensor([[1, 0], [0, 0], [0, 1], [0, 0], [1, 0], [0, 0]]).float()


def test_two_sided_with_ones_is_plain_cross_entropy():
    ones = torch.ones(2)
    assert torch.allclose(
        two_sided_terms(LOGITS, TARGET, ones, ones).mean(), masked_bce(LOGITS, TARGET)
    )


def test_chexnet_factors_have_the_ratio_of_balanced_weights():
    present, absent = chexnet_factors(TARGET)
    assert torch.allclose(present, torch.tensor([4 / 6, 5 / 6]))
    assert torch.allclose(present / absent, positive_weights(TARGET))


def test_focal_loss_by_hand_and_without_focus():
    term = focal_terms(torch.tensor([[2.0]]), torch.tensor([[1.0]]))
    p = 1 / (1 + np.exp(-2))
    assert term.item() == pytest.approx(-((1 - p) ** 2) * np.log(p), rel=1e-5)
    assert torch.allclose(focal_terms(LOGITS, TARGET, 0).mean(), masked_bce(LOGITS, TARGET))


@pytest.mark.parametrize("name", ["plain", "balanced", "chexnet", "focal"])
def test_unknown_labels_have_no_term_and_no_gradient(name):
    model = nn.Linear(3, 2)
    known = torch.ones(6, 2, dtype=torch.bool)
    known[:, 1] = False
    target = TARGET.clone()
    target[:, 1] = float("nan")
    batch = {"image": torch.randn(6, 3), "target": target, "known": known}
    loss_named(name, TARGET, known)(model, batch).backward()
    assert model.weight.grad[0].abs().sum() > 0
    assert model.weight.grad[1].abs().sum() == 0


def test_no_known_label_at_all_gives_zero():
    batch = {"image": torch.randn(2, 3), "target": torch.zeros(2, 2)}
    batch["known"] = torch.zeros(2, 2, dtype=torch.bool)
    assert KnownTermsLoss(focal_terms)(nn.Linear(3, 2), batch) == 0


def test_unknown_weighting_is_refused():
    with pytest.raises(ValueError, match="focal"):
        loss_named("heavy", TARGET)


def test_the_weight_can_be_taken_out_again():
    """The weighted loss of a coin with probability p is smallest at the score s(p, w)."""
    p, w = 0.07, 13.0
    logit = torch.zeros(1, dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([logit], max_iter=100, tolerance_grad=1e-12)

    def closure():
        optimiser.zero_grad()
        s = torch.sigmoid(logit)
        loss = (-w * p * torch.log(s) - (1 - p) * torch.log(1 - s)).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    score = torch.sigmoid(logit).item()
    assert score > 0.45
    assert without_weight(score, w) == pytest.approx(p, rel=1e-4)


def test_mild_findings_are_hedged_more_often_than_severe_ones():
    rng = np.random.default_rng(0)
    target = np.ones((4000, 2))
    severity = np.tile([0.2, 0.8], (4000, 1))
    hedged = hedge_labels(target, severity, 0.5, rng).mean(0)
    assert hedged == pytest.approx([0.8, 0.2], abs=0.03)
    assert hedge_labels(0 * target, 0 * severity, 0.5, rng).mean() == pytest.approx(0.05, abs=0.01)


def test_policies_change_only_uncertain_labels():
    target, uncertain = np.array([[1.0, 0.0, 1.0]]), np.array([[False, False, True]])
    expected = {"ignore": (0, False), "ones": (1, True), "zeros": (0, True), "multi": (2, True)}
    for policy, (value, is_known) in expected.items():
        labels, known = policy_labels(policy, target, uncertain)
        assert labels[0, :2].tolist() == [1, 0] and known[0, :2].all()
        assert known[0, 2] == is_known
        assert not is_known or labels[0, 2] == value
    mixed, _ = own_opinion(target, uncertain, np.full((1, 3), 0.3))
    assert np.allclose(mixed, [[1, 0, 0.3]])
    with pytest.raises(ValueError, match="self"):
        policy_labels("self", target, uncertain)


def test_three_classes_leave_uncertain_out_at_the_end():
    class Fixed(nn.Module):
        def forward(self, films):
            return torch.tensor([[0.0, 2.0, 9.0, 1.0, -1.0, 0.0]]).repeat(len(films), 1)

    logits = PresentAgainstAbsent(Fixed())(torch.zeros(3, 1))
    assert logits[0].tolist() == [2.0, -2.0]
    batch = {"image": torch.zeros(1, 1), "target": torch.tensor([[2.0, 0.0]])}
    by_hand = -np.log(np.exp(9) / (1 + np.exp(2) + np.exp(9)))
    by_hand -= np.log(np.exp(1) / (np.exp(1) + np.exp(-1) + 1))
    assert ThreeClassLoss()(Fixed(), batch).item() == pytest.approx(by_hand / 2, rel=1e-5)


def test_wrong_labels_keep_the_prevalence():
    target = (np.random.default_rng(1).random((500, 4)) < 0.1).astype(float)
    kept = target.copy()
    noisy = flip_labels(target, 0.2, np.random.default_rng(2))
    assert (target == kept).all()
    assert (noisy.sum(0) == target.sum(0)).all()
    missed = ((target == 1) & (noisy == 0)).sum(0)
    assert (missed == np.round(0.2 * target.sum(0))).all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        flip_labels(target, 1.2, np.random.default_rng(2))
