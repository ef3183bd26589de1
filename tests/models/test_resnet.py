"""Our ResNets are the published ones: counts to the unit, torchvision's weights fit."""

import pytest
import torch
import torchvision
from torch import nn

from course_lib.explain.cam import activation_maps
from course_lib.models.counting import count_parameters
from course_lib.models.plain import SmallResNet, plain_net
from course_lib.models.resnet import (
    PUBLISHED,
    BasicBlock,
    BlockStyle,
    Bottleneck,
    ResNet,
    published_resnet,
    resnet,
)

COUNTS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}
# Multiply-adds of convolutions and linear layers at 224 pixels: as published, and version 1.5.
OPERATIONS = {
    "resnet18": (1_814_073_344, 1_814_073_344),
    "resnet34": (3_663_761_408, 3_663_761_408),
    "resnet50": (3_857_973_248, 4_089_184_256),
    "resnet101": (7_570_194_432, 7_801_405_440),
    "resnet152": (11_282_415_616, 11_513_626_624),
}


def multiply_adds(model: nn.Module, pixels: int) -> int:
    """Counted while an image of meta tensors (shapes without numbers) passes through."""
    total = []

    def count(module, _inputs, output):
        per_output = module.weight[0].numel()
        total.append(output.numel() * per_output)

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    model(torch.empty(1, 3, pixels, pixels, device="meta"))
    return sum(total)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_and_operations_are_exact(name):
    for version, operations in zip(("v1", "v1.5"), OPERATIONS[name], strict=True):
        with torch.device("meta"):
            model = published_resnet(name, version=version)
        assert count_parameters(model) == COUNTS[name]
        assert multiply_adds(model, 224) == operations


@pytest.mark.parametrize("name", PUBLISHED)
def test_same_tensors_as_torchvision(name):
    with torch.device("meta"):
        ours = published_resnet(name).state_dict()
        theirs = torchvision.models.get_model(name, weights=None).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
@pytest.mark.parametrize("training", [False, True])
def test_same_outputs_as_torchvision(name, training):
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None).train(training)
    ours = published_resnet(name).train(training)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_version_1_differs_only_in_where_it_halves():
    torch.manual_seed(0)
    old, new = published_resnet("resnet50", version="v1"), published_resnet("resnet50")
    old.load_state_dict(new.state_dict())
    strides = [(b.conv1.stride[0], b.conv2.stride[0]) for b in (old.layer2[0], new.layer2[0])]
    assert strides == [(2, 1), (1, 2)]
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(old.eval()(x), new.eval()(x))


@pytest.mark.parametrize("make", [lambda: resnet("laptop", 3), lambda: resnet("paper", 3)])
def test_stages_halve_five_times_and_end_in_what_is_classified(make):
    torch.manual_seed(0)
    model, x = make().eval(), torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        maps = model.stages(x)
        assert [m.shape[-1] for m in maps] == [32, 16, 8, 4, 2]
        assert tuple(m.shape[1] for m in maps) == model.stage_channels
        torch.testing.assert_close(model.classifier(maps[-1].mean((2, 3))), model(x))


def test_class_activation_map_is_exact():
    torch.manual_seed(0)
    model, x = resnet("laptop", 4).eval(), torch.randn(2, 1, 64, 64)
    found = activation_maps(model, x, layer="layer4")
    torch.testing.assert_close(found.maps.mean((2, 3)) + found.bias, found.logits)


def test_a_block_that_starts_at_zero_is_the_identity():
    torch.manual_seed(0)
    style = BlockStyle(zero_init=True)
    for block, channels in ((BasicBlock, 16), (Bottleneck, 64)):
        model = ResNet(block, (2, 1, 1, 1), 2, 1, width=16, style=style)
        x = torch.rand(2, channels, 8, 8)
        torch.testing.assert_close(model.layer1[1](x), x)
        plain = ResNet(block, (2, 1, 1, 1), 2, 1, width=16)
        assert not torch.allclose(plain.layer1[1](x), x)


def test_shortcut_a_learns_nothing_and_keeps_every_second_pixel():
    torch.manual_seed(0)
    block = BasicBlock(4, 8, 2, BlockStyle(shortcut="A"))
    nn.init.zeros_(block.bn2.weight)
    x = torch.rand(1, 4, 6, 6)
    out = block(x)
    torch.testing.assert_close(out[:, :4], x[:, :, ::2, ::2])
    assert out[:, 4:].abs().max() == 0
    assert not list(block.downsample.parameters())


def test_shortcut_c_projects_everywhere():
    def projections(shortcut):
        model = SmallResNet(20, shortcut=shortcut)
        return sum(isinstance(block.downsample, nn.Sequential) for block in model.blocks())

    assert [projections(kind) for kind in "ABC"] == [0, 2, 9]


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)]
)
def test_small_nets_have_the_papers_size_with_or_without_shortcuts(depth, millions):
    """Table 6 of the paper; section 4.2: the twins have exactly the same parameters."""
    counts = [count_parameters(SmallResNet(depth, residual=r)) for r in (True, False)]
    assert counts[0] == counts[1]
    assert round(counts[0] / 1e6, 1 if depth == 110 else 2) == millions
    convolutions = [m for m in SmallResNet(depth).modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) + 1 == depth


def test_plain_net_is_the_residual_net_without_the_addition():
    torch.manual_seed(0)
    plain, residual = SmallResNet(8, residual=False), SmallResNet(8, residual=True)
    plain.load_state_dict(residual.state_dict())
    x = torch.rand(2, 16, 8, 8)
    block, twin = residual.eval().blocks()[0], plain.eval().blocks()[0]
    torch.testing.assert_close(twin(x), torch.relu(block.branch(x)))
    torch.testing.assert_close(block(x), torch.relu(block.branch(x) + x))
    with torch.device("meta"):
        assert len([m for m in plain_net(34).modules() if isinstance(m, nn.Conv2d)]) == 33


def test_wrong_wishes_are_refused():
    with pytest.raises(ValueError, match="resnet18"):
        published_resnet("resnet20")
    with pytest.raises(ValueError, match=r"v1\.5"):
        published_resnet("resnet50", version="v2")
    with pytest.raises(ValueError, match="'A', 'B' or 'C'"):
        BlockStyle(shortcut="D")
    with pytest.raises(ValueError, match="1x1"):
        BlockStyle(stride_at="5x5")
    with pytest.raises(ValueError, match=r"6n \+ 2"):
        SmallResNet(18)
    with pytest.raises(ValueError, match="18 or 34"):
        plain_net(50)
    with pytest.raises(ValueError, match="laptop"):
        resnet("desktop", 2)
