"""Masked, weighted binary cross-entropy against its definition."""

import pytest
import torch

from course_lib.learning.losses import masked_bce, positive_weights


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 3, generator=random, dtype=torch.float64)
    target = (torch.rand(6, 3, generator=random) < 0.4).double()
    known = torch.rand(6, 3, generator=random) < 0.7
    return logits, target, known


def test_definition_term_by_term(batch):
    logits, target, known = batch
    weight = torch.tensor([1.0, 3.0, 7.0], dtype=torch.float64)
    p = 1 / (1 + torch.exp(-logits))
    terms = -(weight * target * p.log() + (1 - target) * (1 - p).log())
    assert torch.isclose(masked_bce(logits, target, known, weight), terms[known].mean())
    assert torch.isclose(masked_bce(logits, target, None, weight), terms.mean())


def test_unknown_labels_have_no_gradient_even_if_nan(batch):
    logits, target, known = batch
    target[~known] = float("nan")
    logits.requires_grad_()
    masked_bce(logits, target, known).backward()
    assert (logits.grad[~known] == 0).all()
    assert (logits.grad[known] != 0).all()


def test_a_batch_without_known_labels_is_silent(batch):
    logits, target, known = batch
    assert masked_bce(logits, target, torch.zeros_like(known)) == 0


def test_weights_make_both_classes_equally_heavy():
    random = torch.Generator().manual_seed(1)
    target = (torch.rand(60, 3, generator=random) < 0.3).double()
    known = torch.rand(60, 3, generator=random) < 0.7
    weight = positive_weights(target, known)
    for k in range(3):
        positives = ((target[:, k] == 1) & known[:, k]).sum()
        negatives = ((target[:, k] == 0) & known[:, k]).sum()
        assert positives > 0
        assert torch.isclose(weight[k] * positives, negatives.float())


def test_weight_of_a_label_without_positives_and_the_limit():
    target = torch.zeros(100, 2)
    target[0, 1] = 1
    assert positive_weights(target).tolist() == [1.0, 20.0]
    assert positive_weights(target, limit=200).tolist() == [1.0, 99.0]


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[1000.0, -1000.0]])
    assert masked_bce(logits, torch.tensor([[0.0, 1.0]])) == 1000


def test_shapes_are_compared():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2, 4\)"):
        masked_bce(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ValueError, match="known has shape"):
        masked_bce(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(3))
