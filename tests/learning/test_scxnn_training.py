"""SCXNN is trained in its phases, joined, kept and asked; and the published size really trains."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.data.item import ImageItem, Label
from course_lib.data.scxnn_cohort import split_hard
from course_lib.learning.checkpoint import CheckpointError
from course_lib.learning.plan import Plan
from course_lib.learning.scxnn_config import ScxnnConfig, scxnn_config
from course_lib.learning.scxnn_loss import ScxnnLoss
from course_lib.learning.scxnn_screening import (
    Scxnn,
    load_scxnn,
    rounded,
    save_scxnn,
    sensitive_threshold,
)
from course_lib.learning.scxnn_training import (
    _arguments,
    config_of,
    fit_screening,
    new_network,
    prepare_parts,
    start_weights,
    train_disease,
    train_networks,
)
from course_lib.models.scxnn import DiseaseNetwork
from course_lib.patient.risk import THIRTEEN

TWO = ("nodule", "pleural_effusion")


def film(disease, number):
    """A noisy film; a bright blob high up is a nodule, a bright floor an effusion."""
    random = np.random.default_rng(number)
    image = random.random((48, 48)).astype(np.float32) * 0.5
    mask = np.zeros((48, 48), dtype=bool)
    if disease == "nodule":
        row, column = random.integers(6, 24, 2)
        mask[row : row + 7, column : column + 7] = True
    if disease == "pleural_effusion":
        mask[40:] = True
    image[mask] += 0.5
    labels = dict.fromkeys(THIRTEEN, Label.ABSENT)
    masks = {}
    if disease:
        labels[disease], masks[disease] = Label.PRESENT, mask
    return ImageItem(patient_id=f"p{number}", labels=labels, image=image, masks=masks)


def films(n, first):
    return [film((None, *TWO)[i % 3], first + i) for i in range(n)]


SMALL = ScxnnConfig(
    size=48,
    backbone="laptop",
    start="common",
    diseases=TWO,
    first=Plan(epochs=2, batch_size=8, learning_rate=3e-3),
    hard=Plan(epochs=4, batch_size=8, learning_rate=3e-3),
    weak=Plan(epochs=2, batch_size=8, learning_rate=1e-3),
)


@pytest.fixture(scope="module")
def parts():
    return prepare_parts(split_hard(films(180, 0), films(60, 1000)), SMALL)


@pytest.fixture(scope="module")
def trained(parts, tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("scxnn")
    scxnn, rows = train_networks(SMALL, parts, folder)
    return fit_screening(scxnn, parts.weak, parts.validation), rows, folder


def test_the_loss_is_the_formula_of_the_thesis():
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 1.0]])
    painted, lesion = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    batch = {"image": torch.zeros(2, 1, 4, 4), "class": torch.tensor([0, 2]), "lesion": lesion}
    likely = torch.softmax(logits, 1)[[0, 1], [0, 2]]
    expected = -likely.log().mean() + 0.8 * ((painted - lesion) ** 2).mean()
    assert torch.isclose(ScxnnLoss(0.8)(lambda _: (logits, painted), batch), expected)
    assert torch.isclose(ScxnnLoss(0.8)(lambda _: (logits, None), batch), -likely.log().mean())
    with pytest.raises(ValueError, match="0 or more"):
        ScxnnLoss(-1)


def test_both_phases_are_run_and_logged(trained):
    _, rows, _ = trained
    phases = [(row["disease"], row["phase"]) for row in rows]
    assert phases == [(d, p) for d in TWO for p in ["hard"] * 4 + ["weak"] * 2]
    assert rows[3]["train_loss"] < rows[0]["train_loss"]


def test_a_trained_pair_finds_what_it_was_shown(trained):
    scxnn = trained[0]
    unseen = films(90, 5000)
    screening = scxnn.screen(unseen)
    truth = np.array([Label.PRESENT in item.labels.values() for item in unseen])
    assert (screening.abnormal == truth).mean() > 0.9
    effusion = np.array([item.label("pleural_effusion") is Label.PRESENT for item in unseen])
    assert ((screening.votes[:, 1] == 1) == effusion).mean() > 0.9


def test_the_weak_phase_changes_the_head_alone(parts):
    torch.manual_seed(0)
    start = start_weights(SMALL, parts)
    both, _ = train_disease(SMALL, parts, "nodule", start=start)
    no_weak = replace(parts, weak=prepare_parts(split_hard(films(60, 0), films(1, 3)), SMALL).weak)
    hard_only, rows = train_disease(SMALL, no_weak, "nodule", start=start)
    assert {row["phase"] for row in rows} == {"hard"}, "no weak film of the target: no second phase"
    different = {
        name
        for name, value in both.state_dict().items()
        if not torch.equal(value, hard_only.state_dict()[name])
    }
    assert different == {"encoder.classifier.weight", "encoder.classifier.bias"}


def test_training_again_in_the_same_folder_repeats_nothing_and_gives_the_same(trained, parts):
    scxnn, rows, folder = trained
    again, same = train_networks(SMALL, parts, folder)
    assert same == rows
    for name, value in scxnn.networks["nodule"].state_dict().items():
        assert torch.equal(again.networks["nodule"].state_dict()[name], value)


def test_what_is_saved_answers_as_before(trained, tmp_path):
    scxnn = trained[0]
    save_scxnn(scxnn, tmp_path)
    loaded = load_scxnn(tmp_path)
    before, after = scxnn.screen(films(12, 9000)), loaded.screen(films(12, 9000))
    assert np.array_equal(before.logits, after.logits)
    assert np.array_equal(before.abnormal, after.abnormal) and before.threshold == after.threshold


def test_every_kind_of_films_gets_the_same_answer(trained, parts):
    scxnn = trained[0]
    source = films(10, 9000)
    pictures = [item.image for item in source]
    prepared = prepare_parts(split_hard(films(60, 0), source), SMALL).weak
    answers = [scxnn.screen(one) for one in (source, pictures, prepared, prepared.tensor())]
    for answer in answers[1:]:
        assert np.array_equal(answer.score, answers[0].score)
    small = scxnn.screen(source, batch_size=3)
    assert np.allclose(small.score, answers[0].score, atol=0.05)
    with pytest.raises(ValueError, match="prepared films"):
        scxnn.screen(torch.zeros(2, 1, 64, 64))


def test_a_screening_can_be_read(trained):
    screening = trained[0].screen(films(12, 9000))
    assert screening.logits.shape == (12, 2, 3)
    assert np.allclose(screening.probability.sum(2), 1)
    named = screening.suspected(1, least=0.0)
    assert [p for _, p in named] == sorted((p for _, p in named), reverse=True)
    assert named[0][0] == "nodule"


def test_without_second_classifier_there_are_logits_but_no_answer():
    scxnn = Scxnn({"nodule": DiseaseNetwork()}, 48)
    assert scxnn.logits([np.zeros((48, 48), np.float32)]).shape == (1, 1, 3)
    with pytest.raises(ValueError, match="fit_screening"):
        scxnn.screen([np.zeros((48, 48), np.float32)])


def test_the_operating_point_misses_exactly_as_many_as_allowed():
    scores = np.random.default_rng(0).normal(size=1000)
    for wanted in (0.9, 0.97, 0.99, 1.0):
        found = (scores > sensitive_threshold(scores, wanted)).mean()
        assert found == pytest.approx(wanted, abs=1e-12)
    with pytest.raises(ValueError, match="sensitivity"):
        sensitive_threshold(scores, 0.0)


def test_two_classes_leave_the_other_diseases_out(parts):
    plan = replace(SMALL.hard, epochs=1)
    config = replace(SMALL, classes=2, start="random", hard=plan, weak=plan, task="none")
    network, _ = train_disease(config, parts, "nodule")
    assert Scxnn({"nodule": network}, 48).logits(films(3, 0)).shape == (3, 1, 2)


def test_weights_in_16_bits_stay_weights_in_16_bits():
    torch.manual_seed(1)
    once = rounded(DiseaseNetwork())
    twice = rounded(once)
    assert all(torch.equal(a, twice.state_dict()[n]) for n, a in once.state_dict().items())


def test_a_damaged_or_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_scxnn(tmp_path)
    torch.save({"networks": {}}, tmp_path / "scxnn.pt")
    with pytest.raises(CheckpointError, match="whole SCXNN"):
        load_scxnn(tmp_path)


def test_the_command_changes_the_settings_it_names():
    words = "--preset laptop --out x --reconstruction-weight 0.2 --equalise histogram --classes 2"
    config = config_of(_arguments().parse_args([*words.split(), "--epochs", "3"]))
    laptop = scxnn_config("laptop")
    expected = replace(laptop, reconstruction_weight=0.2, equalise="histogram", classes=2)
    assert config == replace(expected, hard=replace(laptop.hard, epochs=3))


def test_the_paper_preset_is_the_thesis():
    paper = scxnn_config("paper")
    assert (paper.size, paper.backbone, paper.start) == (1024, "densenet121", "imagenet")
    assert (paper.reconstruction_weight, paper.classes, len(paper.diseases)) == (0.8, 3, 13)
    plan = paper.hard
    assert (plan.epochs, plan.batch_size, plan.learning_rate) == (300, 4, 1e-3)
    assert (plan.schedule, plan.halve_after, plan.lowest_rate) == ("halving", 50, 1e-4)
    assert plan.weight_decay == 5e-4
    with pytest.raises(ValueError, match="baldness"):
        replace(paper, diseases=("baldness",))


STEP = """
import json, resource, time, torch
from dataclasses import replace
from course_lib.learning.device import one_device
from course_lib.learning.scxnn_config import scxnn_config
from course_lib.learning.scxnn_loss import ScxnnLoss
from course_lib.learning.scxnn_training import new_network
torch.set_num_threads(2)
config = replace(scxnn_config("paper"), start="random")
network = new_network(config, 0).to(memory_format=torch.channels_last)
stem = network.encoder.features.conv0.weight.clone()
fabric = one_device()
net, optimiser = fabric.setup(network, torch.optim.Adam(network.parameters(), 1e-3))
batch = {"image": torch.rand(1, 1, 1024, 1024), "class": torch.tensor([1]),
         "lesion": torch.rand(1, 1, 1024, 1024)}
