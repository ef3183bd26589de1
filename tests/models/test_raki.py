"""A network that learns from one scan's own centre."""

import numpy as np
import pytest
import torch

from course_lib.data.mr_pairs import exact_images
from course_lib.imaging.mr.coils import head_coil
from course_lib.imaging.mr.fourier import to_image, to_kspace
from course_lib.imaging.mr.noise import add_noise, nrmse, root_sum_of_squares
from course_lib.imaging.mr.sampling import every
from course_lib.learning.pairs import PairLoss, Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.raki import Raki, examples, fill

COILS, SIZE = 6, 64


@pytest.fixture(scope="module")
def scan():
    image = exact_images((3,), size=SIZE)[0]
    image = image / np.abs(image).max()
    full = to_kspace(image * head_coil(COILS, 224.0).maps((SIZE, SIZE)))
    return torch.from_numpy(add_noise(full, 0.002, seed=0))


def test_examples_come_from_every_starting_line(scan):
    inputs, targets = examples(scan[:, 20:44], factor=3)
    assert inputs.shape == (3, 2 * COILS, 7, SIZE) and targets.shape == (3, 4 * COILS, 7, SIZE)
    # Example 1 starts at line 21; what follows it are lines 22 and 23.
    assert torch.equal(inputs[1, 0, 0], scan[0, 21].real)
    assert torch.equal(targets[1, COILS, 0], scan[0, 22].imag)
    assert torch.equal(targets[1, 2 * COILS, 2], scan[0, 29].real)


def test_measured_lines_are_kept(scan):
    for factor in (2, 3):  # 64 lines are no multiple of 3
        mask = torch.from_numpy(every((SIZE, SIZE), factor, acs=20))
        filled = fill(scan * mask, Raki(COILS, factor))
        assert filled.shape == scan.shape
        assert torch.equal(filled * mask, scan * mask)


def test_it_learns_from_the_centre_alone(scan):
    mask = torch.from_numpy(every((SIZE, SIZE), 2, acs=24))
    measured = scan * mask
    scale = measured.abs().max()
    pairs = Pairs(*examples(measured[:, 20:44] / scale, 2))
    torch.manual_seed(0)
    network = Raki(COILS, 2)
    fit(network, pairs, pairs, PairLoss(), Plan(epochs=300, batch_size=2, learning_rate=3e-3))
    filled = fill(measured / scale, network) * scale
    truth, before, after = (
        root_sum_of_squares(to_image(k.numpy())) for k in (scan, measured, filled)
    )
    assert nrmse(after, truth) < 0.6 * nrmse(before, truth)


def test_what_cannot_be_learned_is_refused(scan):
    with pytest.raises(ValueError, match="at least 9 lines"):
        examples(scan[:, :8], 2)
    with pytest.raises(ValueError, match="no line is missing"):
        Raki(COILS, 1)
