"""Every architecture of the course: what it costs, keeps and sees."""

import pytest
import torch

from course_lib.models.arithmetic.memory import measured_activations, predicted_activations
from course_lib.models.arithmetic.summary import summary
from course_lib.models.unet import unet
from course_lib.models.zoo import ARCHITECTURES

# parameters, multiply-adds, receptive field of the last map; at each net's own picture size
KNOWN = {
    "alexnet": (60_965_224, 724_406_816, 195),
    "vgg19": (143_667_240, 19_632_062_464, 268),
    "nin": (7_595_176, 1_100_188_800, 195),
    "googlenet": (6_998_552, 1_582_671_872, 715),
    "inception_v3": (23_834_568, 5_713_216_096, 1311),
    "resnet50": (25_557_032, 4_089_184_256, 427),
    "resnet152": (60_192_808, 11_513_626_624, 1451),
    "densenet201": (20_013_928, 4_291_365_888, 3863),
}


def published(name):
    with torch.device("meta"):
        return ARCHITECTURES[name].build(1000, 3)


@pytest.mark.parametrize("name", KNOWN)
def test_known_figures(name):
    side = ARCHITECTURES[name].pixels
    table = summary(published(name), (1, 3, side, side))
    assert (table.parameters, table.macs, table.last_map.receptive_field) == KNOWN[name]
    assert table.last_map.stride == 32


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "vgg11", "resnet18", "efficientnet_b0"])
def test_what_training_keeps(name):
    model, shape = published(name).train(), (2, 3, 227, 227)
    assert predicted_activations(model, shape) == measured_activations(model, shape)


def test_a_unet_sees_more_at_some_pixels_than_at_others():
    """Its up-sampling makes 16 kinds of pixels: they see 188 or 204 pixels."""
    with torch.device("meta"):
        table = summary(unet("paper"), (1, 1, 572, 572))
    reach = table.rows[-1].reach[0]
    sizes = {reach.at(j)[1] - reach.at(j)[0] + 1 for j in range(16)}
    assert table.rows[-1].shape == (1, 2, 388, 388)
    assert (sizes, reach.stride) == ({188, 204}, 1)
