"""MRNet as published: counts, slices pooled by maximum, and answers taken apart exactly."""

import pytest
import torch
from torchvision.models import alexnet as torchvision_alexnet

from course_lib.models.counting import count_parameters
from course_lib.models.mrnet import mrnet

torch.set_num_threads(2)


def series(slices, size=64, channels=1, seed=0):
    return torch.randn(
        1, slices, channels, size, size, generator=torch.Generator().manual_seed(seed)
    )


def test_published_size():
    net = mrnet("paper")
    assert count_parameters(net.features) == 2_469_696
    assert count_parameters(net) == 2_469_953  # and one weight per feature with a bias
    assert 9 * count_parameters(net) == 22_229_577
    with torch.no_grad():
        assert net.features(torch.zeros(2, 3, 256, 256)).shape == (2, 256, 7, 7)
        assert net(torch.zeros(1, 5, 1, 256, 256)).shape == (1, 1)


def test_features_are_those_of_torchvisions_alexnet():
    """With the same weights: the pooled features of every slice, and so the answer, agree."""
    theirs, ours = torchvision_alexnet(weights=None).eval(), mrnet("paper").eval()
    ours.features.load_state_dict(theirs.features.state_dict())
    slices = series(3, 256, 3)[0]
    with torch.no_grad():
        pooled = theirs.features(slices).mean((2, 3)).max(0).values
        torch.testing.assert_close(ours(slices)[0], ours.classifier(pooled), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_the_order_of_slices_does_not_matter(pooling):
    net, images = mrnet("laptop", 3, 1, pooling).eval(), series(17)
    with torch.no_grad():
        torch.testing.assert_close(net(images), net(images.flip(1)), rtol=1e-4, atol=1e-5)


def test_a_slice_shown_twice_changes_the_mean_and_not_the_maximum():
    images = series(9)
    more = torch.cat([images, images[:, :4]], 1)
    with torch.no_grad():
        for pooling, same in (("max", True), ("mean", False)):
            torch.manual_seed(0)
            net = mrnet("laptop", 2, 1, pooling).eval()
            assert torch.allclose(net(images), net(more), atol=1e-5) == same


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("preset,size,channels", [("laptop", 64, 1), ("paper", 96, 3)])
def test_evidence_adds_up_to_the_logits(preset, size, channels, pooling):
    torch.manual_seed(1)
    net, images = mrnet(preset, 2, channels, pooling).eval(), series(11, size)
    evidence = net.evidence(images)
    with torch.no_grad():
        torch.testing.assert_close(evidence.logits, net(images)[0])
    total = evidence.bias + evidence.slices.sum(1)
    torch.testing.assert_close(total, evidence.logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(evidence.maps.mean((2, 3)), evidence.slices)


def test_a_slice_that_won_no_race_can_be_left_out():
    torch.manual_seed(0)
    net, images = mrnet("laptop", 1, 1).eval(), series(100)
    loser = int((net.evidence(images).slices[0] == 0).nonzero()[0])
    kept = [i for i in range(100) if i != loser]
    with torch.no_grad():
        torch.testing.assert_close(net(images), net(images[:, kept]), rtol=1e-4, atol=1e-5)


def test_only_winners_learn():
    """The gradient reaches, through each feature, the one slice that had its maximum."""
    torch.manual_seed(0)
    net, images = mrnet("laptop", 1, 1), series(40).requires_grad_()
    net(images).sum().backward()
    reached = images.grad[0].abs().sum((1, 2, 3)) > 0
    torch.testing.assert_close(reached, net.evidence(images).slices[0] != 0)


def test_several_series_at_once_are_refused():
    net = mrnet("laptop", 1, 1)
    with pytest.raises(ValueError, match="batch size 1"):
        net(torch.zeros(2, 5, 1, 64, 64))
    with pytest.raises(ValueError, match="'max' or 'mean'"):
        mrnet("laptop", pooling="median")
