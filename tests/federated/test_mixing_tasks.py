"""The published networks and data layouts: sizes, errors, and one round of FedMix with each."""

import json
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.federated.cifar import cifar_task
from course_lib.federated.client import LocalPlan
from course_lib.federated.leaf import femnist_clients, shakespeare_clients, with_shares
from course_lib.federated.mafl import pool_of
from course_lib.federated.objectives import fedmix
from course_lib.federated.partition import by_classes, clients_of
from course_lib.federated.rounds import FederatedPlan, federate
from course_lib.federated.weights import squared_distance, weights_of
from course_lib.models.char_lstm import CHARACTERS, CharLSTM, shares_of, tokens
from course_lib.models.lenet import ModernLeNet
from course_lib.models.vgg9 import VGG9, vgg9_counts


def write_leaf(folder, users):
    """One file in LEAF's layout from {user: (x, y)}."""
    content = {
        "users": list(users),
        "num_samples": [len(x) for x, _ in users.values()],
        "user_data": {name: {"x": x, "y": y} for name, (x, y) in users.items()},
    }
    folder.mkdir(exist_ok=True)
    (folder / "all_data_0.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def femnist(tmp_path):
    random = np.random.default_rng(0)
    users = {
        f"f000{k}_1{k}": (random.random((n, 784)).round(3).tolist(), [k * 7] * n)
        for k, n in enumerate((6, 9, 1))
    }
    return write_leaf(tmp_path / "femnist", users)


@pytest.fixture
def shakespeare(tmp_path):
    text = "Romeo and Juliet: two households, both alike in dignity, in fair Verona, where we lay"
    users = {
        name: ([(word + text)[k : k + 80] for k in range(5)], [text[0]] * 5)
        for name, word in (("ROMEO", "love "), ("JULIET", "Ay me; "))
    }
    return write_leaf(tmp_path / "shakespeare", users)


@pytest.fixture
def cifar10(tmp_path):
    """torchvision's layout with 10 small batches: 12 pictures each."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name in [*[f"data_batch_{k}" for k in range(1, 6)], "test_batch"]:
        data = random.integers(0, 256, (12, 3072), dtype=np.uint8)
        batch = {"data": data, "labels": [k % 10 for k in range(12)]}
        (folder / name).write_bytes(pickle.dumps(batch))
    names = {"label_names": [f"class {k}" for k in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(names))
    return tmp_path


def one_round(model, clients, classes, per_average=None):
    """Weights after one round of FedMix with all clients, and before."""
    plan = FederatedPlan(1, 1.0, LocalPlan(1, 5, 0.1))
    pool = pool_of(clients, per_average, classes)
    after = federate(model, clients, plan, fedmix(0.1), pool=pool, progress=False).weights
    return weights_of(model), after


def learned(before, after):
    return squared_distance(before, after) > 0 and all(v.isfinite().all() for v in after.values())


def test_vgg9_has_the_published_number_of_weights():
    assert sum(p.numel() for p in VGG9().parameters()) == 3_491_530
    assert sum(weights for _, weights in vgg9_counts()) == 3_491_530
    counted = sum(p.numel() for p in VGG9(100, 1, 16).parameters())
    assert counted == sum(weights for _, weights in vgg9_counts(100, 1, 16))
    with pytest.raises(ValueError, match="30 is no multiple of 8"):
        VGG9(size=30)


def test_the_lstm_has_leafs_sizes_and_is_pytorchs():
    net = CharLSTM()
    assert sum(p.numel() for p in net.parameters()) == 819_920
    assert sum(p.numel() for p in net.parameters()) - 2 * 4 * 256 == 817_872  # one bias per gate
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 80
    net, text = CharLSTM(hidden=7), tokens("To be, or not to be")[None]
    fused = nn.LSTM(8, 7, 2, batch_first=True)
    layers = [(f"{name}_l{k}", cell) for k, cell in enumerate((net.lower, net.upper)) for name in
              ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]  # fmt: skip
    fused.load_state_dict({key: getattr(cell, key[:-3]) for key, cell in layers})
    expected = net.output(fused(net.embedding(text))[0][:, -1])
    torch.testing.assert_close(net(text), expected)


def test_mixing_shares_is_mixing_embedded_vectors():
    net = CharLSTM(hidden=5).double()
    a, b = tokens("abcdefgh")[None], tokens("QRSTUVWX")[None]
    mixed = 0.8 * shares_of(a) + 0.2 * shares_of(b)
    vectors = 0.8 * net.embed(a) + 0.2 * net.embed(b)
    torch.testing.assert_close(net(mixed.double()), net.from_embeddings(vectors))
    for wrong in (a.float(), torch.zeros(1, 8, 79), torch.full((1, 8), 80)):
        with pytest.raises(ValueError, match="tokens|Tokens"):
            net(wrong)


def test_femnist_one_round_with_lenet(femnist):
    clients = femnist_clients(femnist, least=2)
    assert [client.cases for client in clients] == [6, 9]  # the writer of one picture is left out
    assert clients[0].inputs.shape == (6, 1, 28, 28)
    assert learned(*one_round(ModernLeNet(62, 1, 28), clients, 62))


def test_shakespeare_one_round_with_the_lstm(shakespeare):
    clients = shakespeare_clients(shakespeare)
    assert clients[0].inputs.shape == (5, 80)
    assert "".join(CHARACTERS[k] for k in clients[1].inputs[0][:6]) == "Ay me;"
    assert learned(*one_round(CharLSTM(hidden=16), [with_shares(c) for c in clients], 80))


def test_cifar_one_round_with_vgg9(cifar10):
    task = cifar_task(cifar10, verify=False)
    assert task.inputs.shape == (60, 3, 32, 32) and task.classes[3] == "class 3"
    assert task.inputs.mean((0, 2, 3)).abs().max() < 1e-6
    clients = clients_of(task.inputs, task.targets, by_classes(task.targets, 5, 2, 0))
    assert learned(*one_round(VGG9(), clients[:2], 10))


def test_files_that_are_not_the_layout_are_named(femnist, shakespeare, cifar10, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no \.json files"):
        femnist_clients(tmp_path)
    with pytest.raises(ValueError, match="ROMEO.*784 numbers"):
        femnist_clients(shakespeare)
    path = femnist / "all_data_0.json"
    good = json.loads(path.read_text())
    for change, words in (
        ({"num_samples": [5, 9, 1]}, "5 samples announced"),
        ({"users": None}, "has no users"),
    ):
        bad = {key: value for key, value in {**good, **change}.items() if value is not None}
        path.write_text(json.dumps(bad))
        with pytest.raises(ValueError, match=words):
            femnist_clients(femnist)
    path.write_text("{")
    with pytest.raises(ValueError, match="not a JSON file"):
        femnist_clients(femnist)
    write_leaf(tmp_path / "short", {"X": (["abc"], ["d"])})
    with pytest.raises(ValueError, match="80 characters, not 3"):
        shakespeare_clients(tmp_path / "short")
    write_leaf(tmp_path / "odd", {"X": (["é" + 79 * "a"], ["d"])})
    with pytest.raises(ValueError, match="'é' is not among"):
        shakespeare_clients(tmp_path / "odd")
    with pytest.raises(ValueError, match="incomplete or changed"):
        cifar_task(cifar10)  # these are not the real files
    with pytest.raises(FileNotFoundError, match=r"unpack cifar-100-python\.tar\.gz"):
        cifar_task(cifar10, "cifar100")
    with pytest.raises(ValueError, match="choose from cifar10"):
        cifar_task(cifar10, "mnist")
