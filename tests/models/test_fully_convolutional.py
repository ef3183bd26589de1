"""A classifier that slides gives the classifier's own answers, window by window."""

import pytest
import torch

from course_lib.models.alexnet import alexnet
from course_lib.models.densenet import densenet
from course_lib.models.efficientnet import efficientnet
from course_lib.models.fully_convolutional import FullyConvolutional
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v2 import inception_v2
from course_lib.models.lenet import ModernLeNet
from course_lib.models.nin import nin
from course_lib.models.resnet import resnet
from course_lib.models.srcnn import SRCNN
from course_lib.models.vgg import published_vgg, vgg

SMALL = {
    "lenet": (lambda: ModernLeNet(3), 32, 4),
    "alexnet": (lambda: alexnet("laptop", 3), 63, 16),
    "vgg, one cell per number": (lambda: vgg("laptop", 3), 64, 32),
    "vgg, means of four cells": (lambda: vgg("laptop", 3), 128, 32),
    "nin": (lambda: nin("laptop", 3), 64, 16),
    "googlenet": (lambda: googlenet("laptop", 3), 64, 32),
    "inception_v2": (lambda: inception_v2("laptop", 3), 75, 16),
    "resnet": (lambda: resnet("laptop", 3), 64, 32),
    "densenet": (lambda: densenet("laptop", 3), 64, 16),
    "efficientnet": (lambda: efficientnet("laptop", 3), 64, 32),
}


@pytest.mark.parametrize("name", SMALL)
def test_same_answer_at_the_training_size_and_more_answers_on_larger_films(name):
    make, size, stride = SMALL[name]
    torch.manual_seed(0)
    model = make().eval()
    sliding = FullyConvolutional(model, size)
    assert sliding.stride == stride
    x = torch.randn(2, 1, size, size)
    with torch.no_grad():
        answers = sliding(x)
        assert answers.shape == (2, 3, 1, 1)
        torch.testing.assert_close(answers[:, :, 0, 0], model(x), rtol=1e-4, atol=1e-5)
        larger = torch.randn(1, 1, size + 2 * stride, size + 3 * stride)
        assert sliding(larger).shape == (1, 3, 3, 4)


def test_published_vgg_and_alexnet_become_maps():
    with torch.device("meta"):
        for model, size in ((published_vgg("vgg16"), 224), (alexnet("paper", 1000, 3), 227)):
            sliding = FullyConvolutional(model.eval(), size)
            assert sliding(torch.empty(1, 3, size, size)).shape == (1, 1000, 1, 1)
            assert sliding(torch.empty(1, 3, size + 64, size)).shape == (1, 1000, 3, 1)


def test_without_padding_every_window_is_classified_exactly():
    torch.manual_seed(0)
    model = ModernLeNet(4).eval()
    sliding, film = FullyConvolutional(model, 32), torch.randn(1, 1, 60, 48)
    with torch.no_grad():
        answers = sliding(film)
        assert answers.shape == (1, 4, 8, 5)
        for row in range(8):
            for column in range(5):
                rows, columns = sliding.window(row, column)
                alone = model(film[:, :, rows, columns])
                torch.testing.assert_close(answers[:, :, row, column], alone)


def test_each_answer_sees_its_window_and_no_more():
    torch.manual_seed(0)
    sliding = FullyConvolutional(ModernLeNet(2).eval(), 32)
    film = torch.randn(1, 1, 48, 48, requires_grad=True)
    sliding(film)[0, 0, 2, 1].backward()
    seen = film.grad[0, 0] != 0
    rows, columns = sliding.window(2, 1)
    assert seen[rows, columns].float().mean() > 0.95
    assert seen.sum() == seen[rows, columns].sum()


def test_padding_is_what_makes_windows_differ():
    """The cut-out window is framed by zeros; inside the large film there is film instead."""
    torch.manual_seed(0)
    model = densenet("laptop", 2).eval()
    sliding, film = FullyConvolutional(model, 64), torch.randn(1, 1, 128, 128)
    rows, columns = sliding.window(2, 2)
    with torch.no_grad():
        apart = (sliding(film)[:, :, 2, 2] - model(film[:, :, rows, columns])).abs().max()
    assert 1e-4 < apart < 1


def test_convolutions_are_shared_with_the_classifier():
    model = ModernLeNet(2)
    sliding = FullyConvolutional(model, 32)
    assert sliding.maps.classifier.features is model.features
    assert sliding.training == model.training


def test_what_cannot_slide_is_refused():
    with pytest.raises(ValueError, match="neither"):
        FullyConvolutional(SRCNN(), 32)
    with pytest.raises(ValueError, match="size in pixels"):
        FullyConvolutional(ModernLeNet(2, size=32), 40)
    with pytest.raises(ValueError, match="at least as many"):
        FullyConvolutional(ModernLeNet(2), 32)(torch.zeros(1, 1, 31, 40))
