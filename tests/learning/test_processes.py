"""Two processes train as one does: same cases per step, averaged gradients, same weights."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed

from course_lib.learning.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
import torch
from lightning_fabric import Fabric
sys.path[:0] = [{tests!r}, {root!r}]
from tiny_training import Stripes
from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit

torch.set_num_threads(1)
devices = int(sys.argv[1])
strategy = "ddp" if devices > 1 else "auto"
fabric = Fabric(accelerator="cpu", devices=devices, strategy=strategy, precision="32-true")
fabric.launch()
torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(400, 2)
)
plan = Plan(epochs=2, batch_size=16 // devices, learning_rate=0.01)
fit(model, Stripes(), Stripes(49, 1), MultiLabelLoss(), plan, sys.argv[2], fabric)
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_two_processes_train_like_one(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), root=str(ROOT)))
    for devices in (1, 2):
        command = [sys.executable, str(script), str(devices), str(tmp_path / str(devices))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
    one, two = (load_checkpoint(tmp_path / n / "run.pt") for n in "12")
    assert two["history"][1]["validation_loss"] == pytest.approx(
        one["history"][1]["validation_loss"], rel=1e-4
    )
    for key, value in one["model"].items():
        torch.testing.assert_close(two["model"][key], value, rtol=1e-3, atol=1e-5)
