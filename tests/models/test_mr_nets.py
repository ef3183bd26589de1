"""Networks for MR: published sizes, and the physics they may not break."""

import pytest
import torch

from course_lib.imaging.mr.fourier import to_kspace
from course_lib.models.automap import Automap, full_weights
from course_lib.models.cascade import cascade
from course_lib.models.data_consistency import KeepMeasured, as_channels, as_complex, decode, encode
from course_lib.models.srcnn import SRCNN
from course_lib.models.variational_network import Bumps, variational_network

RANDOM = torch.Generator().manual_seed(0)


def weights(model):
    return sum(p.numel() for p in model.parameters())


def noise(*shape):
    return torch.randn(*shape, dtype=torch.complex64, generator=RANDOM)


def lines(batch, size):
    mask = torch.zeros(batch, size, size)
    mask[:, ::2] = 1
    return mask


def test_published_numbers_of_weights():
    assert weights(cascade("paper")) == 565_770
    assert weights(variational_network("paper")) == 131_050
    assert sum(p.numel() for n, p in SRCNN().named_parameters() if "weight" in n) == 8_032
    assert full_weights(128) == 805_339_136
    assert weights(Automap(16).full) == full_weights(16)


def test_encoding_and_decoding_are_adjoint():
    maps, mask = noise(2, 3, 16, 16), lines(2, 16)
    image, samples = noise(2, 16, 16), noise(2, 3, 16, 16)
    left = (encode(image, maps, mask).conj() * samples).sum()
    right = (image.conj() * decode(samples, maps, mask)).sum()
    assert torch.allclose(left, right, rtol=1e-4)


def test_channels_and_complex_numbers_are_the_same_image():
    image = noise(2, 8, 8)
    assert torch.equal(as_complex(as_channels(image)), image)


@pytest.mark.parametrize("hard", [True, False])
def test_a_cascade_keeps_what_was_measured(hard):
    torch.manual_seed(0)
    image, mask = noise(2, 16, 16), lines(2, 16)
    measured = to_kspace(image) * mask
    got = to_kspace(cascade("laptop", hard)(measured, mask))
    off = ((got - measured).abs() * mask).max()
    assert off < 1e-4 if hard else off > 1e-4


def test_soft_consistency_lies_between_network_and_measurement():
    keep = KeepMeasured(hard=False)
    with torch.no_grad():
        keep.log_weight.fill_(0.0)  # weight 1: half and half
    image, mask = noise(1, 8, 8), torch.ones(1, 8, 8)
    measured = noise(1, 8, 8)
    expected = 0.5 * (to_kspace(image) + measured)
    assert torch.allclose(to_kspace(keep(image, measured, mask)), expected, atol=1e-5)


def test_with_all_samples_and_no_prior_one_step_is_the_image():
    network = variational_network("laptop")
    for step in network.steps:
        torch.nn.init.zeros_(step.activation.heights)
    image = noise(1, 16, 16)
    maps, mask = torch.ones(1, 1, 16, 16, dtype=torch.complex64), torch.ones(1, 16, 16)
    result = network(encode(image, maps, mask), maps, mask)
    assert torch.allclose(result, image, atol=1e-5)


def test_filters_have_no_mean_and_unit_length():
    kernel = variational_network("laptop").steps[0].kernel()
    assert kernel.mean((1, 2, 3)).abs().max() < 1e-6
    assert torch.allclose(kernel.flatten(1).norm(dim=1), torch.ones(len(kernel)), atol=1e-5)


def test_bumps_begin_as_a_straight_line():
    bumps = Bumps(1)
    x = torch.linspace(-0.8, 0.8, 9).reshape(1, 1, 1, 9)
    y = bumps(x).detach().ravel()
    slope = y / x.ravel().where(x.ravel() != 0, torch.ones(()))
    assert y[4].abs() < 1e-6 and slope[[0, 2, 6, 8]].std() < 0.01 * slope[0].abs()


def test_bumps_read_from_a_table_are_the_sum_of_gaussians():
    bumps = Bumps(2, bumps=15)
    torch.nn.init.normal_(bumps.heights, generator=RANDOM)
    x = torch.linspace(-1.8, 1.8, 999).repeat(1, 2, 1, 1)
    places = torch.linspace(-1, 1, 15)
    gaussians = torch.exp(-0.5 * ((x[..., None] - places) / (2 / 14)) ** 2)
    expected = (gaussians * bumps.heights[None, :, None, None]).sum(-1)
    assert torch.allclose(bumps(x), expected, atol=3e-3)


def test_every_weight_of_each_learns_from_a_batch():
    mask, image = lines(2, 16), noise(2, 16, 16)
    measured = to_kspace(image) * mask
    maps = torch.ones(2, 1, 16, 16, dtype=torch.complex64)
    for model, inputs in (
        (cascade("laptop", hard=False), (measured, mask)),
        (variational_network("laptop"), (measured[:, None], maps, mask)),
        (Automap(16, 8), (measured,)),
        (SRCNN(), (image.abs()[:, None],)),
    ):
        model(*inputs).abs().sum().backward()
        for name, weight in model.named_parameters():
            assert weight.grad is not None and weight.grad.any(), f"{type(model).__name__} {name}"


def test_automap_is_bound_to_its_size():
    with pytest.raises(ValueError, match="full layers fix the size"):
        Automap(16)(noise(1, 20, 20))
