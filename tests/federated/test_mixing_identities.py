"""What must be true of the mixes whatever the data: limits, first order, batches, forward mode."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.federated.client import Client, LocalPlan, Pool, local_update
from course_lib.federated.mafl import every_case, pool_of
from course_lib.federated.objectives import (
    fedmix,
    global_mix,
    local_mix,
    naive_mix,
    plain,
    soft_cross_entropy,
)
from course_lib.federated.weights import squared_distance, weights_of

KINDS = {"local": local_mix, "naive": naive_mix, "fed": fedmix, "global": global_mix}


@pytest.fixture
def net():
    """Smooth (tanh) and in double precision: kinks and rounding would hide the order."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 3)).double()


@pytest.fixture
def cases():
    """Own cases x (4, 5), y (4, 3), and six cases of others."""
    random = torch.Generator().manual_seed(8)
    x, others = (torch.randn(n, 5, generator=random, dtype=torch.float64) for n in (4, 6))
    y, theirs = (F.one_hot(torch.arange(n) % 3, 3).double() for n in (4, 6))
    return x, y, others, theirs


def global_loss(net, cases, lam):
    """Every own case mixed with every case of the others: GlobalMix without chance."""
    x, y, others, theirs = cases
    pairs = (len(x), len(others))
    rows, columns = (index.reshape(-1) for index in torch.meshgrid(
        torch.arange(pairs[0]), torch.arange(pairs[1]), indexing="ij"))  # fmt: skip
    return global_mix(lam).loss(net, x[rows], y[rows], others[columns], theirs[columns])


def averaged_loss(net, cases, objective):
    x, y, others, theirs = cases
    average = others.mean(0, keepdim=True), theirs.mean(0, keepdim=True)
    return objective.loss(net, x, y, *average)


def buggy_fedmix(lam):
    """The slip of public code: the derivative of the batch's mean, averaged a second time."""

    def loss(net, x, y, px, py):
        small = ((1 - lam) * x).detach().requires_grad_(True)
        own = soft_cross_entropy(net(small), y)
        mixed = (1 - lam) * own + lam * soft_cross_entropy(net(small), py.expand_as(y))
        slope = torch.autograd.grad((1 - lam) * own, small, create_graph=True)[0]
        return mixed + lam * (slope * px).sum(-1).mean()

    return loss


@pytest.mark.parametrize("kind", KINDS)
def test_lambda_zero_is_plain_training_to_the_bit(kind, net):
    random = torch.Generator().manual_seed(1)
    client = Client("a", torch.randn(20, 5, generator=random).double(), torch.arange(20) % 3)
    pool = every_case([client], 3) if kind == "global" else pool_of([client], 5, 3)
    plan = LocalPlan(3, 20, 0.1)  # one batch: the order of cases is drawn before the partners
    mixed = local_update(net, weights_of(net), client, plan, KINDS[kind](0.0), pool, seed=4)
    alone = local_update(net, weights_of(net), client, plan, plain(), seed=4)
    assert squared_distance(mixed.weights, alone.weights) < 1e-28


def test_naive_mix_and_fedmix_agree_with_global_mix_to_first_order(net, cases):
    lams = np.array([0.08, 0.04, 0.02, 0.01])
    for kind in (naive_mix, fedmix):
        gaps = [
            abs((global_loss(net, cases, lam) - averaged_loss(net, cases, kind(lam))).item())
            for lam in lams
        ]
        order = np.polyfit(np.log(lams), np.log(gaps), 1)[0]
        assert 1.9 < order < 2.1, (kind, gaps)
    tiny = 1e-6
    start = soft_cross_entropy(net(cases[0]), cases[1]).item()
    slopes = [
        (loss.item() - start) / tiny
        for loss in (
            global_loss(net, cases, tiny),
            averaged_loss(net, cases, naive_mix(tiny)),
            averaged_loss(net, cases, fedmix(tiny)),
        )
    ]
    assert np.ptp(slopes) < 1e-5 * abs(slopes[0])
    without = (averaged_loss(net, cases, fedmix(tiny, taylor=False)).item() - start) / tiny
    assert abs(without - slopes[0]) > 1e-3  # the third term belongs to the first order


def test_a_batch_of_copies_has_the_loss_of_one_case(net, cases):
    x, y, others, theirs = cases
    average = others.mean(0, keepdim=True), theirs.mean(0, keepdim=True)
    for loss, is_right in ((fedmix(0.1).loss, True), (buggy_fedmix(0.1), False)):
        values = [
            float(loss(net, x[:1].repeat(n, 1), y[:1].repeat(n, 1), *average)) for n in (1, 5, 10)
        ]
        assert (np.ptp(values) < 1e-12) == is_right, values


def test_remainder_where_the_loss_is_linear():
    """Two classes whose probabilities already sum to 1, and only the first occurs: loss = -w.x."""
    w = torch.tensor([0.3, 0.2, 0.5], dtype=torch.float64)

    def forward(x):
        first = -(x @ w)
        return torch.stack([first, torch.log1p(-first.exp())], -1)

    random = torch.Generator().manual_seed(2)
    x, others = (torch.rand(n, 3, generator=random, dtype=torch.float64) + 0.2 for n in (4, 6))
    y, theirs = (torch.tensor([[1.0, 0.0]], dtype=torch.float64).repeat(n, 1) for n in (4, 6))
    for lam in (0.1, 0.5):
        gap = global_loss(forward, (x, y, others, theirs), lam)
        gap = gap - averaged_loss(forward, (x, y, others, theirs), fedmix(lam))
        expected = lam**2 * float(others.mean(0) @ w)  # the gradient of the loss is w
        assert float(gap) == pytest.approx(expected, rel=1e-9)


def test_forward_mode_gives_the_gradients_of_double_backward(net, cases):
    lam = 0.1
    x, y, others, theirs = cases
    px, py = others.mean(0, keepdim=True), theirs.mean(0, keepdim=True)
    ours = torch.autograd.grad(fedmix(lam).loss(net, x, y, px, py), list(net.parameters()))
    small = ((1 - lam) * x).requires_grad_(True)
    each = -(y * net(small).log_softmax(1)).sum(1)
    slope = torch.autograd.grad((1 - lam) * each.sum(), small, create_graph=True)[0]
    soft = (1 - lam) * each.mean() + lam * soft_cross_entropy(net(small), py.expand_as(y))
    theirs_way = soft + lam * (slope * px).sum(1).mean()
    for a, b in zip(ours, torch.autograd.grad(theirs_way, list(net.parameters())), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_fedprox_pulls_on_every_mix_from_the_second_step_on(net, cases):
    x, y, others, theirs = cases
    client, pool = Client("a", x, y), Pool(others, theirs)
    for make in KINDS.values():

        def after(epochs, mu, make=make):
            plan = LocalPlan(epochs, None, 0.1, mu)
            return local_update(net, weights_of(net), client, plan, make(0.1), pool).weights

        assert squared_distance(after(1, 0.0), after(1, 5.0)) < 1e-28
        assert squared_distance(after(2, 0.0), after(2, 5.0)) > 1e-9


def test_an_objective_that_needs_a_pool_says_so(net, cases):
    client = Client("a", cases[0], cases[1])
    with pytest.raises(ValueError, match="give it a pool"):
        local_update(net, weights_of(net), client, LocalPlan(), fedmix(0.1))
    with pytest.raises(ValueError, match=r"between 0 and 1, not 1\.2"):
        fedmix(1.2)
