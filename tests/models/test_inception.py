"""GoogLeNet and its successors: counts to the unit, torchvision's outputs, the papers' grids."""

import json

import pytest
import torch
import torchvision

from course_lib.learning.label_smoothing import ClassLoss
from course_lib.models.arithmetic.summary import count_macs
from course_lib.models.counting import count_parameters
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v2 import FIGURE_7, InceptionModule, figure_6, inception_v2
from course_lib.models.inception_v3 import inception_v3

BUILDERS = [googlenet, inception_v2, inception_v3]
COUNTS = {  # without and with auxiliary classifiers, multiply-adds at the published size
    "googlenet_paper": (googlenet, "paper", 6_998_552, 13_378_280, 224, 1_582_671_872),
    "googlenet_torchvision": (googlenet, "torchvision", 6_624_904, 13_004_888, 224, 1_498_376_192),
    "inception_v3": (inception_v3, "paper", 23_834_568, 27_161_264, 299, 5_713_216_096),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_exact(name):
    build, preset, without, with_aux, side, macs = COUNTS[name]
    with torch.device("meta"):
        lean, full = build(preset, 1000, 3, aux=False), build(preset, 1000, 3)
    assert count_parameters(lean) == without
    assert count_parameters(full) == with_aux
    assert count_macs(lean, (1, 3, side, side)) == macs


def test_counts_agree_with_the_known_answers(real_data):
    known = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    known = known["parameters"]
    for name in ("googlenet_paper", "inception_v3"):
        assert known[name] == COUNTS[name][2]
        assert known[f"{name}_with_aux"] == COUNTS[name][3]


def test_module_3a_by_hand():
    """163,328 weights; 387,072 without the 1x1 convolutions that make its input narrow."""
    with torch.device("meta"):
        module = googlenet("paper", 1000, 3).inception3a
    weights = sum(p.numel() for p in module.parameters() if p.dim() == 4)
    assert weights == 163_328
    assert 192 * (64 + 9 * 128 + 25 * 32) == 387_072  # and pooling would pass all 192 maps on
    assert module.channels == 256


def test_same_outputs_as_torchvisions_googlenet():
    torch.manual_seed(0)
    theirs = torchvision.models.googlenet(num_classes=6, init_weights=False, dropout_aux=0.0)
    ours = googlenet("torchvision", 6, 3, dropout=0.0)
    ours.load_state_dict(theirs.state_dict())
    theirs.dropout.p = ours.aux1.dropout.p = ours.aux2.dropout.p = 0.0
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
        trained, expected = ours.train()(x, auxiliaries=True), theirs.train()(x)
    torch.testing.assert_close(trained[0], expected.logits)
    torch.testing.assert_close(trained[1], expected.aux_logits1)
    torch.testing.assert_close(trained[2], expected.aux_logits2)


def test_same_outputs_as_torchvisions_inception_v3():
    torch.manual_seed(0)
    theirs = torchvision.models.inception_v3(num_classes=6, init_weights=False).eval()
    ours = inception_v3("paper", 6, 3).eval()
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        x = torch.randn(1, 3, 171, 203)
        torch.testing.assert_close(ours(x), theirs(x))
        maps = torch.randn(1, 768, 17, 17)
        torch.testing.assert_close(ours.AuxLogits(maps), theirs.AuxLogits(maps))


def test_googlenet_of_the_paper_has_the_grids_of_table_1():
    with torch.device("meta"):
        model = googlenet("paper", 1000, 3)
    maps = model.stages(torch.empty(1, 3, 224, 224, device="meta"))
    sizes = [(64, 112), (192, 56), (480, 28), (832, 14), (1024, 7)]
    assert [m.shape[1:3] for m in maps] == sizes
    assert model.stage_channels == tuple(channels for channels, _ in sizes)
    outputs = model(torch.empty(2, 3, 224, 224, device="meta"), auxiliaries=True)
    assert [o.shape for o in outputs] == [(2, 1000)] * 3


def test_googlenet_stages_have_the_strides_of_a_decoder():
    model = googlenet("laptop", 2).eval()
    maps = model.stages(torch.randn(1, 1, 96, 128))
    assert [m.shape[2:] for m in maps] == [(48, 64), (24, 32), (12, 16), (6, 8), (3, 4)]
    assert tuple(m.shape[1] for m in maps) == model.stage_channels
    x = torch.randn(1, 1, 64, 64)
    torch.testing.assert_close(model.fc(model.stages(x)[-1].mean((2, 3))), model(x))


def test_the_papers_auxiliary_classifiers_name_the_size_they_need():
    with torch.device("meta"):
        model = googlenet("paper", 10, 3)
    with pytest.raises(ValueError, match="14 x 14"):
        model(torch.empty(1, 3, 128, 128, device="meta"), auxiliaries=True)
    assert model(torch.empty(1, 3, 128, 128, device="meta")).shape == (1, 10)


def grids(model, size, names):
    """{name: (channels, side)} of a model's layers, by hooks."""
    found = {}
    for name in names:
        layer = model.get_submodule(name)
        layer.register_forward_hook(lambda m, i, o, name=name: found.update({name: o.shape[1:3]}))
    model(torch.empty(1, 3, size, size, device="meta"))
    return found


def test_inception_v2_has_the_grids_of_table_1():
    with torch.device("meta"):
        model = inception_v2("paper", 1000, 3)
    names = [f"features.{i}" for i in range(7)] + [f"features.module{i}" for i in range(1, 13)]
    found = list(grids(model, 299, names).values())
    stem = [(32, 149), (32, 147), (64, 147), (64, 73), (80, 71), (192, 35), (288, 35)]
    assert found[:7] == stem
    assert found[7:] == [(288, 35)] * 3 + [(768, 17)] * 6 + [(1280, 8)] + [(2048, 8)] * 2
    assert count_parameters(model) - count_parameters(model.aux) < 25_000_000  # the abstract's


def test_inception_v3_has_the_grids_of_the_published_network():
    with torch.device("meta"):
        model = inception_v3("paper", 1000, 3)
    found = grids(
        model, 299, ["Mixed_5b", "Mixed_5d", "Mixed_6a", "Mixed_6e", "Mixed_7a", "Mixed_7c"]
    )
    assert list(found.values()) == [
        (256, 35), (288, 35), (768, 17), (768, 17), (1280, 8), (2048, 8)
    ]  # fmt: skip


def test_factorised_kernels_see_as_far_for_less():
    """1x7 then 7x1 reaches 7 x 7 pixels with 14 weights a pair of maps, not 49."""
    torch.manual_seed(0)
    module = InceptionModule(8, {"branch7x7": figure_6(8)["branch7x7"]}, "mean", 8)
    long = [module.branch7x7_2, module.branch7x7_3]
    assert [layer.conv.kernel_size for layer in long] == [(1, 7), (7, 1)]
    x = torch.randn(1, 8, 15, 15, requires_grad=True)
    y = long[1].conv(long[0].conv(module.branch7x7_1.conv(x)))
    (gradient,) = torch.autograd.grad(y[0, 0, 7, 7], x)
    seen = gradient.abs().sum((0, 1)) > 0
    assert seen.sum() == 49
    assert seen[4:11, 4:11].all()


def test_the_last_modules_are_wide():
    """1x3 and 3x1 stand side by side and both look at the same maps."""
    torch.manual_seed(0)
    module = InceptionModule(
        8, {"branch3x3": FIGURE_7["branch3x3"]}, "mean", 8, width=1 / 64
    ).eval()
    x = torch.randn(1, 8, 8, 8)
    with torch.no_grad():
        narrow = module.branch3x3_1(x)
        wide = torch.cat([module.branch3x3_2a(narrow), module.branch3x3_2b(narrow)], 1)
        torch.testing.assert_close(module(x)[:, : wide.shape[1]], wide)
    assert module.branch3x3_2a.conv.kernel_size == (1, 3)


@pytest.mark.parametrize("build", BUILDERS)
def test_the_small_ones_train_with_their_auxiliaries(build):
    """Every weight gets a gradient, and the loss falls, from 64 to 128 pixels."""
    torch.manual_seed(0)
    model = build("laptop", 2)
    assert count_parameters(model) < 450_000
    x, target = torch.randn(8, 1, 64, 64), torch.arange(8) % 2
    x[target == 1] += 1.0
    loss, optimiser = ClassLoss(0.1, 0.3), torch.optim.Adam(model.parameters(), lr=2e-3)
    losses = []
    for _ in range(10):
        optimiser.zero_grad()
        value = loss(model, {"image": x, "target": target})
        value.backward()
        optimiser.step()
        losses.append(value.item())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert min(losses[-3:]) < 0.8 * losses[0]
    assert model.eval()(torch.randn(1, 1, 128, 128)).shape == (1, 2)


@pytest.mark.parametrize("build", BUILDERS)
def test_without_auxiliaries_asking_for_them_is_an_error(build):
    model = build("laptop", 2, aux=False)
    with pytest.raises(ValueError, match="without aux"):
        model(torch.randn(2, 1, 64, 64), auxiliaries=True)
    with pytest.raises(ValueError, match="laptop"):
        build("tiny", 2)
