"""SCXNN's network for one disease: counts, shapes, what is frozen, which weights fit."""

import pytest
import torch
import torchvision

from course_lib.explain.cam import activation_maps
from course_lib.models.counting import count_parameters
from course_lib.models.reconstruction_decoder import ReconstructionDecoder
from course_lib.models.scxnn import DiseaseNetwork
from course_lib.models.scxnn_encoders import BACKBONES, encoder, load_encoder
from course_lib.models.weights import CheckpointMismatch


def test_the_published_size_has_exactly_the_parameters_of_its_public_analogue():
    """smp.Unet("densenet121", classes=1, aux_params={"classes": 3}) has 13,610,708."""
    network = DiseaseNetwork("densenet121", in_channels=3)
    assert count_parameters(network) == 13_610_708
    assert count_parameters(network.encoder) == 6_956_931
    assert count_parameters(network.decoder) == 6_653_777
    grey = 2 * 64 * 7 * 7  # two colour channels less in the first convolution
    assert count_parameters(DiseaseNetwork("densenet121")) == 13_610_708 - grey


def test_the_decoder_adds_up_by_hand():
    """Two 3x3 convolutions with batch norm per level, joined maps in, and one 3x3 to paint."""
    channels, widths = (8, 16, 32), (12, 10, 6)
    total, coarse = 0, channels[-1]
    for skip, width in zip((16, 8, 0), widths, strict=True):
        total += 9 * (coarse + skip) * width + 9 * width * width + 4 * width
        coarse = width
    total += 9 * coarse + 1
    assert count_parameters(ReconstructionDecoder(channels, widths)) == total
    with pytest.raises(ValueError, match="2 widths for 3 scales"):
        ReconstructionDecoder(channels, (4, 4))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_paints_in_the_size_of_the_film(backbone):
    network = DiseaseNetwork(backbone).eval()
    with torch.inference_mode():
        logits, painted = network(torch.zeros(1, 1, 64, 96))
        alone = network.encoder(torch.zeros(1, 1, 64, 96))
    assert logits.shape == (1, 3) and painted.shape == (1, 1, 64, 96)
    assert torch.equal(logits, alone), "asked without painting, the answer is the same"


@pytest.mark.parametrize("backbone", ["resnet50", "efficientnet_b2"])
def test_torchvisions_weights_fit_a_cut_backbone(backbone):
    theirs = torchvision.models.get_model(backbone).eval()
    ours = encoder(backbone, in_channels=3).eval()
    report = load_encoder(ours, theirs.state_dict())
    assert report.fits
    seen = []
    place = theirs.avgpool.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    with torch.inference_mode():
        film = torch.rand(1, 3, 64, 64)
        theirs(film)
        assert torch.allclose(ours.features(film), seen[0], atol=1e-5)
    place.remove()
    grey = encoder(backbone).eval()
    load_encoder(grey, theirs.state_dict())
    with torch.inference_mode():
        assert torch.allclose(
            grey.features(film[:, :1]), ours.features(film[:, :1].expand(-1, 3, -1, -1)), atol=1e-4
        )


def test_weights_of_another_backbone_are_refused():
    wrong = torchvision.models.resnet18().state_dict()
    with pytest.raises(CheckpointMismatch):
        load_encoder(encoder("resnet50"), wrong)


@pytest.mark.parametrize("backbone", ["laptop", "resnet50"])
def test_an_encoder_starts_from_another_one_but_keeps_its_head(backbone):
    first, second = encoder(backbone, 13), encoder(backbone, 3)
    head = second.classifier.weight.clone()
    load_encoder(second, first.state_dict())
    film = torch.rand(1, 1, 64, 64)
    assert torch.equal(first.eval().features(film), second.eval().features(film))
    assert torch.equal(second.classifier.weight, head)


def test_what_is_frozen_does_not_move_at_all():
    torch.manual_seed(0)
    network = DiseaseNetwork()
    network.train_only_head()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        logits, painted = network(torch.rand(4, 1, 64, 64))
        assert painted is None
        torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 1])).backward()
        optimiser.step()
    moved = {name for name, value in network.state_dict().items() if not value.equal(before[name])}
    assert moved == {"encoder.classifier.weight", "encoder.classifier.bias"}
    assert network.eval()(torch.rand(1, 1, 64, 64))[1] is not None, "asked at rest, it paints again"


def test_both_tasks_reach_the_encoder_and_without_decoder_there_is_one():
    network = DiseaseNetwork()
    stem = network.encoder.features.conv0.weight
    logits, painted = network(torch.rand(2, 1, 64, 64))
    (by_painting,) = torch.autograd.grad(painted.square().mean(), stem, retain_graph=True)
    (by_class,) = torch.autograd.grad(logits.square().mean(), stem)
    assert by_painting.abs().sum() > 0 and by_class.abs().sum() > 0
    bare = DiseaseNetwork(task="none")
    assert bare.decoder is None and bare(torch.rand(1, 1, 64, 64))[1] is None


def test_class_activation_maps_of_the_encoder_add_up_to_its_logits():
    network = DiseaseNetwork().eval()
    found = activation_maps(network.encoder, torch.rand(2, 1, 64, 64))
    assert torch.allclose(found.maps.mean((2, 3)) + found.bias, found.logits, atol=1e-5)


def test_impossible_networks_are_refused():
    with pytest.raises(ValueError, match="2 or 3 classes"):
        DiseaseNetwork(num_outputs=4)
    with pytest.raises(ValueError, match="task"):
        DiseaseNetwork(task="poetry")
    with pytest.raises(ValueError, match="vgg16"):
        DiseaseNetwork("vgg61")
