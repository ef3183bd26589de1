"""Independent witnesses find the true place, and false maps are found out."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.explain.cam import activation_maps
from course_lib.explain.witnesses import (
    identity_errors,
    mean_tells_logit,
    occlusion_map,
    randomised,
    similarity,
    wrong_class_map,
)
from course_lib.models.densenet import densenet


class CornerReader(nn.Module):
    """Its first logit is the mean of the upper left 8 x 8 pixels, times 10."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, x):
        corner = self.scale * x[:, 0, :8, :8].mean((1, 2))
        return torch.stack([corner, -corner], 1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = densenet("laptop", num_classes=4)
    random = torch.Generator().manual_seed(1)
    nn.init.normal_(model.classifier.weight, generator=random)
    model.features.norm5.weight.data.uniform_(0.2, 2, generator=random)
    return model.eval()


def films(n, size=64):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(5))


def test_occlusion_finds_where_the_network_reads_and_nowhere_else():
    film = torch.ones(1, 32, 32)
    drop = occlusion_map(CornerReader(), film, 0, patch=8, step=8, fill=0.0)
    assert drop.shape == (4, 4)
    assert drop[0, 0] == pytest.approx(10)
    assert drop.abs().sum() == pytest.approx(10)
    assert occlusion_map(CornerReader(), film, 1, patch=8, step=8, fill=0.0)[0, 0] < 0


def test_occlusion_reaches_every_edge_and_leaves_the_film_alone():
    film = torch.rand(1, 30, 20)
    kept = film.clone()
    assert occlusion_map(CornerReader(), film, 0, patch=8, step=8).shape == (4, 3)
    assert torch.equal(film, kept)
    with pytest.raises(ValueError, match="does not fit"):
        occlusion_map(CornerReader(), film, 0, patch=40)


def test_both_identities_hold_for_a_densenet(network):
    errors = identity_errors(network, films(3), output=1)
    assert max(errors) < 1e-4


def test_the_wrong_map_is_the_same_for_all_classes_and_does_not_know_the_answer(network):
    images = films(12)
    cam = activation_maps(network, images)
    wrong = wrong_class_map(network, images)
    assert wrong.shape == cam.maps[:, 0].shape
    for k in range(4):
        assert mean_tells_logit(cam.maps[:, k], cam.logits[:, k]) == pytest.approx(1, abs=1e-4)
        assert abs(mean_tells_logit(wrong, cam.logits[:, k])) < 0.99
        assert not torch.allclose(wrong, cam.maps[:, k], atol=0.1)


def test_shuffled_weights_are_the_same_numbers_elsewhere(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    other = randomised(network, seed=1)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    mine, theirs = network.classifier.weight, other.classifier.weight
    assert torch.equal(mine.flatten().sort().values, theirs.flatten().sort().values)
    assert not torch.equal(mine, theirs)
    again = randomised(network, seed=1).classifier.weight
    assert torch.equal(theirs, again)
    head = randomised(network, seed=1, only="classifier")
    assert torch.equal(head.features.conv0.weight, network.features.conv0.weight)


def test_similarity_is_a_rank_correlation():
    maps = torch.rand(3, 6, 7)
    assert similarity(maps, maps**3) == pytest.approx(np.ones(3))
    assert similarity(maps, -maps) == pytest.approx(-np.ones(3))


def test_mean_tells_logit_needs_three_films():
    with pytest.raises(ValueError, match="three"):
        mean_tells_logit(torch.rand(2, 3, 3), torch.rand(2))
