"""Sizes, parameters and multiply-adds by formula are those of PyTorch's layers and known nets."""

import pytest
import torch
import torchvision.models as tv
from torch import nn

from course_lib.models.arithmetic import costs, sizes
from course_lib.models.arithmetic.summary import count_macs, summary
from course_lib.models.densenet import published_densenet


def meta(build, **options):
    with torch.device("meta"):
        return build(**options)


def length(layer, i):
    return layer(torch.zeros(1, 1, i)).shape[-1]


def test_worked_examples():
    assert sizes.convolution_size(5, 3) == 3
    assert sizes.convolution_size(5, 4, p=2) == 6
    assert sizes.convolution_size(5, 3, p=1, s=2) == 3
    assert sizes.transposed_size(3, 3, s=2, p=1) == 5
    assert sizes.transposed_size(3, 3, s=2, p=1, output_padding=1) == 6


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("s", [1, 2, 3])
@pytest.mark.parametrize("d", [1, 2])
def test_sizes_are_pytorchs(k, s, d):
    for i in (9, 10, 11, 14):
        for p in range(0, k // 2 + 1):
            layer = nn.Conv1d(1, 1, k, s, p, d)
            assert sizes.convolution_size(i, k, p, s, d) == length(layer, i)
            for ceil in (False, True):
                pool = nn.MaxPool1d(k, s, p, d, ceil_mode=ceil)
                assert sizes.pooling_size(i, k, s, p, d, ceil) == length(pool, i)
            for extra in range(max(s, d)):
                back = nn.ConvTranspose1d(1, 1, k, s, p, extra, dilation=d)
                assert sizes.transposed_size(i, k, s, p, d, extra) == length(back, i)


def test_transposed_convolution_restores_any_size_with_the_right_output_padding():
    for i in range(7, 30):
        o = sizes.convolution_size(i, 3, p=1, s=3)
        back = {sizes.transposed_size(o, 3, s=3, p=1, output_padding=e) for e in range(3)}
        assert i in back


def test_same_padding_keeps_the_size():
    for k, d in ((1, 1), (3, 1), (5, 1), (3, 4)):
        assert sizes.convolution_size(20, k, p=sizes.same_padding(k, d), d=d) == 20
    with pytest.raises(ValueError, match="no middle"):
        sizes.same_padding(4)


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="does not fit"):
        sizes.convolution_size(4, 5)
    with pytest.raises(ValueError, match="s must be at least 1"):
        sizes.convolution_size(4, 3, s=0)
    with pytest.raises(ValueError, match="output_padding"):
        sizes.transposed_size(4, 3, s=2, output_padding=2)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("bias", [True, False])
def test_convolution_costs_are_those_of_the_layer(groups, bias):
    layer = nn.Conv2d(6, 12, (3, 5), stride=2, groups=groups, bias=bias)
    table = summary(layer, (1, 6, 21, 30))
    (row,) = table.rows
    assert row.parameters == costs.convolution_parameters(6, 12, (3, 5), groups, bias)
    assert row.macs == costs.convolution_macs(6, 12, (3, 5), row.shape[2:], groups)
    back = summary(nn.ConvTranspose2d(6, 12, (3, 5), groups=groups), (1, 6, 21, 30)).rows[0]
    assert back.macs == costs.transposed_macs(6, 12, (3, 5), (21, 30), groups)
    dense = summary(nn.Sequential(nn.Flatten(), nn.Linear(24, 7, bias)), (1, 6, 2, 2))
    assert dense.parameters == costs.linear_parameters(24, 7, bias)
    assert dense.macs == costs.linear_macs(24, 7)


def test_multiply_adds_are_really_made():
    """Count them: with ones everywhere every output is the number of its multiply-adds."""
    layer = nn.Conv2d(4, 6, 3, stride=2, dilation=2, groups=2, bias=False)
    nn.init.ones_(layer.weight)
    made = layer(torch.ones(1, 4, 15, 18)).sum()
    assert count_macs(layer, (1, 4, 15, 18)) == made


