"""Grad-CAM++ against its closed form and against finite differences."""

import pytest
import torch
from torch import nn

from course_lib.explain.cam import maps_and_gradient
from course_lib.explain.gradients import grad_cam_plus_plus, plus_plus_weights
from course_lib.models.densenet import densenet


class GapLinear(nn.Module):
    """Maps, global average, linear: all gradients are known on paper."""

    def __init__(self, deep: bool = False):
        super().__init__()
        torch.manual_seed(3)
        self.features = nn.Sequential(nn.Conv2d(1, 5, 3, padding=1), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(5, 4, 3), nn.ReLU()) if deep else nn.Identity()
        self.classifier = nn.Linear(4 if deep else 5, 3)

    def forward(self, x):
        return self.classifier(self.middle(self.features(x)).mean((2, 3)))


def films(n=2, size=8):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(0))


def test_closed_form_with_global_average_and_linear_layer():
    """There g = w / Z everywhere, so w_c = relu(g) Z / (2 + S g) with S the sum of the map."""
    model, images = GapLinear(), films()
    with torch.no_grad():
        maps = model.features(images)
    slope = model.classifier.weight[1].detach() / 64
    by_hand = slope.clamp(min=0) * 64 / (2 + maps.sum((2, 3)) * slope)
    expected = torch.relu(torch.einsum("bc,bchw->bhw", by_hand, maps))
    assert torch.allclose(grad_cam_plus_plus(model, images, 1), expected, atol=1e-5)


def test_gradient_agrees_with_finite_differences():
    model, images = GapLinear(deep=True).double(), films(1).double()
    maps, gradient = maps_and_gradient(model, images, 2)

    def logit(changed):
        return model.classifier(model.middle(changed).mean((2, 3)))[0, 2]

    for place in [(0, 0, 3, 3), (0, 2, 4, 5), (0, 4, 1, 6)]:
        up, down = maps.clone(), maps.clone()
        up[place] += 1e-6
        down[place] -= 1e-6
        slope = (logit(up) - logit(down)).item() / 2e-6
        assert slope == pytest.approx(gradient[place].item(), abs=1e-6)


def test_only_what_speaks_for_the_finding_counts():
    maps = torch.rand(1, 3, 4, 4)
    gradient = torch.stack([torch.full((4, 4), v) for v in (0.2, -0.2, 0.0)])[None]
    weights = plus_plus_weights(maps, gradient).flatten()
    assert weights[0] > 0
    assert weights[1] == weights[2] == 0
    assert torch.isfinite(weights).all()


def test_maps_are_never_negative_and_never_nan():
    torch.manual_seed(0)
    model = densenet("laptop", num_classes=3)
    nn.init.normal_(model.classifier.weight)
    maps = grad_cam_plus_plus(model, films(2, 64), 0)
    assert maps.shape == (2, 4, 4)
    assert torch.isfinite(maps).all() and (maps >= 0).all()
