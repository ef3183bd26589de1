"""Networks for MR really learn: judged on k-space that was integrated over solids."""

import numpy as np
import pytest
import torch

from course_lib.data.mr_pairs import cohort_images, exact_images, scans
from course_lib.imaging.mr.coils import head_coil
from course_lib.imaging.mr.fourier import to_kspace
from course_lib.imaging.mr.noise import nrmse, root_sum_of_squares
from course_lib.learning.pairs import PairLoss, Pairs
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit
from course_lib.models.cascade import Cascade
from course_lib.models.data_consistency import decode
from course_lib.models.variational_network import VariationalNetwork

SIZE = 32


@pytest.fixture(scope="module")
def school():
    return cohort_images(range(100, 109), slices=8, size=SIZE)


@pytest.fixture(scope="module")
def exam():
    return exact_images((1, 2), size=SIZE)


def mean_error(images, case):
    pairs = zip(images.abs().numpy(), case.target.abs().numpy(), strict=True)
    return np.mean([nrmse(image, truth) for image, truth in pairs])


def test_a_cascade_learns_in_a_few_seconds_and_keeps_the_data(school, exam):
    train, watch, test = (
        scans(images, 2.5, 0.005, acs=6, seed=seed, points=True)
        for seed, images in enumerate((school[:64], school[64:], exam))
    )
    pairs = [Pairs(case.measured, case.target, mask=case.mask) for case in (train, watch)]
    torch.manual_seed(0)
    network = Cascade(stages=2, depth=3, width=16)
    fit(
        network, *pairs, PairLoss("l1", ("mask",)), Plan(epochs=8, batch_size=4, learning_rate=3e-3)
    )
    with torch.no_grad():
        images = network(test.measured, test.mask)
    assert mean_error(images, test) < 0.9 * mean_error(test.zero_filled, test)
    assert torch.allclose(to_kspace(images) * test.mask, test.measured, atol=1e-4)


def test_a_variational_network_learns_with_several_coils(school, exam):
    maps = head_coil(4).maps((SIZE, SIZE))
    maps = maps / root_sum_of_squares(maps)
    cases = [
        scans(images, 3, 0.01, acs=6, seed=seed, maps=maps)
        for seed, images in enumerate((school[:64], school[64:72], exam))
    ]

    def heard(case):
        return torch.from_numpy(maps.astype(np.complex64)).expand(len(case), -1, -1, -1)

    pairs = [Pairs(c.measured, c.target, maps=heard(c), mask=c.mask) for c in cases]
    torch.manual_seed(0)
    network = VariationalNetwork(steps=3, filters=8, side=5, bumps=15)
    plan = Plan(epochs=4, batch_size=4, learning_rate=5e-3)
    fit(network, pairs[0], pairs[1], PairLoss("l1", ("maps", "mask")), plan)
    test = cases[2]
    with torch.no_grad():
        images = network(test.measured, heard(test), test.mask)
    zero_filled = decode(test.measured, heard(test), test.mask)
    assert mean_error(images, test) < 0.85 * mean_error(zero_filled, test)
