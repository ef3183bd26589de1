"""DP-SGD by hand against Opacus: the same step from the same noise, the same epsilon."""

import numpy as np
import pytest
import torch
from opacus import GradSampleModule
from opacus.accountants.analysis import rdp
from opacus.optimizers import DPOptimizer
from torch import nn

from course_lib.federated.privacy.accountant import ORDERS, epsilon, renyi
from course_lib.federated.privacy.differential_privacy import private_step
from course_lib.federated.small_network import small_network
from course_lib.federated.weights import as_vector, from_vector, weights_of


def opacus_step(net: nn.Module, x: torch.Tensor, y: torch.Tensor, noise: torch.Tensor, deviation):
    """One step of Opacus whose noise is ``deviation`` times the given numbers (P,)."""
    wrapped = GradSampleModule(net, loss_reduction="mean")
    plain = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    optimiser = DPOptimizer(
        plain, noise_multiplier=0.0, max_grad_norm=0.7, expected_batch_size=len(x)
    )
    nn.functional.cross_entropy(wrapped(x), y).backward()
    optimiser.clip_and_accumulate()
    start = 0
    for p in optimiser.params:
        part = noise[start : start + p.numel()].view_as(p)
        p.grad = (p.summed_grad + deviation * part) / len(x)
        start += p.numel()
    plain.step()
    return {name.removeprefix("_module."): v for name, v in wrapped.state_dict().items()}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("sigma", [0.0, 1.3])
def test_one_private_step_equals_that_of_opacus(sigma: float) -> None:
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(7, 1, 8, 8, generator=g), torch.arange(7) % 3
    net = small_network(3, 8, 0)
    before = weights_of(net)
    shares = nn.functional.one_hot(y, 3).float()
    random = torch.Generator().manual_seed(4)
    ours = private_step(net, before, x, shares, 0.7, sigma, len(x), 0.1, random)
    noise = torch.randn(len(as_vector(before)), generator=torch.Generator().manual_seed(4))
    theirs = opacus_step(net, x, y, noise, sigma * 0.7)
    assert from_vector(as_vector(ours), before).keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.allclose(value, theirs[name], atol=1e-6)
    assert not torch.allclose(ours["1.weight"], before["1.weight"])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("noise", "rate", "steps"),
    [(1.0, 0.3, 60), (0.7, 0.05, 500), (4.0, 1.0, 20), (1.1, 0.01, 5000)],
)
def test_epsilon_equals_that_of_opacus(noise: float, rate: float, steps: int) -> None:
    spent = rdp.compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=ORDERS)
    ours = [steps * renyi(noise, rate, order) for order in ORDERS]
    assert np.allclose(ours, spent, rtol=1e-6)
    theirs, _ = rdp.get_privacy_spent(orders=ORDERS, rdp=spent, delta=1e-4)
    assert epsilon(noise, rate, steps, 1e-4) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_whole_orders_cost_less_than_a_tenth_of_epsilon() -> None:
    """Opacus also tries orders between whole numbers, which is better where epsilon is large."""
    fine = [1 + x / 10 for x in range(1, 100)] + list(range(12, 64))
    for noise, rate, steps in ((0.7, 0.2, 80), (1.0, 0.2, 80), (2.0, 0.2, 80)):
        spent = rdp.compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=fine)
        best, _ = rdp.get_privacy_spent(orders=fine, rdp=spent, delta=1e-4)
        assert best - 1e-9 <= epsilon(noise, rate, steps, 1e-4) < 1.1 * best
