"""Memory by rules is what PyTorch saves; public counters' figures are explained to the last one."""

import pytest
import torch
import torchvision.models as tv
from torch import nn

from course_lib.models.arithmetic.memory import (
    measured_activations,
    predicted_activations,
    training_memory,
)
from course_lib.models.arithmetic.public import COUNTERS, breakdown, public_counters
from course_lib.models.densenet import densenet, published_densenet


@pytest.mark.parametrize(
    "build", [tv.alexnet, tv.vgg16, tv.resnet50, tv.densenet121, tv.efficientnet_b0, tv.vgg11_bn]
)
def test_activations_by_rules_are_those_that_pytorch_saves(build):
    with torch.device("meta"):
        model = build().train()
    predicted = predicted_activations(model, (2, 3, 96, 96))
    assert predicted == measured_activations(model, (2, 3, 96, 96)) > 1e6


def test_one_layer_by_hand():
    """A convolution keeps its input, ReLU its output, max pooling also where the maxima were."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    pixels = 8 * 8
    by_hand = 4 * pixels + 4 * 4 * pixels + 8 * 4 * pixels // 4
    assert measured_activations(model, (1, 1, 8, 8)) == by_hand


def test_a_real_run_saves_the_same():
    torch.manual_seed(0)
    model = densenet("laptop", num_classes=3).train()
    shape, kept = (2, 1, 64, 64), {}
    weights = {t.untyped_storage().data_ptr() for t in model.state_dict().values()}

    def pack(tensor):
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        loss = model(torch.rand(shape)).sum()
    assert loss.requires_grad
    saved = sum(t.untyped_storage().nbytes() for t in kept.values())
    assert saved == measured_activations(model, shape)


def test_optimisers_remember():
    model = nn.Linear(10, 10)
    memory = {name: training_memory(nn.Sequential(nn.Flatten(), model), (1, 1, 2, 5), name)
              for name in ("sgd", "momentum", "adam")}  # fmt: skip
    assert [m.optimiser for m in memory.values()] == [0, 440, 880]
    assert memory["adam"].weights == memory["adam"].gradients == 440
    assert memory["adam"].total == 4 * 440 + memory["adam"].activations
    with pytest.raises(ValueError, match="No optimiser"):
        training_memory(model, (1, 1, 2, 5), "newton")


def test_frozen_weights_need_no_gradients():
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3))
    before = training_memory(model, (1, 1, 9, 9))
    model[0].requires_grad_(False)
    after = training_memory(model, (1, 1, 9, 9))
    assert after.gradients == before.gradients - 80 * 4
    assert after.weights == before.weights


SAID = {
    tv.resnet50: (4_089_184_256, 4_089_185_256, 4_089_238_376, 4_111_512_576, 4_132_436_968),
    tv.densenet121: (2_834_161_664, 2_834_162_664, 2_834_246_312, 2_865_546_752, 2_899_843_048),
}


@pytest.mark.parametrize("build", SAID, ids=lambda b: b.__name__)
def test_counters_disagree_and_every_difference_is_explained(build):
    with torch.device("meta"):
        model = build()
    table = breakdown(model, (1, 3, 224, 224))
    assert tuple(table["together"]) == SAID[build]
    assert list(table.index) == list(COUNTERS)


@pytest.mark.parametrize("build", [tv.resnet18, tv.alexnet, tv.vgg11_bn])
def test_the_counters_themselves_say_so(build):
    """Run them (at 96 pixels, to be quick): each says what our breakdown adds up to."""
    model = build().train()
    said = public_counters(model, (1, 3, 96, 96))
    table = breakdown(model, (1, 3, 96, 96))
    assert said == table["together"].to_dict()
    assert model.training


def test_functions_are_counted_once_and_layers_twice_by_ptflops():
    """Our DenseNet calls F.relu where torchvision's uses nn.ReLU: same net, other figure."""
    model = published_densenet("densenet121", num_classes=1000, in_channels=3)
    said = public_counters(model, (1, 3, 64, 64))
    assert said == breakdown(model, (1, 3, 64, 64))["together"].to_dict()
    with torch.device("meta"):
        other = breakdown(tv.densenet121(), (1, 3, 64, 64))["together"]
    assert said["torchinfo"] == other["torchinfo"]
    assert said["ptflops (pytorch)"] < other["ptflops (pytorch)"]
