"""The U-Net of 2015 to the pixel, and tiles that give exactly what the whole image would."""

import pytest
import torch

from course_lib.models.counting import count_parameters
from course_lib.models.overlap_tile import margin_of, mirrored, overlap_tile
from course_lib.models.unet import UNet, central, unet


def small(**options) -> UNet:
    torch.manual_seed(0)
    return UNet(width=4, levels=2, dropout=0.0, **options).eval()


def by_hand(width: int = 64, levels: int = 4, classes: int = 2) -> int:
    """Parameters added up layer by layer: a convolution has kernel x in x out, and out biases."""
    total, before = 0, 1
    for level in range(levels + 1):
        after = width * 2**level
        total += (9 * before + 1) * after + (9 * after + 1) * after
        before = after
    for level in reversed(range(levels)):
        here = width * 2**level
        total += (4 * 2 * here + 1) * here  # up-convolution
        total += (9 * 2 * here + 1) * here + (9 * here + 1) * here
    return total + (width + 1) * classes


@pytest.mark.parametrize("padded", [False, True])
def test_published_size(padded):
    with torch.device("meta"):
        model = unet("paper", padded=padded)
    assert count_parameters(model) == by_hand() == 31_030_658
    assert sum(isinstance(m, torch.nn.Conv2d) for m in model.modules()) + 4 == 23  # section 2


def test_572_pixels_become_388_as_in_figure_1():
    sides = []
    with torch.device("meta"):
        model = UNet()
        for part in [*model.down, *model.up]:
            part.register_forward_hook(lambda _m, _i, out: sides.append(out.shape[-1]))
        out = model(torch.empty(1, 1, 572, 572))
    assert out.shape == (1, 2, 388, 388)
    assert sides == [568, 280, 136, 64, 28, 52, 100, 196, 388]
    assert model.output_side(572) == 388


@pytest.mark.parametrize(("levels", "padded"), [(1, False), (2, False), (3, False), (2, True)])
def test_the_formula_for_sizes_is_what_the_network_does(levels, padded):
    model = UNet(width=2, levels=levels, padded=padded).eval()
    fits = 0
    for side in range(1, 130):
        try:
            expected = model.output_side(side)
        except ValueError:
            assert model.fitting(side) > side
            continue
        assert model.fitting(side) == side
        assert model(torch.zeros(1, 1, side, side)).shape[-1] == expected
        fits += 1
    assert fits >= 4


def test_sizes_that_do_not_fit_are_refused_with_one_that_does():
    with pytest.raises(ValueError, match="573 pixels do not fit; the next that do: 588"):
        UNet(width=2).output_side(573)
    with pytest.raises(ValueError, match="do not fit"):
        UNet(width=2, padded=True)(torch.zeros(1, 1, 64, 60))
    with pytest.raises(ValueError, match="188"):
        UNet(width=2).output_side(60)
    with pytest.raises(ValueError, match="level"):
        UNet(levels=0)
    with pytest.raises(ValueError, match="laptop"):
        unet("desktop")


def test_an_unpadded_output_has_seen_nothing_but_image():
    """Change the image outside the receptive field of the output: nothing changes."""
    model = small()
    x = torch.randn(1, 1, 84, 84, requires_grad=True)
    model(x)[0, 0, 22, 22].backward()
    rows = x.grad[0, 0].abs().sum(1).nonzero().flatten()
    assert rows.min() >= 20 and rows.max() < 84 - 17
    assert central(x, 44, 44).shape == (1, 1, 44, 44)


def test_tiles_give_what_the_whole_image_gives():
    model, image = small(), torch.randn(1, 150, 130)
    margin = margin_of(model, 84)
    rows, columns = mirrored(150, margin, 200), mirrored(130, margin, 200)
    side = model.fitting(150 + 2 * margin)
    with torch.no_grad():
        whole = model(image[:, rows[:side]][:, :, columns[:side]][None])[0][:, :150, :130]
        tiled = overlap_tile(model, image, tile=84)
        torch.testing.assert_close(tiled, whole, rtol=1e-4, atol=1e-4)
        out_of_step = overlap_tile(model, image, tile=84, step=43)
    assert (out_of_step - whole).abs().max() > 0.1, "pooling pairs other neighbours"


def test_padded_tiles_agree_inside_if_the_margin_covers_the_receptive_field():
    model, image = small(padded=True), torch.randn(1, 152, 136)
    with torch.no_grad():
        whole = model(image[None])[0]
    apart = []
    for margin in (0, 16, 24):
        tiled = overlap_tile(model, image, tile=96, margin=margin)
        assert tiled.shape == whole.shape
        apart.append((tiled - whole)[:, 24:-24, 24:-24].abs().max().item())
    assert apart[0] > apart[1] > 1e-2 and apart[2] < 1e-4


def test_mirrors():
    assert mirrored(4, 2, 2).tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert mirrored(3, 0, 5).tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert mirrored(1, 1, 1).tolist() == [0, 0, 0]


def test_tiles_that_cannot_be_are_refused():
    model, image = small(), torch.zeros(1, 100, 100)
    with pytest.raises(ValueError, match="gaps"):
        overlap_tile(model, image, tile=84, step=48)
    with pytest.raises(ValueError, match="nothing"):
        overlap_tile(model, image, tile=84, margin=42)
    with pytest.raises(ValueError, match="multiple of 4"):
        overlap_tile(small(padded=True), image, tile=84, margin=22)


def test_every_weight_learns():
    model = UNet(width=4, levels=2).train()
    model(torch.randn(1, 1, 60, 60)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
