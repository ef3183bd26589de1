"""AlexNet, VGG and network in network: counts to the unit, torchvision's outputs, trainable."""

import json

import pytest
import torch
import torchvision

from course_lib.evaluation.published import published
from course_lib.models.alexnet import alexnet, response_normalisation
from course_lib.models.arithmetic.summary import count_macs
from course_lib.models.counting import count_parameters
from course_lib.models.nin import nin
from course_lib.models.vgg import PUBLISHED, VGG, published_vgg, vgg

COUNTS = {
    "alexnet_2012_grouped": (lambda: alexnet("paper", 1000, 3), 60_965_224),
    "alexnet_ungrouped": (lambda: alexnet("ungrouped", 1000, 3), 62_378_344),
    "alexnet_torchvision": (lambda: alexnet("torchvision", 1000, 3), 61_100_840),
    "vgg11": (lambda: published_vgg("vgg11"), 132_863_336),
    "vgg13": (lambda: published_vgg("vgg13"), 133_047_848),
    "vgg16": (lambda: published_vgg("vgg16"), 138_357_544),
    "vgg19": (lambda: published_vgg("vgg19"), 143_667_240),
    "nin": (lambda: nin("paper", 1000, 3), 7_595_176),
}
MACS = {
    "alexnet_2012_grouped": (227, 724_406_816),
    "alexnet_ungrouped": (227, 1_135_256_096),
    "alexnet_torchvision": (224, 714_188_480),
    "vgg16": (224, 15_470_264_320),
    "vgg19": (224, 19_632_062_464),
    "nin": (224, 1_100_188_800),
}


def on_paper(name):
    """The network without memory for its weights."""
    with torch.device("meta"):
        return COUNTS[name][0]()


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_exact(name):
    assert count_parameters(on_paper(name)) == COUNTS[name][1]


@pytest.mark.parametrize("name", MACS)
def test_multiply_adds_are_exact(name):
    side, count = MACS[name]
    assert count_macs(on_paper(name), (1, 3, side, side)) == count


def test_counts_agree_with_the_known_answers(real_data):
    known = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    shared = [name for name in COUNTS if name in known["parameters"]]
    assert len(shared) >= 4
    for name in shared:
        assert known["parameters"][name] == COUNTS[name][1]


def test_vgg16_block_by_block():
    """The lecture's table, and its total."""
    model = on_paper("vgg16")
    blocks, block = [], 0
    for layer in model.features:
        block += count_parameters(layer)
        if isinstance(layer, torch.nn.MaxPool2d):
            blocks.append(block)
            block = 0
    assert blocks == [38_720, 221_440, 1_475_328, 5_899_776, 7_079_424]
    full = [count_parameters(layer) for layer in model.classifier if count_parameters(layer)]
    assert full == [102_764_544, 16_781_312, 4_097_000]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg_fits_torchvisions_weights(name, batch_norm):
    with torch.device("meta"):
        ours = published_vgg(name, batch_norm=batch_norm).state_dict()
        theirs = torchvision.models.get_model(name + "_bn" * batch_norm, weights=None).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg_gives_torchvisions_outputs(batch_norm):
    """torchvision's own class with our small widths, so that no 130 million weights are drawn."""
    widths = [8, "M", 8, "M", 12, 12, "M", 16, 16, "M", 16, 16, "M"]
    torch.manual_seed(0)
    features = torchvision.models.vgg.make_layers(widths, batch_norm=batch_norm)
    theirs = torchvision.models.vgg.VGG(features, num_classes=5)
    theirs.classifier[0] = torch.nn.Linear(16 * 49, 32)
    theirs.classifier[3] = torch.nn.Linear(32, 32)
    theirs.classifier[6] = torch.nn.Linear(32, 5)
    ours = VGG((1, 1, 2, 2, 2), (8, 8, 12, 16, 16), 5, hidden=32, batch_norm=batch_norm)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 96, 80)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
        features_ours, features_theirs = ours.features(x), theirs.features(x)
        torch.testing.assert_close(features_ours, features_theirs)


def test_alexnet_gives_torchvisions_outputs():
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(num_classes=7).eval()
    ours = alexnet("torchvision", 7, 3).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 96, 128)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_alexnet_of_2012_has_the_figures_sizes_only_with_227_pixels():
    model = on_paper("alexnet_2012_grouped")
    sides = []
    x = torch.empty(1, 3, 227, 227, device="meta")
    for layer in model.features:
        x = layer(x)
        if isinstance(layer, torch.nn.Conv2d | torch.nn.MaxPool2d):
            sides.append(x.shape[-1])
    assert sides == [55, 27, 27, 13, 13, 13, 13, 6]
    with pytest.raises(ValueError, match="227"):
        model(torch.empty(1, 3, 224, 224, device="meta"))


