"""Our DenseNet is the published one: counts to the unit, torchvision's outputs with its weights."""

import pytest
import torch
import torchvision

from course_lib.models.counting import count_parameters, densenet_parameters, parameter_table
from course_lib.models.densenet import PUBLISHED, DenseNet, densenet, published_densenet

COUNTS = {
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "densenet264": 33_337_704,
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts_are_exact(name):
    with torch.device("meta"):  # shapes without memory
        model = published_densenet(name)
    assert count_parameters(model) == COUNTS[name]
    assert densenet_parameters(PUBLISHED[name][0]) == COUNTS[name]


@pytest.mark.parametrize(("outputs", "count"), [(14, 6_968_206), (3, 6_956_931)])
def test_counts_with_other_heads(outputs, count):
    with torch.device("meta"):
        model = published_densenet("densenet121", outputs)
    assert count_parameters(model) == count


def test_parameter_table_adds_up():
    model = densenet("laptop", 14)
    table = dict(parameter_table(model))
    assert set(table) == {"features", "classifier"}
    assert sum(table.values()) == count_parameters(model)
    deeper = dict(parameter_table(model, depth=2))
    assert "features.denseblock1" in deeper
    assert sum(deeper.values()) == count_parameters(model)
    model.classifier.requires_grad_(False)
    assert count_parameters(model, trainable_only=True) == table["features"]


@pytest.mark.parametrize("name", ["densenet121", "densenet169", "densenet201"])
def test_same_keys_as_torchvision(name):
    with torch.device("meta"):
        ours = published_densenet(name).state_dict()
        theirs = torchvision.models.get_model(name, weights=None).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize("training", [False, True])
def test_same_outputs_as_torchvision(training):
    torch.manual_seed(0)
    theirs = torchvision.models.densenet121(weights=None).train(training)
    ours = published_densenet("densenet121").train(training)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_features_are_what_the_classifier_sees():
    """The maps are after the last ReLU, so a class activation map's mean plus bias is the logit."""
    torch.manual_seed(0)
    model = densenet("laptop", 5).eval()
    x = torch.randn(3, 1, 64, 64)
    with torch.no_grad():
        maps = model.features(x)
        cam = torch.einsum("kc,bchw->bkhw", model.classifier.weight, maps)
        torch.testing.assert_close(cam.mean(dim=(2, 3)) + model.classifier.bias, model(x))
    assert maps.min() >= 0


@pytest.mark.parametrize(("stride", "side"), [(4, 8), (2, 16), (1, 32)])
def test_stem_stride_sets_the_size_of_the_maps(stride, side):
    model = DenseNet(4, (2, 2, 2), 8, num_classes=2, in_channels=1, stem_stride=stride).eval()
    assert model.features(torch.zeros(1, 1, 128, 128)).shape[-2:] == (side, side)


def test_memory_efficient_gives_the_same_gradients():
    torch.manual_seed(0)
    plain = DenseNet(6, (3, 3), 8, num_classes=2, in_channels=1)
    saving = DenseNet(6, (3, 3), 8, num_classes=2, in_channels=1, memory_efficient=True)
    saving.load_state_dict(plain.state_dict())
    x = torch.randn(2, 1, 32, 32)
    for model in (plain, saving):
        model(x).square().sum().backward()
    for a, b in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_dropout_acts_only_in_training():
    torch.manual_seed(0)
    model = DenseNet(6, (3,), 8, num_classes=2, in_channels=1, dropout=0.5)
    x = torch.randn(2, 1, 32, 32)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="densenet121"):
        published_densenet("densenet120")
    with pytest.raises(ValueError, match="laptop"):
        densenet("desktop", 2)
    with pytest.raises(ValueError, match="stem_stride"):
        DenseNet(stem_stride=3)
