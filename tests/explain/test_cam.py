"""Class activation maps are an identity, not an impression; and wrong maps are refused."""

import pytest
import torch
import torchvision
from torch import nn

from course_lib.explain.cam import NoActivationMap, activation_maps, enlarge, grad_cam
from course_lib.models.densenet import densenet


class Plain(nn.Module):
    """Two convolutions, global average, linear; the ReLU sits inside the features or after them."""

    def __init__(self, late_relu: bool):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(inplace=True), nn.Conv2d(6, 8, 3, stride=2)
        )
        if not late_relu:
            self.features.append(nn.ReLU(inplace=True))
        self.late_relu = late_relu
        self.classifier = nn.Linear(8, 3)

    def forward(self, x):
        maps = self.features(x)
        if self.late_relu:
            maps = torch.relu_(maps)
        return self.classifier(maps.mean((2, 3)))


def trained_norms(model):
    """Give the batch norms statistics other than 0 and 1, as training would."""
    random = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=random)
            module.running_var.uniform_(0.5, 1.5, generator=random)
    return model


def networks():
    torch.manual_seed(0)
    return [
        (Plain(late_relu=False), "features", 1, 24),
        (Plain(late_relu=True), "features", 1, 24),
        (trained_norms(densenet("laptop", num_classes=5)), "features", 1, 64),
        (trained_norms(torchvision.models.densenet121(num_classes=4)), "features", 3, 64),
        (trained_norms(torchvision.models.resnet18(num_classes=4)), "layer4", 3, 64),
    ]


@pytest.mark.parametrize("case", range(5), ids=["plain", "late relu", "laptop", "tv", "resnet"])
def test_mean_of_the_map_plus_bias_is_the_logit(case):
    model, layer, channels, size = networks()[case]
    images = torch.randn(3, channels, size, size, generator=torch.Generator().manual_seed(2))
    cam = activation_maps(model, images, layer)
    with torch.no_grad():
        logits = model.eval()(images)
    scale = max(1.0, logits.abs().max().item())
    assert (cam.maps.mean((2, 3)) + cam.bias - logits).abs().max() < 1e-5 * scale
    assert torch.allclose(cam.logits, logits, atol=1e-5 * scale)


@pytest.mark.parametrize("case", range(5), ids=["plain", "late relu", "laptop", "tv", "resnet"])
def test_grad_cam_of_the_last_maps_is_cam_divided_by_the_number_of_pixels(case):
    model, layer, channels, size = networks()[case]
    images = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(3))
    cam = activation_maps(model, images, layer)
    by_gradient = grad_cam(model, images, output=2, layer=layer)
    pixels = by_gradient.shape[-1] * by_gradient.shape[-2]
    assert torch.allclose(by_gradient * pixels, cam.maps[:, 2], rtol=1e-3, atol=1e-4)


def test_maps_taken_before_the_relu_would_be_wrong():
    """The mistake of public reproductions: it runs, it looks plausible, it is another map."""
    model = Plain(late_relu=True)
    images = torch.randn(2, 1, 24, 24, generator=torch.Generator().manual_seed(3))
    right = grad_cam(model, images, output=1)
    wrong = grad_cam(model, images, output=1, rectify=False)
    assert not torch.allclose(right, wrong, rtol=0.1)


def test_grad_cam_at_an_earlier_layer_and_with_frozen_weights():
    model = Plain(late_relu=False).requires_grad_(False)
    images = torch.randn(2, 1, 24, 24)
    assert grad_cam(model, images, output=0, layer="features.1").shape == (2, 22, 22)
    assert all(not module._forward_hooks for module in model.modules())


def test_grad_cam_says_when_there_is_no_relu_to_wait_for():
    torch.manual_seed(0)
    linear_all_through = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    images = torch.randn(2, 1, 9, 9)
    with pytest.raises(NoActivationMap, match="rectify=False"):
        grad_cam(linear_all_through, images, output=0, layer="0")
    assert grad_cam(linear_all_through, images, 0, layer="0", rectify=False).shape == (2, 7, 7)


def test_a_network_without_global_average_has_no_cam():
    flat = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 49, 2))
    with pytest.raises(NoActivationMap, match="global average pooling"):
        activation_maps(flat, torch.randn(1, 1, 9, 9), layer="0")
    with pytest.raises(NoActivationMap, match="no linear layer"):
        activation_maps(nn.Sequential(nn.Conv2d(1, 1, 3)), torch.randn(1, 1, 9, 9), layer="0")


def test_a_max_pool_is_refused_too():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    with pytest.raises(NoActivationMap, match="is not what the last linear layer receives"):
        activation_maps(model, torch.randn(1, 1, 9, 9), layer="1")


def test_enlarging_keeps_place_and_mean():
    small = torch.zeros(2, 3, 4, 4)
    small[0, 1, 1, 2] = 1
    large = enlarge(small, (32, 32))
    assert large.shape == (2, 3, 32, 32)
    assert large[0, 1, 8:16, 16:24].sum() > 0.5 * large.sum()
    assert large.mean() == pytest.approx(small.mean().item(), rel=1e-4)
    row, column = divmod(large[0, 1].argmax().item(), 32)
    assert 8 <= row < 16
    assert 16 <= column < 24
