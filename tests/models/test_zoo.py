"""Every architecture by name: sizes of its paper, and the published accuracies beside it."""

import json

import pytest
import torch
import torchvision

from course_lib.evaluation.published import published
from course_lib.models.arithmetic.summary import count_macs, summary
from course_lib.models.counting import count_parameters
from course_lib.models.resnet import published_resnet
from course_lib.models.zoo import ARCHITECTURES, build

# Parameters, and multiply-adds of convolutions and linear layers at the paper's size.
KNOWN = {
    "lenet": (61_706, 416_520),
    "alexnet": (60_965_224, 724_406_816),
    "alexnet_torchvision": (61_100_840, 714_188_480),
    "nin": (7_595_176, 1_100_188_800),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
    "googlenet": (6_998_552, 1_582_671_872),
    "googlenet_torchvision": (6_624_904, 1_498_376_192),
    "inception_v3": (23_834_568, 5_713_216_096),
    "resnet50": (25_557_032, 4_089_184_256),
    "densenet121": (7_978_856, 2_834_161_664),
    "densenet264": (33_337_704, 5_751_653_376),
    "efficientnet_b0": (5_288_548, 385_814_752),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_answers_at_its_own_size(name):
    grey = name == "lenet"
    with torch.device("meta"):
        model = build(name, 10 if grey else 1000, 1 if grey else 3).eval()
    side = ARCHITECTURES[name].pixels
    shape = (1, 1 if grey else 3, side, side)
    assert model(torch.empty(shape, device="meta")).shape == (1, 10 if grey else 1000)
    if name in KNOWN:
        assert (count_parameters(model), count_macs(model, shape)) == KNOWN[name]


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "vgg11", "inception_v3"])
def test_other_heads_and_grey_films(name):
    with torch.device("meta"):
        model = build(name, 14, 1).eval()
        side = ARCHITECTURES[name].pixels
        assert model(torch.empty(2, 1, side, side)).shape == (2, 14)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="vgg16"):
        build("vgg17")


def test_published_accuracies_are_complete_and_torchvisions_are_its_own():
    table = published("imagenet_top1")
    assert set(table["network"]) <= set(ARCHITECTURES)
    assert table["source"].notna().all() and table["page"].notna().all()
    assert table["top1"].between(50, 85).all()
    single = table[table["crops"] == "single"]
    assert single["network"].is_unique, "the chart shows one comparable figure per network"
    for row in table[table["source"].str.startswith("torchvision")].itertuples():
        name = row.network.removesuffix("_torchvision")
        weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
        assert weights.meta["_metrics"]["ImageNet-1K"]["acc@1"] == pytest.approx(row.top1)


def test_receptive_fields_are_the_known_ones():
    """Pixels that one value of the last maps can see (Araujo et al. 2019; version 1 of ResNet)."""
    known = {"resnet18": 435, "resnet34": 899, "resnet50": 483, "resnet101": 1027}
    for name, pixels in known.items():
        with torch.device("meta"):
            model = published_resnet(name, version="v1")
        assert summary(model, (1, 3, 224, 224)).last_map.receptive_field == pixels
    with torch.device("meta"):
        later = published_resnet("resnet50", version="v1.5")
    assert summary(later, (1, 3, 224, 224)).last_map.receptive_field == 427


def test_known_answers_of_an_independent_count(real_data):
    path = real_data / "known_answers" / "known_answers.json"
    if not path.is_file():
        pytest.skip("known_answers.json is not among the real data on this computer")
    answers = json.loads(path.read_text())
    renamed = {"alexnet_2012_grouped": "alexnet", "googlenet_paper": "googlenet"}
    checked = 0
    for name, count in answers["parameters"].items():
        name = renamed.get(name, name)
        if name in ARCHITECTURES:
            with torch.device("meta"):
                assert count_parameters(build(name)) == count, name
            checked += 1
    assert checked >= 12
