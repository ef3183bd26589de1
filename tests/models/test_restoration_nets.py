"""Networks that turn one image into another: published sizes, and what their switches do."""

import pytest
import torch

from course_lib.models.adain_generator import adain, switchable_generator
from course_lib.models.dncnn import DnCNN, dncnn
from course_lib.models.patch_discriminator import PatchDiscriminator


def weights(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def image(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_dncnn_has_the_published_number_of_weights():
    assert weights(dncnn("paper")) == 556_032


def test_dncnn_sees_as_far_as_the_paper_says():
    model = DnCNN(depth=7, width=4).double().eval()
    for layer in model.noise:  # all weights positive, no ReLU closed: nothing cancels
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.constant_(layer.weight, 0.1)
    point = torch.zeros(1, 1, 41, 41, dtype=torch.double)
    point[..., 20, 20] = 1
    reached = (model.noise(point)[0, 0].abs() > 0).any(0).nonzero().ravel()
    assert reached[-1] - reached[0] + 1 == 2 * 7 + 1


def test_dncnn_begins_close_to_doing_nothing():
    noisy = image(1, 1, 16, 16)
    assert (dncnn("laptop")(noisy) - noisy).abs().max() < 0.05


def test_patch_discriminator_is_the_published_one():
    assert weights(PatchDiscriminator(channels=3)) == 2_764_737
    assert PatchDiscriminator().patch == 70
    assert PatchDiscriminator()(image(1, 1, 256, 256)).shape == (1, 1, 30, 30)


def test_adain_sets_mean_and_spread():
    maps = adain(image(2, 3, 32, 32), torch.tensor([1.0, 2, 3]), torch.tensor([5.0, 0, -1]))
    assert maps.mean((2, 3)).flatten().tolist() == pytest.approx([5, 0, -1] * 2, abs=1e-4)
    assert maps.std((2, 3)).flatten().tolist() == pytest.approx([1, 2, 3] * 2, rel=1e-3)


def test_one_generator_saves_nearly_half_of_two():
    model = switchable_generator("paper")
    assert weights(model.codes) < 0.1 * weights(model)


def test_the_code_switches_the_direction_and_can_stop_between():
    torch.manual_seed(0)
    model, noisy = switchable_generator("laptop"), image(1, 1, 32, 32)
    there, half, back = (model(noisy, share) for share in (0.0, 0.5, 1.0))
    assert (there - back).abs().max() > 1e-4
    assert (half - there).abs().mean() < (back - there).abs().mean()


def test_only_the_learned_code_trains_the_code_generator():
    model = switchable_generator("laptop")
    model(image(1, 1, 16, 16), 0.0).sum().backward()
    heads = list(model.codes.heads.parameters())
    assert all(p.grad is None or not p.grad.any() for p in heads)
    model(image(1, 1, 16, 16), 1.0).sum().backward()
    assert any(p.grad.any() for p in heads)


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match="divisible by 4"):
        switchable_generator("laptop")(image(1, 1, 30, 32))
    with pytest.raises(ValueError, match="Preset"):
        dncnn("huge")
    with pytest.raises(ValueError, match="depth 3"):
        DnCNN(depth=2)
