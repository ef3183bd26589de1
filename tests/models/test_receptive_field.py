"""Receptive fields by arithmetic are exactly the supports that gradients show."""

from math import inf

import pytest
import torch
import torchvision.models as tv
from torch import nn
from torch.nn import functional as F

from course_lib.models.arithmetic.reach import Reach, receptive_field
from course_lib.models.arithmetic.summary import summary
from course_lib.models.arithmetic.support import (
    averaging_copy,
    gradient_of_one_position,
    measured_support,
    width_at_fraction,
)
from course_lib.models.densenet import published_densenet


def test_formula_for_a_chain():
    assert receptive_field([(3, 1), (3, 1)]) == 5
    assert receptive_field([(3, 2), (3, 1)]) == 7
    vgg16 = [(3, 1)] * 2 + [(2, 2)] + [(3, 1)] * 2 + [(2, 2)]
    vgg16 += ([(3, 1)] * 3 + [(2, 2)]) * 3
    assert receptive_field(vgg16) == 212


KNOWN = {  # receptive field of the last map, in pixels; all have stride 32
    "alexnet": 195, "vgg16": 212, "resnet18": 435, "resnet34": 899, "resnet50": 427,
    "densenet121": 2071, "densenet169": 3351, "densenet201": 3863,
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known_nets_see(name):
    with torch.device("meta"):
        model = getattr(tv, name)()
    last = summary(model, (1, 3, 224, 224)).last_map
    assert (last.receptive_field, last.stride) == (KNOWN[name], 32)


def stride_in_the_1x1(model: nn.Module) -> nn.Module:
    """The ResNet of the first paper: the block's first convolution takes the stride."""
    for module in model.modules():
        if type(module).__name__ == "Bottleneck" and module.conv2.stride != (1, 1):
            module.conv1.stride, module.conv2.stride = module.conv2.stride, (1, 1)
    return model


@pytest.mark.parametrize("layers, sees, macs", [(50, 483, 3_857_973_248), (101, 1027, None),
                                                (152, 1507, 11_282_415_616)])  # fmt: skip
def test_resnets_of_the_first_paper(layers, sees, macs):
    with torch.device("meta"):
        model = stride_in_the_1x1(getattr(tv, f"resnet{layers}")())
    table = summary(model, (1, 3, 224, 224))
    assert (table.last_map.receptive_field, table.last_map.stride) == (sees, 32)
    assert macs in (None, table.macs)


def test_our_densenet_sees_as_much():
    with torch.device("meta"):
        model = published_densenet("densenet264", num_classes=14, in_channels=1)
    assert summary(model, (1, 1, 224, 224)).last_map.receptive_field == 5399


@pytest.mark.parametrize(
    "name, layer, width",
    [("resnet18", "layer4", 512), ("googlenet", "inception5b", 480), ("alexnet", "features", 288),
     ("mobilenet_v2", "features", 576)],
)  # fmt: skip
def test_arithmetic_is_what_gradients_show(name, layer, width):
    """To the pixel, on both sides: in a low, wide picture the field is cut off only in height."""
    options = {"init_weights": False} if name == "googlenet" else {}
    model = getattr(tv, name)(**options)
    support = measured_support(model, (64, width), layer)
    reach = summary(model, (1, 3, 64, width)).row(layer).reach[1]
    assert (support.low[1], support.high[1]) == reach.at(support.position[1])


class Branches(nn.Module):
    """Down and up with a skip, dilation, two widths joined, a crop: all rules at once."""

    def __init__(self, k=3, d=2, up="transposed"):
        super().__init__()
        self.wide = nn.Conv2d(1, 1, 5, padding=2)
        self.dilated = nn.Conv2d(1, 1, k, padding=d, dilation=d)
        self.pool = nn.MaxPool2d(2)
        self.deep = nn.Conv2d(2, 1, 3, stride=2, padding=1)
        self.up = {
            "transposed": nn.ConvTranspose2d(1, 1, 3, 2, 1, output_padding=1),
            "nearest": nn.Upsample(scale_factor=2, mode="nearest"),
            "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
        }[up]
        self.up2 = nn.ConvTranspose2d(3, 1, 2, 2)
        self.last = nn.Conv2d(1, 1, (1, 2))

    def forward(self, x):
        x = F.pad(x, (3, 1, 0, 2))
        both = torch.cat([self.wide(x), self.dilated(x)], dim=1)
        small = self.pool(both)
        up = self.up(self.deep(small))
        joined = torch.cat([small, up[..., : small.shape[2], : small.shape[3]]], 1)
        return self.last(self.up2(joined)[:, :, 1:-1, 3::2]) + 0.1


@pytest.mark.parametrize("up", ["transposed", "nearest", "bilinear"])
def test_every_position_of_a_net_with_branches(up):
    torch.manual_seed(0)
    model, shape = Branches(up=up), (1, 1, 40, 44)
    axes = summary(nn.Sequential(model), shape).row("0").reach
    averaging = averaging_copy(model)
    picture = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    out = averaging(picture)[0, 0]
    for y in range(10, out.shape[0] - 12):
        for x in range(5, out.shape[1] - 6):
            (gradient,) = torch.autograd.grad(out[y, x], picture, retain_graph=True)
            seen = torch.nonzero(gradient[0, 0])
            found = [(a.item(), b.item()) for a, b in zip(seen.amin(0), seen.amax(0), strict=True)]
            assert found == [axes[0].at(y), axes[1].at(x)]


def test_global_pooling_sees_the_whole_map_and_a_gate_the_whole_picture():
    pooled = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert summary(pooled, (1, 1, 10, 10)).rows[-1].receptive_field == 12  # with the padding

    class Gate(nn.Module):
        def forward(self, x):
            return x * x.mean((2, 3), keepdim=True)

    row = summary(nn.Sequential(Gate()), (1, 1, 10, 10)).row("0")
    assert row.receptive_field == inf
    assert "all" in str(summary(nn.Sequential(Gate()), (1, 1, 10, 10)))


def test_normalising_over_the_map_is_seen():
    """Group norm needs mean and variance of the whole map; batch norm in evaluation does not."""
    for norm, sees in ((nn.GroupNorm(1, 1), 10), (nn.BatchNorm2d(1), 1), (nn.ReLU(), 1)):
        row = summary(nn.Sequential(norm), (1, 1, 10, 10)).row("0")
        assert row.receptive_field == sees


def test_local_response_norm_does_not_look_sideways():
    row = summary(nn.Sequential(nn.LocalResponseNorm(5)), (1, 8, 10, 10)).row("0")
    assert row.receptive_field == 1


def test_reach_says_where():
    first = Reach().window(3, 2, 1)
    assert (first.size, first.stride, first.start) == (3, 2, -1)
    assert first.at(4) == (7, 9)
    twice = Reach().window(2, 2).transposed(2, 2)
    assert [twice.at(j) for j in range(4)] == [(0, 1), (0, 1), (2, 3), (2, 3)]
    assert twice.stride == 1


def test_the_effective_field_is_smaller_and_grows_like_a_root():
    """A stack of n averaging 3x3 filters: theory 2n + 1; what counts grows like sqrt(n)."""
    widths = []
    for n in (8, 32):
        net = averaging_copy(nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(n)]))
        picture = torch.ones(1, 1, 101, 101, dtype=torch.float64)
        gradient, middle = gradient_of_one_position(net, picture)
        assert middle == (50, 50)
        assert torch.count_nonzero(gradient) == (2 * n + 1) ** 2
        widths.append(width_at_fraction(gradient))
    assert widths[1] < 65 / 2
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.15)


def test_a_vector_has_no_position():
    with pytest.raises(ValueError, match="name a layer"):
        gradient_of_one_position(nn.Flatten(), torch.ones(1, 1, 4, 4))
