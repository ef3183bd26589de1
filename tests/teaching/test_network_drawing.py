"""Pictures of networks show every layer that gives new maps, once, with its true size."""

import matplotlib.pyplot as plt
import pytest
import torch

from course_lib.models.alexnet import alexnet
from course_lib.models.googlenet import googlenet
from course_lib.models.lenet import LeNet5
from course_lib.models.vgg import vgg
from course_lib.teaching.network_drawing import map_sizes, module_paths, visible_layers


def on_paper(build, *arguments):
    with torch.device("meta"):
        return build(*arguments)


def test_layers_of_lenet():
    sizes = [call.shape[1:] for call in visible_layers(LeNet5(), (1, 1, 32, 32))]
    assert sizes == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,), (10,)
    ]  # fmt: skip


def test_modules_are_one_layer_and_a_pooling_used_often_is_many():
    model = on_paper(lambda: googlenet("paper", 1000, 3, aux=False))
    kinds = [call.kind for call in visible_layers(model, (1, 3, 224, 224))]
    assert kinds.count("Inception") == 9
    assert kinds.count("MaxPool2d") == 4
    assert kinds.count("Convolution") == 3  # those inside modules are not drawn


def test_what_changes_nothing_is_not_drawn():
    names = [call.name for call in visible_layers(on_paper(vgg, "paper", 10), (1, 1, 224, 224))]
    assert "avgpool" not in names
    assert len(names) == 13 + 5 + 3


@pytest.mark.parametrize("build", [alexnet, vgg])
def test_blocks_are_to_scale(build):
    model = on_paper(build, "torchvision" if build is alexnet else "paper", 10)
    calls = visible_layers(model, (1, 1, 224, 224))
    fig = map_sizes(model, (1, 1, 224, 224), "net")
    blocks = fig.axes[0].patches
    assert len(blocks) == len(calls) + 1
    for block, call in zip(blocks[1:], calls, strict=True):
        assert block.get_width() == pytest.approx(call.shape[1] ** 0.5)
        if len(call.shape) == 4:
            assert block.get_height() == pytest.approx(max(call.shape[2], 224 / 60))
    plt.close(fig)


def test_module_has_a_box_for_every_step():
    fig, ax = plt.subplots()
    module_paths(ax, [["1x1"], ["1x1", "3x3"], ["max pool", "1x1"]], "module")
    words = [text.get_text() for text in ax.texts]
    assert sorted(words) == sorted(["maps below", "joined", *["1x1"] * 3, "3x3", "max pool"])
    assert len(ax.lines) == 3
    plt.close(fig)