def test_fully_connected_locally_connected_convolution():
    assert costs.linear_parameters(512 * 512, 1, bias=False) == 262_144
    assert costs.convolution_parameters(1, 1, (10, 10), bias=False) == 100
    assert costs.convolution_parameters(3, 4, (5, 5), bias=False) == 300
    local = costs.locally_connected_parameters(1, 1, (10, 10), (503, 503))
    assert local == 101 * 503 * 503
    with pytest.raises(ValueError, match="groups"):
        costs.convolution_parameters(5, 4, (3, 3), groups=2)


PUBLIC = {  # parameters and multiply-adds at 224 pixels
    tv.alexnet: (61_100_840, 714_188_480),
    tv.vgg16: (138_357_544, 15_470_264_320),
    tv.resnet18: (11_689_512, 1_814_073_344),
    tv.resnet34: (21_797_672, 3_663_761_408),
    tv.resnet50: (25_557_032, 4_089_184_256),
    tv.resnet101: (44_549_160, 7_801_405_440),
    tv.densenet169: (14_149_480, 3_359_843_328),
}


@pytest.mark.parametrize("build", PUBLIC, ids=lambda b: b.__name__)
def test_known_nets(build):
    table = summary(meta(build), (1, 3, 224, 224))
    assert (table.parameters, table.macs) == PUBLIC[build]


@pytest.mark.parametrize(
    "pixels, expected",
    [(64, 232_300_544), (224, 2_834_161_664), (320, 5_782_937_600), (1024, 59_207_819_264)],
)
def test_our_densenet_at_several_sizes(pixels, expected):
    model = meta(published_densenet, name="densenet121", num_classes=1000, in_channels=3)
    assert summary(model, (1, 3, pixels, pixels)).macs == expected
    assert count_macs(model, (2, 3, pixels, pixels)) == 2 * expected


def test_known_answers(real_data):
    import json

    known = json.loads((real_data / "known_answers/known_answers.json").read_text())
    for name in ("densenet121", "densenet169", "densenet201", "densenet264"):
        model = meta(published_densenet, name=name, num_classes=1000, in_channels=3)
        table = summary(model, (1, 3, 224, 224))
        assert table.parameters == known["parameters"][name]
        assert table.macs == known["macs_conv_fc_224"][name]
    inception = meta(tv.inception_v3, init_weights=False)
    table = summary(inception, (1, 3, 299, 299))
    assert table.macs == known["macs_conv_fc_224"]["inception_v3_299px"]
    assert table.parameters == known["parameters"]["inception_v3"]  # auxiliaries are not used


def test_rows_tell_shapes_as_hooks_do():
    model = meta(tv.resnet18)
    table = summary(model, (2, 3, 96, 128))
    shapes = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda m, i, o, name=name: shapes.update({name: o.shape}))
    model(torch.zeros(2, 3, 96, 128, device="meta"))
    assert {row.name: torch.Size(row.shape) for row in table.rows} == {
        row.name: shapes[row.name] for row in table.rows
    }
    assert len(table.rows) == 20 + 20 + 9 + 3  # convolutions, norms, ReLUs, two pools and fc
    assert "layer4.1.conv2" in str(table)
    with pytest.raises(KeyError, match="No layer 'head'"):
        table.row("head")


class Scaled(nn.Module):
    """A block with a parameter and a product of its own, and a part that it never uses."""

    def __init__(self):
        super().__init__()
        self.inside = nn.Conv2d(1, 2, 3)
        self.weight = nn.Parameter(torch.ones(5, 2))
        self.unused = nn.Linear(100, 100)

    def forward(self, x):
        return self.inside(x).mean((2, 3)) @ self.weight.t()


def test_parameters_outside_layers_count_and_unused_ones_do_not():
    table = summary(nn.Sequential(Scaled()), (1, 1, 6, 6))
    assert table.parameters == 20 + 10
    assert table.row("0").macs == 10
    assert table.macs == 10 + 18 * 16


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout()).train()
    model[2].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    summary(model, (1, 1, 8, 8))
    assert [m.training for m in model] == [True, True, False]
    assert all(torch.equal(before[n], t) for n, t in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_bad_shape_is_named():
    with pytest.raises(ValueError, match="batch, channels, height, width"):
        summary(nn.Conv2d(1, 1, 3), (8, 8))
