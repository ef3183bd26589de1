"""The same attacks by torchattacks and foolbox, on the same network and the same films."""

from copy import deepcopy

import foolbox
import pytest
import torch
from torch import nn

from course_lib.robustness.attacks import fgsm, pgd

EPS, STEPS = 0.02, 8


@pytest.fixture(name="torchattacks", scope="module")
def the_library():
    """It asks for an old requests, so it cannot be declared beside flwr and is often missing."""
    return pytest.importorskip("torchattacks", reason="pip install --no-deps torchattacks==3.5.1")


@pytest.fixture(name="network", scope="module")
def a_convolutional_network():
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 64, 6),
    ).eval()  # fmt: skip


@pytest.fixture(name="films", scope="module")
def some_films():
    """Black and white occur, so that cutting off at 0 and 1 is compared as well."""
    random = torch.Generator().manual_seed(6)
    return (1.4 * torch.rand((16, 1, 16, 16), generator=random) - 0.2).clamp(0, 1)


TRUTH = torch.arange(16) % 6  # 16: a mean over a power of two rounds as a sum does


def test_torchattacks_changes_every_pixel_as_we_do(torchattacks, network, films):
    theirs = torchattacks.FGSM(network, eps=EPS)(films, TRUTH)
    assert (theirs - fgsm(network, films, TRUTH, EPS)).abs().max() == 0
    theirs = torchattacks.PGD(network, EPS, EPS / 4, STEPS, random_start=False)(films, TRUTH)
    ours = pgd(network, films, TRUTH, EPS, steps=STEPS, step_size=EPS / 4)
    assert (theirs - ours).abs().max() == 0


def test_targeted_torchattacks(torchattacks, network, films):
    attack = torchattacks.PGD(network, EPS, EPS / 4, STEPS, random_start=False)
    attack.set_mode_targeted_by_label(quiet=True)
    wanted = (TRUTH + 1) % 6
    ours = pgd(network, films, wanted, EPS, steps=STEPS, step_size=EPS / 4, targeted=True)
    assert (attack(films, wanted) - ours).abs().max() == 0


def test_foolbox_changes_every_pixel_as_we_do(network, films):
    reader = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    one = foolbox.attacks.FGSM(random_start=False)
    many = foolbox.attacks.LinfPGD(abs_stepsize=EPS / 4, steps=STEPS, random_start=False)
    _, theirs, _ = one(reader, films, TRUTH, epsilons=EPS)
    assert (theirs - fgsm(network, films, TRUTH, EPS)).abs().max() == 0
    _, theirs, _ = many(reader, films, TRUTH, epsilons=EPS)
    ours = pgd(network, films, TRUTH, EPS, steps=STEPS, step_size=EPS / 4)
    assert (theirs - ours).abs().max() == 0


# In double precision: in single precision rounding decides on which side of a ReLU a film lies.
IN_L2 = {"steps": STEPS, "step_size": 0.08}


def test_torchattacks_in_l2_agrees_to_a_millionth(torchattacks, network, films):
    network, films = deepcopy(network).double(), films.double()
    theirs = torchattacks.PGDL2(network, 0.3, 0.08, STEPS, random_start=False)(films, TRUTH)
    assert (theirs - pgd(network, films, TRUTH, 0.3, "l2", **IN_L2)).abs().max() < 1e-6


def test_foolbox_in_l2_agrees_to_a_millionth(network, films):
    network, films = deepcopy(network).double(), films.double()
    attack = foolbox.attacks.L2PGD(abs_stepsize=0.08, steps=STEPS, random_start=False)
    reader = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    _, theirs, _ = attack(reader, films, TRUTH, epsilons=0.3)
    assert (theirs - pgd(network, films, TRUTH, 0.3, "l2", **IN_L2)).abs().max() < 1e-6
