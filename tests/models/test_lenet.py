"""LeNet-5 is the one of 1998: its figures to the unit, its table, its codes, its loss."""

import json

import pytest
import torch

from course_lib.models.counting import count_parameters
from course_lib.models.lenet import (
    C3_INPUTS,
    LeNet5,
    ModernLeNet,
    digit_codes,
    lenet5_counts,
    map_loss,
)

PAPER = {"C1": 156, "S2": 12, "C3": 1516, "S4": 32, "C5": 48120, "F6": 10164}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LeNet5()


def test_every_layer_has_the_parameters_of_the_paper(model):
    assert {name.upper(): count_parameters(layer) for name, layer in model.layers()} == PAPER
    assert {name: trained for name, _, _, trained, _ in lenet5_counts()} == {**PAPER, "output": 0}
    assert count_parameters(model) == 60_000
    assert model.output.codes.numel() == 840
    assert count_parameters(model, trainable_only=True) == 60_000  # the codes are not trained


def test_connections_add_up_to_the_papers_figure():
    connections = [row[-1] for row in lenet5_counts()]
    assert connections == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert sum(connections) == 340_908


def test_counts_agree_with_the_known_answers(real_data):
    known = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    known = known["lenet5_1998"]
    for name, _, _, trained, _ in lenet5_counts()[:6]:
        assert known[name] == trained
    assert known["trainable"] == 60_000
    assert known["connections"] == 340_908


def test_shapes_are_those_the_counts_were_made_with(model):
    x = torch.zeros(2, 1, 32, 32)
    for (_, layer), (_, maps, side, *_) in zip(model.layers(), lenet5_counts(), strict=False):
        x = layer(x.flatten(1) if layer is model.f6 else x)
        assert x.shape == ((2, maps, side, side) if layer is not model.f6 else (2, maps))


def test_connections_counted_on_the_network_itself(model):
    """Units times inputs, found by asking autograd what one unit of each map sees."""
    x = torch.randn(1, 6, 14, 14, requires_grad=True)
    seen = []
    for j in range(16):
        (gradient,) = torch.autograd.grad(model.c3(x)[0, j, 3, 3], x)
        seen.append(int((gradient != 0).sum()))
        assert set(gradient.abs().sum((0, 2, 3)).nonzero().flatten().tolist()) == set(C3_INPUTS[j])
    assert sum(n + 1 for n in seen) * 100 == 151_600


def test_the_sparse_table_is_symmetric_and_complete():
    assert len(C3_INPUTS) == len(set(C3_INPUTS)) == 16
    assert [len(seen) for seen in C3_INPUTS] == [3] * 6 + [4] * 9 + [6]
    counts = [sum(m in seen for seen in C3_INPUTS) for m in range(6)]
    assert counts == [10] * 6  # every map of S2 feeds ten maps of C3


def test_sparse_convolution_is_a_full_one_with_zeros(model):
    full = torch.nn.Conv2d(6, 16, 5)
    full.load_state_dict({"weight": model.c3.full_weight().detach(), "bias": model.c3.bias})
    x = torch.randn(2, 6, 14, 14)
    torch.testing.assert_close(model.c3(x), full(x))


def test_sub_sampling_adds_scales_and_shifts(model):
    x = torch.arange(16.0).reshape(1, 1, 4, 4).repeat(1, 6, 1, 1)
    with torch.no_grad():
        model.s2.coefficient.fill_(0.5)
        model.s2.bias.fill_(1.0)
    expected = torch.tensor([[0 + 1 + 4 + 5, 2 + 3 + 6 + 7], [8 + 9 + 12 + 13, 10 + 11 + 14 + 15]])
    torch.testing.assert_close(model.s2(x)[0, 0], expected * 0.5 + 1.0)


def test_tanh_goes_through_one(model):
    at_one = model.squash(torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(at_one, torch.tensor([1.0, -1.0]), rtol=1e-4, atol=1e-4)


def test_codes_are_ten_different_bitmaps():
    codes = digit_codes()
    assert codes.shape == (10, 84)
    assert set(codes.unique().tolist()) == {-1.0, 1.0}
    apart = (codes[:, None] != codes).sum(2) + 84 * torch.eye(10)
    assert apart.min() >= 4
    assert apart[8].argmin() in (0, 3, 6, 9)  # what looks like an eight


def test_a_perfect_code_wins_with_distance_zero(model):
    scores = -model.output(model.output.codes)
    assert torch.equal(scores.argmax(1), torch.arange(10))
    torch.testing.assert_close(scores.diagonal(), torch.zeros(10))
    assert scores[0, 1] == -4 * (digit_codes()[0] != digit_codes()[1]).sum()


def test_map_loss_is_equation_nine():
    scores, j = torch.tensor([[-3.0, -5.0, -9.0]]), 4.0
    y = -scores[0].double()
    expected = y[1] + torch.log(torch.exp(torch.tensor(-j)) + torch.exp(-y).sum())
    got = map_loss(scores, torch.tensor([1]), j)
    torch.testing.assert_close(got, expected.float())


def test_map_loss_without_a_rubbish_class_is_cross_entropy():
    torch.manual_seed(1)
    scores, target = -torch.rand(8, 10) * 20, torch.arange(8)
    expected = torch.nn.functional.cross_entropy(scores, target)
    torch.testing.assert_close(map_loss(scores, target, rubbish=1e4), expected)


def test_it_starts_as_the_appendix_says(model):
    for layer, fan_in in ((model.c1, 25), (model.c5, 400), (model.f6, 120)):
        limit = 2.4 / fan_in
        assert 0.9 * limit < layer.weight.abs().max() <= limit
    weight, seen = model.c3.full_weight(), [len(s) for s in C3_INPUTS]
    for j, maps in enumerate(seen):
        assert weight[j].abs().max() <= 2.4 / (25 * maps)


def test_it_learns_its_codes(model):
    """Ten noisy pictures: after a few steps each has the code of its class."""
    torch.manual_seed(2)
    x, target = torch.randn(10, 1, 32, 32), torch.arange(10)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = map_loss(model(x), target)
        loss.backward()
        optimiser.step()
    assert torch.equal(model(x).argmax(1), target)
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_wrong_size_is_named(model):
    with pytest.raises(ValueError, match=r"\(1, 28, 28\)|1, 28, 28"):
        model(torch.zeros(3, 1, 28, 28))
    with pytest.raises(ValueError, match="at least 16"):
        ModernLeNet(size=12)


def test_modern_lenet_has_the_usual_count_and_any_size():
    assert count_parameters(ModernLeNet()) == 61_706
    assert ModernLeNet(2, size=64)(torch.zeros(3, 1, 64, 64)).shape == (3, 2)
    assert ModernLeNet(2, in_channels=3, size=16)(torch.zeros(1, 3, 16, 16)).shape == (1, 2)
