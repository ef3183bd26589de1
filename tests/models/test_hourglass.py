"""The hourglass has the published size, takes any side and tells when one is too small."""

import pytest
import torch

from course_lib.models.image_prior import Hourglass, coordinates, fixed_noise, hourglass


def weights(network):
    return sum(parameter.numel() for parameter in network.parameters())


def by_hand(channels_in, channels_out, widths, skips):
    """Weights, biases and batch norms of the drawing in the paper, added up by hand."""
    total, entering = 0, channels_in
    for level, (width, thin) in enumerate(zip(widths, skips, strict=True)):
        norm = 2 * width
        total += 9 * entering * width + width + norm  # halving
        total += 9 * width * width + width + norm
        if thin:
            total += entering * thin + thin + 2 * thin
        joined = thin + widths[min(level + 1, len(widths) - 1)]
        total += 2 * joined  # batch norm of what was joined
        total += 9 * joined * width + width + norm
        total += width * width + width + norm
        entering = width
    return total + widths[0] * channels_out + channels_out


def test_the_default_of_the_paper_has_2_217_831_weights_in_colour():
    assert weights(hourglass("paper", channels_out=3)) == 2_217_831
    assert by_hand(32, 3, (128,) * 5, (4,) * 5) == 2_217_831


@pytest.mark.parametrize(
    "widths, skips", [((8,), (2,)), ((8, 16), (0, 3)), ((4, 8, 16), (1, 1, 0))]
)
def test_other_settings_are_counted_alike(widths, skips):
    network = Hourglass(5, 2, widths=widths, skips=skips)
    assert weights(network) == by_hand(5, 2, widths, skips)


@pytest.mark.parametrize("side", [(32, 32), (33, 47), (17, 64)])
@pytest.mark.parametrize("up", ["bilinear", "nearest"])
def test_pictures_of_any_side_keep_it(side, up):
    network = Hourglass(6, 1, widths=(8, 8, 8), skips=(2, 0, 2), up=up)
    picture = network(fixed_noise(6, side, seed=0))
    assert picture.shape == (1, 1, *side)
    assert picture.min() > 0 and picture.max() < 1


def test_the_same_seed_draws_the_same_weights_and_leaves_the_callers_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = (hourglass("laptop", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first.last.weight, second.last.weight)
    assert not torch.equal(first.last.weight, other.last.weight)


def test_the_input_is_uniform_up_to_a_tenth():
    noise = fixed_noise(32, (64, 64), seed=1)
    assert noise.min() >= 0 and noise.max() < 0.1
    assert noise.mean().item() == pytest.approx(0.05, abs=3e-4)  # 131,072 numbers
    assert torch.equal(noise, fixed_noise(32, (64, 64), seed=1))


def test_coordinates_run_from_corner_to_corner():
    grid = coordinates((3, 5))
    assert grid.shape == (1, 2, 3, 5)
    assert grid[0, :, 0, 0].tolist() == [0, 0]
    assert grid[0, :, 1, 4].tolist() == [1, 0.5]  # x, y


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: Hourglass(widths=(8, 8), skips=(1,)), "for each scale"),
        (lambda: Hourglass(up="cubic"), "bilinear, nearest"),
        (lambda: hourglass("tiny"), "paper, laptop"),
        (lambda: hourglass("paper")(torch.zeros(1, 32, 32, 64)), "more than 32 pixels"),
        (lambda: hourglass("laptop")(torch.zeros(1, 3, 32, 32)), r"\(1, 32, H, W\)"),
        (lambda: hourglass("laptop")(torch.zeros(2, 32, 32, 32)), "one input"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
