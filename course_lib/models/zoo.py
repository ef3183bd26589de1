"""Every classifier of the course by its name, in its published size.

`build("vgg16")` is VGG-16 for the 1,000 classes of ImageNet; give other numbers of classes and
channels for films. Laptop sizes are made by the functions of each network's own file.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import nn

from course_lib.models.alexnet import alexnet
from course_lib.models.densenet import published_densenet
from course_lib.models.efficientnet import published_efficientnet
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v2 import inception_v2
from course_lib.models.inception_v3 import inception_v3
from course_lib.models.lenet import ModernLeNet
from course_lib.models.nin import nin
from course_lib.models.plain import plain_net
from course_lib.models.resnet import published_resnet
from course_lib.models.vgg import published_vgg


class Architecture(NamedTuple):
    """How to build a network, the side of the pictures it is made for, and whom it belongs to.

    build: called with num_classes and in_channels.
    pixels: side of the input in the paper.
    year: of the first publication.
    """

    build: Callable[[int, int], nn.Module]
    pixels: int
    family: str
    year: int


def _of(maker: Callable, name: str, **options) -> Callable[[int, int], nn.Module]:
    return lambda classes, channels: maker(name, classes, channels, **options)


ARCHITECTURES: dict[str, Architecture] = {
    "lenet": Architecture(ModernLeNet, 32, "LeNet", 1998),
    "alexnet": Architecture(_of(alexnet, "paper"), 227, "AlexNet", 2012),
    "alexnet_torchvision": Architecture(_of(alexnet, "torchvision"), 224, "AlexNet", 2014),
    "nin": Architecture(_of(nin, "paper"), 224, "NiN", 2013),
    **{
        name: Architecture(_of(published_vgg, name), 224, "VGG", 2014)
        for name in ("vgg11", "vgg13", "vgg16", "vgg19")
    },
    "googlenet": Architecture(_of(googlenet, "paper", aux=False), 224, "Inception", 2014),
    "googlenet_torchvision": Architecture(
        _of(googlenet, "torchvision", aux=False), 224, "Inception", 2014
    ),
    "inception_v2": Architecture(_of(inception_v2, "paper", aux=False), 299, "Inception", 2015),
    "inception_v3": Architecture(_of(inception_v3, "paper", aux=False), 299, "Inception", 2015),
    "plain18": Architecture(partial(plain_net, 18), 224, "plain", 2015),
    "plain34": Architecture(partial(plain_net, 34), 224, "plain", 2015),
    **{
        name: Architecture(_of(published_resnet, name), 224, "ResNet", 2015)
        for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
    },
    **{
        name: Architecture(_of(published_densenet, name), 224, "DenseNet", 2016)
        for name in ("densenet121", "densenet169", "densenet201", "densenet264")
    },
    "efficientnet_b0": Architecture(
        _of(published_efficientnet, "efficientnet_b0"), 224, "EfficientNet", 2019
    ),
    "efficientnet_b1": Architecture(
        _of(published_efficientnet, "efficientnet_b1"), 240, "EfficientNet", 2019
    ),
    "efficientnet_b2": Architecture(
        _of(published_efficientnet, "efficientnet_b2"), 260, "EfficientNet", 2019
    ),
}


def build(name: str, num_classes: int = 1000, in_channels: int = 3) -> nn.Module:
    """The network `name` in its published size, with random weights; its outputs are logits.

    Raises ValueError that lists the names for another one.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"There is no {name!r}; choose from {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name].build(num_classes, in_channels)
