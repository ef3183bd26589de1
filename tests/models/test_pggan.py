"""PGGAN as published: counts to the unit, layer by layer, shapes, and the arithmetic of its parts.

The counts are those of the official structure (Karras et al., arXiv:1710.10196, table 2).
"""

from math import sqrt

import pytest
import torch

from course_lib.models.counting import count_parameters
from course_lib.models.equalised import EqualisedConv2d, EqualisedLinear
from course_lib.models.pggan import (
    Critic,
    Generator,
    PgganSize,
    grow,
    minibatch_deviation,
    pixel_norm,
    shrink,
)

# base, most, resolution, image channels -> generator and critic, with all layers to and from an
# image, and with the last one only.
COUNTS = {
    (8192, 512, 1024, 3): (23_079_115, 23_071_507, 23_087_249, 23_077_137),
    (8192, 512, 1024, 1): (23_074_009, 23_071_473, 23_082_161, 23_077_105),
    (8192, 512, 256, 1): (23_039_303, 23_036_865, 23_047_361, 23_042_497),
    (8192, 512, 64, 1): (22_485_765, 22_483_713, 22_493_441, 22_489_345),
    (4096, 512, 1024, 1): (18_355_633, 18_353_593, 18_363_289, 18_359_225),
    (4096, 256, 256, 1): (5_761_703, 5_760_481, 5_765_729, 5_763_297),
    (2048, 128, 128, 1): (1_434_406, 1_433_825, 1_436_385, 1_435_233),
    (1024, 64, 64, 1): (352_101, 351_841, 353_057, 352_545),
    (512, 64, 64, 1): (285_141, 284_913, 286_065, 285_617),
    (256, 64, 32, 1): (211_220, None, 212_081, None),
}
# Weights of the 3 x 3 layers of the blocks for 8, 16, ... 1024 pixels.
BLOCKS = [(2_359_296, 2_359_296)] * 3 + [
    (1_179_648, 589_824),
    (294_912, 147_456),
    (73_728, 36_864),
    (18_432, 9_216),
    (4_608, 2_304),
]
TINY = PgganSize(32, base=64, most=8)


def on_meta(size):
    """Generator and critic as shapes without numbers."""
    with torch.device("meta"):
        return Generator(size), Critic(size)


def noting(seen, name):
    """A hook that notes the shape of what a layer returns."""

    def note(layer, inputs, out):
        seen.append((name, tuple(out.shape)))

    return note


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pair(size=TINY, seed=0):
    torch.manual_seed(seed)
    return Generator(size).eval(), Critic(size).eval()


@pytest.mark.parametrize("base, most, resolution, image", COUNTS)
def test_parameters_to_the_unit(base, most, resolution, image):
    expected = COUNTS[base, most, resolution, image]
    generator, critic = on_meta(PgganSize(resolution, image, base, most))
    spare_g = sum(count_parameters(layer) for layer in generator.to_image[:-1])
    spare_d = sum(count_parameters(layer) for layer in critic.from_image[:-1])
    g, d = count_parameters(generator), count_parameters(critic)
    counted = (g, g - spare_g, d, d - spare_d)
    for ours, theirs in zip(counted, expected, strict=True):
        assert theirs is None or ours == theirs


def test_every_layer_of_the_published_networks():
    generator, critic = on_meta(PgganSize(1024, image_channels=3))
    assert generator.dense.weight.numel() == 4_194_304
    assert generator.dense_bias.numel() == 512
    assert generator.first.weight.numel() == 2_359_296
    weights = [tuple(layer.weight.numel() for layer in block) for block in generator.blocks]
    assert weights == BLOCKS
    mirrored = [tuple(layer.weight.numel() for layer in block) for block in critic.blocks]
    assert mirrored == [(small, large) for large, small in BLOCKS]
    assert critic.last.weight.numel() == 2_363_904  # 513 channels come in
    assert critic.dense.weight.numel() == 4_194_304
    assert count_parameters(critic.score) == 513
    assert count_parameters(generator.to_image[-1]) == 51
    assert count_parameters(critic.from_image[-1]) == 64


