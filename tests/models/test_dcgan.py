"""DCGAN as published: shapes on the way, parameters to the unit, starting weights, bad input."""

import pytest
import torch
from torch import nn

from course_lib.models.dcgan import DCGAN, DcganCritic, DcganGenerator, dcgan


def on_meta(network, size, **options):
    with torch.device("meta"):
        return network(size, **options)


def parameters(network):
    return sum(weights.numel() for weights in network.parameters())


@pytest.mark.parametrize(
    ("preset", "generator", "critic"),
    [("torch", 3_576_704, 2_765_568), ("paper", 12_658_432, 11_036_160)],
)
def test_parameters_as_published(preset, generator, critic):
    size = DCGAN[preset]
    assert parameters(on_meta(DcganGenerator, size)) == generator
    assert parameters(on_meta(DcganCritic, size)) == critic


def test_the_count_by_hand():
    """Transposed 4 x 4 kernels without bias, and gain and bias of batch norm after all but one."""
    widths = (1024, 512, 256, 128)
    kernels = 16 * (100 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert parameters(on_meta(DcganGenerator, DCGAN["paper"])) == kernels + 2 * sum(widths)


def test_maps_double_from_4_to_64_pixels_with_the_channels_of_figure_1():
    generator = on_meta(DcganGenerator, DCGAN["paper"])
    x, seen = torch.zeros(2, 100, 1, 1, device="meta"), []
    for layer in generator.layers:
        x = layer(x)
        if isinstance(layer, nn.ConvTranspose2d):
            seen.append(tuple(x.shape[1:]))
    assert seen == [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]


def test_the_critic_gives_one_number_per_picture():
    critic = on_meta(DcganCritic, DCGAN["paper"], guesses=10)
    scores, guess = critic.judge(torch.zeros(2, 3, 64, 64, device="meta"))
    assert scores.shape == (2,) and guess.shape == (2, 10)


def test_starting_weights_are_small_and_depend_on_the_seed_only():
    generator, critic = dcgan("laptop", 5)
    again = dcgan("laptop", 5)[0]
    kernel = generator.layers[0].weight
    assert torch.equal(kernel, again.layers[0].weight)
    assert kernel.std().item() == pytest.approx(0.02, rel=0.05)
    assert kernel.mean().item() == pytest.approx(0, abs=1e-3)
    gains = generator.layers[1].weight
    assert gains.mean().item() == pytest.approx(1, abs=0.02)
    assert critic.layers[0].weight.std().item() == pytest.approx(0.02, rel=0.3)


def test_pictures_lie_between_minus_one_and_one():
    generator, critic = dcgan("laptop", 0)
    made = generator(100 * torch.randn(3, 32))
    assert made.shape == (3, 1, 32, 32) and made.abs().max() <= 1
    assert critic(made).shape == (3,)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: dcgan("laptop", 0)[0](torch.zeros(2, 31)), r"must be \(N, 32\)"),
        (lambda: dcgan("laptop", 0)[0](torch.zeros(32)), r"must be \(N, 32\)"),
        (lambda: dcgan("laptop", 0)[1](torch.zeros(2, 1, 64, 64)), "Pictures must be"),
        (lambda: dcgan("laptop", 0, 2)[1](torch.zeros(2, 1, 32, 32)), "told 2 numbers"),
        (lambda: dcgan("phone", 0), "Preset must be one of"),
    ],
)
def test_wrong_sizes_get_one_clear_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
