"""Two processes grow one network: after every phase both hold the same weights."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed
from tiny_growth import same

from course_lib.generative.shipped import load_generator

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
import torch
from lightning_fabric import Fabric
sys.path[:0] = [{tests!r}, {root!r}]
from tiny_growth import half_bright, tiny
from course_lib.generative.growth import Growth
from course_lib.generative.shipped import save_generator

torch.set_num_threads(1)
fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp", precision="32-true")
fabric.launch()
growth = Growth(tiny(), fabric, sys.argv[1])
films = half_bright()
for _ in range(7):  # into the middle of the second fade
    growth.step(films)
for name in ("average", "generator"):
    save_generator(getattr(growth, name), f"{{sys.argv[1]}}/{{name}}{{fabric.global_rank}}.pt")
# What the critic has learned is compared by its scores, bit for bit.
scores = growth.critic(torch.linspace(-1, 1, 1024).view(4, 1, 16, 16))
torch.save(scores.detach(), f"{{sys.argv[1]}}/scores{{fabric.global_rank}}.pt")
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_two_processes_end_with_equal_weights(tmp_path):
    script = tmp_path / "grow.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), root=str(ROOT)))
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("average", "generator"):
        assert same(*(load_generator(tmp_path / f"{name}{rank}.pt") for rank in (0, 1))), name
    one, two = (torch.load(tmp_path / f"scores{rank}.pt", weights_only=True) for rank in (0, 1))
    assert torch.equal(one, two)
    assert (tmp_path / "run.pt").exists()
