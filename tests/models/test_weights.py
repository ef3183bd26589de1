"""A checkpoint is loaded completely or not at all, and never executed."""

import re
import urllib.error

import pytest
import torch
import torchvision

from course_lib.models.densenet import DenseNet, published_densenet
from course_lib.models.weights import (
    CheckpointMismatch,
    UnreadableCheckpoint,
    imagenet_weights,
    load_weights,
    modern_name,
    read_checkpoint,
)


def small(**options) -> DenseNet:
    return DenseNet(4, (2, 2), 8, **{"num_classes": 3, "in_channels": 3, **options})


def old_style(state: dict, prefix: str = "module.") -> dict:
    """Rename as PyTorch 0.3 with data-parallel training wrote it; drop counters, as it did."""
    numbered = re.compile(r"(denselayer\d+\.(?:norm|conv))([12])\.")
    return {
        prefix + numbered.sub(r"\1.\2.", name): tensor
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }


@pytest.fixture(scope="module")
def published() -> dict:
    torch.manual_seed(1)
    return torchvision.models.densenet121(weights=None, num_classes=14).state_dict()


def test_old_chexnet_checkpoint_loads_completely(published, tmp_path):
    old = old_style(published, "module.densenet121.")
    old = {re.sub(r"classifier\.", "classifier.0.", name): t for name, t in old.items()}
    assert len(old) == 606
    model = published_densenet("densenet121", 14)
    untouched = sum(name in model.state_dict() for name in old)
    assert untouched == 0, "strict=False would have loaded nothing, in silence"
    path = tmp_path / "chexnet.pth.tar"
    torch.save({"epoch": 3, "state_dict": old, "best_loss": 0.1}, path)
    report = load_weights(model, path)
    assert len(report.matched) == 606
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor, published[name]), name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("module.features.norm0.weight", "features.norm0.weight"),
        (
            "module.features.denseblock1.denselayer1.norm.1.running_var",
            "features.denseblock1.denselayer1.norm1.running_var",
        ),
        ("features.transition1.norm.weight", "features.transition1.norm.weight"),
        ("classifier.0.bias", "classifier.bias"),
        ("features.denseblock4.denselayer16.conv2.weight",) * 2,
    ],
)
def test_names_are_modernised(old, new):
    assert modern_name(old) == new


def test_checkpoint_that_fits_in_part_is_refused_and_nothing_changes():
    model = small()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = {name: tensor + 1 for name, tensor in before.items()}
    del state["features.norm0.weight"]
    state["something.else"] = torch.zeros(2)
    state["classifier.weight"] = torch.zeros(7, before["classifier.weight"].shape[1])
    with pytest.raises(CheckpointMismatch) as caught:
        load_weights(model, state)
    report = caught.value.report
    assert report.missing == ("features.norm0.weight",)
    assert report.unexpected == ("something.else",)
    assert len(report.wrong_shape) == 1 and "classifier.weight" in report.wrong_shape[0]
    assert len(report.matched) == len(before) - 2
    assert "1 missing" in str(caught.value)
    assert all(torch.equal(before[n], t) for n, t in model.state_dict().items())


def test_unrelated_checkpoint_is_refused():
    with pytest.raises(CheckpointMismatch, match="0 tensors matched"):
        load_weights(small(), torchvision.models.resnet18(weights=None).state_dict())


def test_new_head_is_explicit_and_reported():
    torch.manual_seed(0)
    source, model = small(num_classes=10), small(num_classes=2)
    head = model.classifier.weight.clone()
    with pytest.raises(CheckpointMismatch):
        load_weights(model, source.state_dict())
    report = load_weights(model, source.state_dict(), new_head=True)
    assert report.left_new == ("classifier.bias", "classifier.weight")
    assert torch.equal(model.classifier.weight, head)
    assert torch.equal(model.features.conv0.weight, source.features.conv0.weight)


def test_grey_stem_equals_a_film_repeated_three_times():
    torch.manual_seed(0)
    colour, grey = small().eval(), small(in_channels=1).eval()
    with pytest.raises(CheckpointMismatch, match="conv0"):
        load_weights(grey, colour.state_dict())
    load_weights(grey, colour.state_dict(), grey_from_colour=True)
    film = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(grey(film), colour(film.expand(-1, 3, -1, -1)))


class Attack:
    """Pickles into a call; a reader that executes it creates the file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


def test_checkpoint_cannot_execute_code(tmp_path):
    trap = tmp_path / "executed"
    torch.save({"state_dict": Attack(trap)}, tmp_path / "evil.pt")
    with pytest.raises(UnreadableCheckpoint, match="execute code"):
        read_checkpoint(tmp_path / "evil.pt")
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_damaged_files_name_the_file(tmp_path, content):
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    with pytest.raises(UnreadableCheckpoint, match=r"broken\.pt"):
        read_checkpoint(path)


def test_cut_checkpoints_are_refused(tmp_path):
    torch.save(small().state_dict(), tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        path = tmp_path / "cut.pt"
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(UnreadableCheckpoint):
            read_checkpoint(path)


def test_missing_file_and_wrong_content(tmp_path):
    with pytest.raises(UnreadableCheckpoint, match="no such file"):
        read_checkpoint(tmp_path / "nowhere.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(UnreadableCheckpoint, match="no state dict"):
        read_checkpoint(tmp_path / "list.pt")


def test_imagenet_weights_without_a_network(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_network(*args, **kwargs):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    with pytest.raises(ConnectionError, match="densenet121"):
        imagenet_weights("densenet121")
    with pytest.raises(ValueError, match="densenet264"):
        imagenet_weights("densenet264")


def test_imagenet_weights_kept_on_this_computer_fit(monkeypatch, tmp_path):
    """torchvision's own file has old names; a stand-in with them loads into a 14-output network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(2)
    state = torchvision.models.densenet121(weights=None).state_dict()
    url = torchvision.models.DenseNet121_Weights.DEFAULT.url
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(old_style(state, ""), folder / url.rsplit("/", 1)[1])
    model = published_densenet("densenet121", 14, in_channels=1)
    report = load_weights(
        model, imagenet_weights("densenet121"), new_head=True, grey_from_colour=True
    )
    assert len(report.matched) == 604
    expected = state["features.conv0.weight"].sum(1, keepdim=True)
    assert torch.equal(model.features.conv0.weight, expected)