def test_what_comes_out_of_every_layer_at_1024():
    generator, critic = on_meta("paper")
    seen = []
    for name, layer in [*generator.named_modules(), *critic.named_modules()]:
        if isinstance(layer, (EqualisedConv2d, EqualisedLinear)):
            layer.register_forward_hook(noting(seen, name))
    z = torch.empty(4, 512, device="meta")
    scores = critic(generator(z))
    assert scores.shape == (4,)
    drawn = [shape for name, shape in seen if name.startswith("blocks")]
    channels = [512, 512, 512, 256, 128, 64, 32, 16]
    ours = [(4, c, 8 * 2**i, 8 * 2**i) for i, c in enumerate(channels)]
    assert drawn[:16] == [shape for shape in ours for _ in range(2)]
    judged = drawn[16:]  # from 1024 pixels downwards
    wanted = []
    for level in range(7, -1, -1):
        pixels, fewer = 8 * 2**level, channels[level - 1] if level else 512
        wanted += [(4, channels[level], pixels, pixels), (4, fewer, pixels, pixels)]
    assert judged == wanted


@pytest.mark.parametrize("resolution", [4, 8, 16, 32, 64, 128, 256, 512, 1024])
def test_every_resolution_on_the_way_can_be_drawn_and_judged(resolution):
    generator, critic = on_meta("paper")
    for alpha in (0.3, 1.0):
        films = generator(torch.empty(4, 512, device="meta"), resolution, alpha)
        assert films.shape == (4, 1, resolution, resolution)
        assert critic(films, alpha).shape == (4,)


def test_weights_are_scaled_when_they_are_used():
    with torch.device("meta"):
        convolution = {n: EqualisedConv2d(n, 8, 3).scale for n in (512, 513, 256, 128, 16)}
        generator, critic = Generator(PgganSize(1024, 1)), Critic(PgganSize(1024, 1))
        coloured = Critic(PgganSize(1024, 3))
    assert convolution[512] == pytest.approx(1 / 48)
    assert convolution[513] == pytest.approx(0.020813, abs=1e-6)
    assert convolution[256] == pytest.approx(0.029463, abs=1e-6)
    assert convolution[128] == pytest.approx(1 / 24)
    assert convolution[16] == pytest.approx(0.117851, abs=1e-6)
    assert generator.dense.scale == pytest.approx(1 / 64)
    assert critic.dense.scale == pytest.approx(1 / 64)
    assert generator.to_image[0].scale == pytest.approx(0.044194, abs=1e-6)
    assert generator.to_image[-1].scale == pytest.approx(0.25)
    assert critic.from_image[-1].scale == pytest.approx(sqrt(2))
    assert coloured.from_image[-1].scale == pytest.approx(0.816497, abs=1e-6)
    assert critic.score.scale == pytest.approx(0.044194, abs=1e-6)


def test_an_equalised_layer_scales_the_weight_and_not_the_bias():
    torch.manual_seed(0)
    layer = EqualisedConv2d(4, 3, 3)
    torch.nn.init.constant_(layer.bias, 5.0)
    assert layer.weight.std().item() == pytest.approx(1, abs=0.15)
    empty = layer(torch.zeros(1, 4, 6, 6))
    assert torch.equal(empty, torch.full((1, 3, 6, 6), 5.0))
    x = random(2, 4, 6, 6)
    plain = torch.nn.functional.conv2d(x, layer.weight * sqrt(2 / 36), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), plain)


def test_equalised_layers_keep_the_variance_of_what_passes_through():
    torch.manual_seed(0)
    layer = EqualisedLinear(400, 400, gain=1)
    assert layer(random(500, 400, seed=1)).std().item() == pytest.approx(1, abs=0.02)
    rectified = EqualisedLinear(400, 400)(random(500, 400, seed=1).relu() * sqrt(2))
    assert rectified.square().mean().item() == pytest.approx(2, rel=0.05)


def test_adam_changes_every_equalised_layer_by_the_same_share():
    """Why it is done: one step of Adam is a share of the weights, whatever the layer's size."""
    shares = []
    for width in (4, 256):
        torch.manual_seed(0)
        layer = EqualisedLinear(width, width)
        before = layer.weight.detach().clone()
        adam = torch.optim.Adam(layer.parameters(), lr=1e-3, betas=(0.0, 0.99))
        layer(random(8, width)).square().sum().backward()
        adam.step()
        change = (layer.weight - before).pow(2).mean().sqrt()
        shares.append((change / before.pow(2).mean().sqrt()).item())
    assert shares[0] == pytest.approx(shares[1], rel=0.2)


