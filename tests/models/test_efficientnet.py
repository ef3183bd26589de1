"""Our EfficientNets are the published ones, scaled by the rule of the paper."""

import pytest
import torch
import torchvision
from torch import nn

from course_lib.explain.cam import activation_maps
from course_lib.models.counting import count_parameters
from course_lib.models.efficientnet import (
    PUBLISHED,
    StochasticDepth,
    compound_scale,
    efficientnet,
    published_efficientnet,
    scaled_channels,
)

COUNTS = {
    "efficientnet_b0": 5_288_548,
    "efficientnet_b1": 7_794_184,
    "efficientnet_b2": 9_109_994,
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_and_tensors_are_torchvisions(name):
    with torch.device("meta"):
        ours = published_efficientnet(name)
        theirs = torchvision.models.get_model(name, weights=None)
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (ours, theirs)]
    assert shapes[0] == shapes[1]
    assert count_parameters(ours) == COUNTS[name]


@pytest.mark.parametrize("training", [False, True])
def test_same_outputs_as_torchvision(training):
    torch.manual_seed(0)
    theirs = torchvision.models.efficientnet_b0(weights=None).train(training)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(0.1)  # otherwise the outputs are nearly zero, and alike
    ours = published_efficientnet("efficientnet_b0").train(training)
    ours.load_state_dict(theirs.state_dict())
    x, outputs = torch.randn(2, 3, 64, 64), []
    for model in (ours, theirs):
        torch.manual_seed(1)  # both leave out the same blocks
        with torch.no_grad():
            outputs.append(model(x))
    assert outputs[1].abs().max() > 1e-3
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("preset", ["laptop", "paper"])
def test_stages_halve_five_times_and_end_in_what_is_classified(preset):
    torch.manual_seed(0)
    model, x = efficientnet(preset, 3).eval(), torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        maps = model.stages(x)
        assert [m.shape[-1] for m in maps] == [32, 16, 8, 4, 2]
        assert tuple(m.shape[1] for m in maps) == model.stage_channels
        torch.testing.assert_close(model.classifier(maps[-1].mean((2, 3))), model(x))


def test_class_activation_map_is_exact():
    torch.manual_seed(0)
    model, x = efficientnet("laptop", 4).eval(), torch.randn(2, 1, 64, 64)
    found = activation_maps(model, x)
    torch.testing.assert_close(found.maps.mean((2, 3)) + found.bias, found.logits)


def test_one_step_of_compound_scaling_about_doubles_the_operations():
    depth, width, resolution = compound_scale(1)
    assert (depth, width, resolution) == (1.2, 1.1, 1.15)
    assert depth * width**2 * resolution**2 == pytest.approx(2, rel=0.05)
    assert compound_scale(0) == (1, 1, 1)


def test_channels_are_multiples_of_eight_and_never_much_too_few():
    assert [scaled_channels(c, 1.1) for c in (32, 16, 24, 40, 80)] == [32, 16, 24, 48, 88]
    for channels in range(8, 400):
        scaled = scaled_channels(channels, 1.1)
        assert scaled % 8 == 0 and scaled >= 0.9 * 1.1 * channels


def test_stochastic_depth_keeps_the_mean_and_rests_in_evaluation():
    torch.manual_seed(0)
    drop, x = StochasticDepth(0.3), torch.ones(20_000, 1, 1, 1)
    out = drop(x)
    assert out.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(drop.eval()(x), x)


def test_later_blocks_are_left_out_more_often():
    with torch.device("meta"):
        model = published_efficientnet("efficientnet_b0")
    drops = [m.drop for m in model.modules() if isinstance(m, StochasticDepth)]
    assert drops == sorted(drops) and drops[0] == 0 and drops[-1] == pytest.approx(0.2 * 15 / 16)


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="efficientnet_b0"):
        published_efficientnet("efficientnet_b7")
    with pytest.raises(ValueError, match="laptop"):
        efficientnet("desktop", 2)
    assert [scale.pixels for scale in PUBLISHED.values()] == [224, 240, 260]
