"""Every architecture by name: sizes of its paper, and the published accuracies beside it."""

import pytest
import torch
import torchvision

from course_lib.evaluation.published import published
from course_lib.models.arithmetic.summary import count_macs
from course_lib.models.counting import count_parameters
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