start = time.process_time()
loss = ScxnnLoss(0.8)(net, batch)
fabric.backward(loss)
optimiser.step()
seconds = time.process_time() - start
with torch.inference_mode(), fabric.autocast():
    logits, painted = network.eval()(batch["image"])
print(json.dumps({"loss": loss.item(), "seconds": seconds, "logits": logits.shape,
    "painted": painted.shape, "finite": bool(logits.isfinite().all()),
    "moved": (network.encoder.features.conv0.weight - stem).abs().max().item(),
    "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))
"""


def test_the_published_size_takes_one_real_training_step():
    """DenseNet-121 with decoder on a 1024-pixel film: forward, backward, Adam, and one answer."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", STEP], cwd=root, capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["logits"] == [1, 3] and result["painted"] == [1, 1, 1024, 1024]
    assert result["finite"] and 0 < result["loss"] < 100
    assert result["moved"] > 1e-4, "Adam moves every weight by about its rate in the first step"
    assert result["gb"] < 6
    assert result["seconds"] < 120


def test_a_new_network_starts_from_where_it_is_told(parts):
    start = start_weights(SMALL, parts)
    one, other = new_network(SMALL, 1, start), new_network(SMALL, 2, start)
    kernel = "encoder.features.conv0.weight"
    assert torch.equal(one.state_dict()[kernel], other.state_dict()[kernel])
    assert torch.equal(one.state_dict()[kernel], start["features.conv0.weight"])
    assert not torch.equal(one.encoder.classifier.weight, other.encoder.classifier.weight)
    assert start_weights(replace(SMALL, start="random"), parts) is None


def test_the_whole_command_leaves_all_that_is_needed(tmp_path, monkeypatch):
    """Virtual patients, tiny: networks, start, log and settings are written and can be used."""
    from course_lib.learning.scxnn_start import load_start
    from course_lib.learning.scxnn_training import train

    tiny = replace(
        SMALL,
        size=32,
        scale=0.004,
        fewest=12,
        hard=replace(SMALL.hard, epochs=1),
        weak=replace(SMALL.weak, epochs=1),
        first=replace(SMALL.first, epochs=1),
    )
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    scxnn = train(tiny, tmp_path / "out")
    assert scxnn.diseases == TWO
    saved = load_scxnn(tmp_path / "out")
    assert np.array_equal(saved.screen(films(3, 0)).score, scxnn.screen(films(3, 0)).score)
    network = new_network(tiny, 0, load_start(tmp_path / "out"))
    assert network.encoder.classifier.out_features == 3
    log = (tmp_path / "out" / "training_log.csv").read_text().splitlines()
    assert log[0].startswith("disease,phase,epoch,train_loss,validation_loss")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["size"] == 32 and config["diseases"] == list(TWO)
