"""A run is killed, really killed, and goes on as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny_training import Stripes, small_net, train_in

from course_lib.data.files import write_whole
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit

SCRIPT = Path(__file__).with_name("tiny_training.py")
ROOT = Path(__file__).parents[2]


def start(folder, pause_s):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), str(pause_s)], env=environment
    )


def epochs_done(folder):
    path = folder / "run.pt"
    return len(load_checkpoint(path)["history"]) if path.exists() else 0


def weights(folder):
    saved = load_checkpoint(folder / "run.pt")
    return {**saved["model"], **{f"best.{key}": value for key, value in saved["best"].items()}}


def test_kill_minus_nine_again_and_again(tmp_path):
    """SIGKILL at arbitrary moments of three starts; the end is that of an undisturbed run."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert start(whole, 0).wait(timeout=120) == 0
    moments = random.Random(4)
    reached = 0
    for _ in range(3):
        process = start(broken, 0.004)
        deadline = time.monotonic() + 120
        while epochs_done(broken) <= reached and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert epochs_done(broken) > reached, "a finished epoch was lost"
        reached = epochs_done(broken)
    assert reached < 6, "the run was over before it was killed; this test proved nothing"
    assert start(broken, 0).wait(timeout=120) == 0
    expected, got = weights(whole), weights(broken)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[key], got[key]) for key in expected)
    assert not list(broken.glob("*.tmp"))


@pytest.mark.parametrize("schedule", ["cosine", "plateau", "halving", "constant"])
@pytest.mark.parametrize("stop_after", [1, 3])
def test_an_interrupted_run_continues_to_the_same_bits(tmp_path, schedule, stop_after, monkeypatch):
    from course_lib.learning.run import Run

    model, history = train_in(tmp_path / "whole", schedule=schedule)
    original = Run.end_epoch

    def power_cut(self, *values):
        if len(self.history) == stop_after:
            raise KeyboardInterrupt
        original(self, *values)

    monkeypatch.setattr(Run, "end_epoch", power_cut)
    with pytest.raises(KeyboardInterrupt):
        train_in(tmp_path / "cut", schedule=schedule)
    monkeypatch.setattr(Run, "end_epoch", original)
    again, resumed = train_in(tmp_path / "cut", schedule=schedule)
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)
    columns = ("epoch", "train_loss", "validation_loss", "learning_rate")
    assert [[row[c] for c in columns] for row in resumed] == [
        [row[c] for c in columns] for row in history
    ]


def test_a_finished_run_is_not_trained_again(tmp_path):
    model, history = train_in(tmp_path, epochs=2)
    stamp = (tmp_path / "run.pt").stat().st_mtime_ns
    again, same = train_in(tmp_path, epochs=2)
    assert (tmp_path / "run.pt").stat().st_mtime_ns == stamp
    assert same == history
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


def test_a_run_of_other_settings_is_refused(tmp_path):
    train_in(tmp_path, epochs=1)
    plan = Plan(epochs=1, batch_size=8, learning_rate=0.01, seed=3)
    with pytest.raises(CheckpointError, match="batch_size 16 there, 8 now"):
        fit(small_net(), Stripes(), Stripes(48, 1), MultiLabelLoss(), plan, tmp_path)


def test_another_model_is_refused(tmp_path):
    train_in(tmp_path, epochs=1)
    plan = Plan(epochs=1, batch_size=16, learning_rate=0.01, seed=3)
    other = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 2))
    with pytest.raises(CheckpointError, match="another model"):
        fit(other, Stripes(), Stripes(48, 1), MultiLabelLoss(), plan, tmp_path)


def test_a_constant_rate_run_can_be_prolonged(tmp_path):
    whole, _ = train_in(tmp_path / "whole", epochs=4, schedule="constant")
    train_in(tmp_path / "parts", epochs=2, schedule="constant")
    longer, history = train_in(tmp_path / "parts", epochs=4, schedule="constant")
    assert len(history) == 4
    assert torch.equal(longer[0].weight, whole[0].weight)


@pytest.mark.parametrize("keep", [0, 1, 100, 3000, -1])
def test_a_damaged_checkpoint_is_one_clear_error(tmp_path, keep):
    train_in(tmp_path, epochs=1)
    data = (tmp_path / "run.pt").read_bytes()
    (tmp_path / "run.pt").write_bytes(data[:keep])
    with pytest.raises(CheckpointError, match=r"run\.pt .*delete it to start again"):
        train_in(tmp_path, epochs=1)


def test_a_checkpoint_is_read_without_executing_it(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"model": Harmful()}, tmp_path / "gift.pt")
    with pytest.raises(CheckpointError, match="cannot be read|can be read safely"):
        load_checkpoint(tmp_path / "gift.pt")
    assert not (tmp_path / "executed").exists()


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "run.pt"
    save_checkpoint(path, {"value": torch.ones(2)})

    def full_disk(file):
        file.write(b"half")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, full_disk)
    assert torch.equal(load_checkpoint(path)["value"], torch.ones(2))
    assert list(tmp_path.iterdir()) == [path]