def test_pixel_norm_leaves_a_mean_square_of_one():
    x = 30 * random(3, 16, 5, 5)
    torch.testing.assert_close(pixel_norm(x).square().mean(1), torch.ones(3, 5, 5))
    torch.testing.assert_close(pixel_norm(7 * x), pixel_norm(x))  # only the direction is kept
    assert torch.equal(pixel_norm(torch.zeros(1, 4, 2, 2)), torch.zeros(1, 4, 2, 2))


def test_minibatch_deviation_of_known_films():
    films = torch.tensor([0, 0, 0, 0, 1, 2, 3, 4, 100, 200, 300, 400.0]).view(12, 1, 1, 1)
    channel = minibatch_deviation(films)[:, 1, 0, 0]
    expected = torch.tensor([86.1782, 129.1905, 163.5566] * 4)
    torch.testing.assert_close(channel, expected, rtol=1e-5, atol=1e-4)


def test_minibatch_deviation_is_one_number_for_all_pixels_of_a_group():
    x = random(8, 3, 4, 4)
    channel = minibatch_deviation(x)[:, 3]
    assert torch.equal(channel, channel[:, :1, :1].expand_as(channel))
    even = x[::2]  # film n belongs to group n mod 2
    by_hand = even.std(0, unbiased=False).mean()
    torch.testing.assert_close(channel[::2, 0, 0], by_hand.expand(4), rtol=1e-4, atol=1e-5)


def test_minibatch_deviation_of_equal_films_and_of_a_single_one_is_the_floor():
    for films in (torch.full((8, 2, 4, 4), 3.0), random(1, 2, 4, 4)):
        channel = minibatch_deviation(films)[:, -1]
        torch.testing.assert_close(channel, torch.full_like(channel, 1e-4))
        assert minibatch_deviation(films).isfinite().all()


def test_a_small_batch_is_one_group_and_an_uneven_one_is_refused():
    x = random(3, 2, 4, 4)
    assert torch.equal(minibatch_deviation(x), minibatch_deviation(x, group=3))
    with pytest.raises(ValueError, match="batch of 6 films .* multiple of 4"):
        minibatch_deviation(random(6, 2, 4, 4))


@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_a_fade_begins_with_the_smaller_network_and_ends_with_the_larger(resolution):
    generator, critic = pair()
    z, films = random(4, 8), random(4, 1, resolution, resolution, seed=1)
    half = resolution // 2
    torch.testing.assert_close(generator(z, resolution, 0.0), grow(generator(z, half)))
    torch.testing.assert_close(critic(films, 0.0), critic(shrink(films)))
    torch.testing.assert_close(generator(z, resolution, 1.0), generator(z, resolution))
    half_way = (generator(z, resolution, 0.0) + generator(z, resolution, 1.0)) / 2
    torch.testing.assert_close(generator(z, resolution, 0.5), half_way)
    assert not torch.allclose(critic(films, 0.5), critic(films, 1.0))


def test_old_layers_do_not_change_when_larger_ones_come_into_use():
    generator, _ = pair()
    z = random(4, 8)
    before = generator(z, 8)
    generator(z, 32)
    assert torch.equal(generator(z, 8), before)


def test_only_layers_in_use_get_gradients():
    generator, critic = pair()
    critic(generator(random(4, 8), 8), alpha=1.0).sum().backward()
    unused = [*generator.blocks[1:].parameters(), *generator.to_image[0].parameters()]
    assert all(p.grad is None for p in unused)
    assert all(p.grad is not None for p in generator.blocks[0].parameters())


def test_the_same_seed_gives_the_same_networks():
    for one, two in zip(pair(seed=3), pair(seed=3), strict=True):
        for a, b in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(a, b)


def test_what_does_not_fit_is_said():
    generator, critic = pair()
    with pytest.raises(ValueError, match=r"\(films, 8\)"):
        generator(torch.zeros(2, 7))
    with pytest.raises(ValueError, match="4, 8, 16, 32 pixels, not 64"):
        generator(torch.zeros(2, 8), 64)
    with pytest.raises(ValueError, match="pixels, not 12"):
        critic(torch.zeros(4, 1, 12, 12))
    for shape in ((4, 3, 32, 32), (4, 32, 32), (4, 1, 16, 32)):
        with pytest.raises(ValueError, match="Films must have the shape"):
            critic(torch.zeros(shape))
    with pytest.raises(ValueError, match="not 48"):
        PgganSize(48)
    with pytest.raises(ValueError, match="at least one channel"):
        PgganSize(1024, base=256)
    with pytest.raises(ValueError, match="Preset must be one of lesson, laptop, paper"):
        Generator("huge")