def test_two_cards_are_two_groups():
    """Half of the second layer never sees what the other half of the first one found."""
    torch.manual_seed(0)
    conv = alexnet("paper", 2, 3).features[4]
    assert (conv.groups, conv.weight.shape) == (2, (256, 48, 5, 5))
    x = torch.randn(1, 96, 9, 9)
    both = conv(x)
    other = x.clone()
    other[:, :48] += torch.randn(1, 48, 9, 9)  # the first card's maps change
    torch.testing.assert_close(conv(other)[:, 128:], both[:, 128:])
    assert not torch.allclose(conv(other)[:, :128], both[:, :128])
    first = torch.nn.functional.conv2d(x[:, :48], conv.weight[:128], conv.bias[:128], padding=2)
    torch.testing.assert_close(first, both[:, :128])


def test_response_normalisation_is_the_papers_formula():
    torch.manual_seed(0)
    a = torch.randn(1, 12, 2, 3) * 20
    expected = torch.empty_like(a)
    for i in range(12):
        near = a[:, max(0, i - 2) : min(11, i + 2) + 1].square().sum(1)
        expected[:, i] = a[:, i] / (2 + 1e-4 * near) ** 0.75
    torch.testing.assert_close(response_normalisation()(a), expected)


def test_vgg_stages_are_what_decoders_need():
    model = vgg("laptop", 2).eval()
    maps = model.stages(torch.randn(1, 1, 96, 128))
    assert [m.shape[2:] for m in maps] == [(48, 64), (24, 32), (12, 16), (6, 8), (3, 4)]
    assert tuple(m.shape[1] for m in maps) == model.stage_channels
    assert on_paper("vgg16").stage_channels == (128, 256, 512, 512, 512)
    x = torch.randn(1, 1, 64, 64)
    torch.testing.assert_close(model.stages(x)[-1], model.features(x))


def test_nin_classifies_by_the_mean_of_a_map():
    torch.manual_seed(0)
    model = nin("laptop", 3).eval()
    x = torch.randn(2, 1, 64, 64)
    maps = model.features(x)
    assert maps.shape[:2] == (2, 3)
    torch.testing.assert_close(model(x), maps.mean((2, 3)))
    assert (model(torch.randn(20, 1, 64, 64)) < 0).any()  # the small one can say no


def test_a_1x1_convolution_is_a_full_layer_at_every_pixel():
    torch.manual_seed(0)
    block = nin("laptop", 3).features[0]
    x = torch.randn(1, 16, 5, 5)
    flat = torch.nn.functional.linear(x.movedim(1, -1), block[2].weight[:, :, 0, 0], block[2].bias)
    torch.testing.assert_close(block[2](x), flat.movedim(-1, 1))


@pytest.mark.parametrize("build", [alexnet, vgg, nin])
@pytest.mark.parametrize("side", [64, 128])
def test_the_small_ones_train(build, side):
    """Every weight gets a gradient, and a few steps lower the loss on the same few films."""
    torch.manual_seed(0)
    model = build("laptop", 2)
    assert count_parameters(model) < 300_000
    x, target = torch.randn(8, 1, side, side), torch.arange(8) % 2
    x[target == 1] += 1.0
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert min(losses[-3:]) < 0.8 * losses[0]


@pytest.mark.parametrize("build", [alexnet, vgg, nin])
def test_another_preset_is_refused(build):
    with pytest.raises(ValueError, match="laptop"):
        build("tiny", 2)


def test_the_papers_figures_are_recomputed():
    """What papers and lecture print, against our networks; their slips are known by name."""
    table = published("classic_architectures")
    vgg16 = table[(table.net == "VGG-16") & (table["item"] != "all")].value
    total = table[(table.net == "VGG-16") & (table["item"] == "all")].value.item()
    assert vgg16.sum() == total == COUNTS["vgg16"][1]
    units = table[(table.net == "AlexNet") & (table.quantity == "units")].set_index("item").value
    layers = ["C1", "C2", "C3", "C4", "C5", "F6", "F7", "output"]
    counted = [96 * 55**2, 256 * 27**2, 384 * 13**2, 384 * 13**2, 256 * 13**2, 4096, 4096, 1000]
    wrong = [name for name, n in zip(layers, counted, strict=True) if units[name] != n]
    assert wrong == ["C1"]  # a slip of the caption
    assert abs(sum(counted) / units["all"] - 1) < 0.02


def test_alexnet_of_2012_starts_as_the_paper_says():
    """Weights N(0, 0.01); biases one where section 5 says so. The narrow column starts stronger."""
    torch.manual_seed(0)
    conv = [m for m in alexnet("paper", 2, 1).features if isinstance(m, torch.nn.Conv2d)]
    assert [m.bias.unique().tolist() for m in conv] == [[0.0], [1.0], [0.0], [1.0], [1.0]]
    assert all(abs(m.weight.std() / 0.01 - 1) < 0.05 for m in conv)
    small = alexnet("laptop", 2).features[3]
    assert abs(small.weight.std() / (2 / (16 * 25)) ** 0.5 - 1) < 0.05
