"""Thirteen networks on one batch of films: the course's way against thirteen plain passes.

    python -m benchmarks.scxnn_inference [--size 224] [--films 8] [--backbone densenet121]

Plain: each network whole (decoder too), float32, usual memory layout, torch.no_grad. Ours, step by
step: no decoder; inference mode; channels last; bfloat16 where the processor computes it. Processor
seconds, the best of three, all in this run; and how far the answers move.
"""

import argparse
import time

import torch

from course_lib.learning.device import best_precision
from course_lib.models.scxnn import DiseaseNetwork


def seconds(action, rounds=3):
    """Least processor time of some rounds."""
    action()  # the first one prepares kernels
    times = []
    for _ in range(rounds):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--films", type=int, default=8)
    parser.add_argument("--backbone", default="densenet121")
    parser.add_argument("--networks", type=int, default=13)
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    networks = [DiseaseNetwork(given.backbone).eval() for _ in range(given.networks)]
    films = torch.rand(given.films, 1, given.size, given.size)

    @torch.no_grad()
    def plain():
        return torch.stack([network(films)[0] for network in networks])

    @torch.inference_mode()
    def heads(films=films, fast=False):
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            return torch.stack([network.encoder(films).float() for network in networks])

    base = seconds(plain)
    print(f"{given.networks} x {given.backbone}, {given.films} films of {given.size} pixels")
    print(f"{'plain, whole networks':42}{base:8.2f} s   1.00")
    rows = [("without decoder, inference mode", heads)]
    flat = films.contiguous(memory_format=torch.channels_last)
    for name, action in rows:
        print(f"{name:42}{(t := seconds(action)):8.2f} s  {base / t:5.2f}")
    exact = heads()
    for network in networks:
        network.to(memory_format=torch.channels_last)
    print(
        f"{'... and channels last':42}{(t := seconds(lambda: heads(flat))):8.2f} s  {base / t:5.2f}"
    )
    fast = best_precision() == "bf16-mixed"
    t = seconds(lambda: heads(flat, fast))
    name = "... and bfloat16 (Scxnn.logits)" if fast else "(no bfloat16 on this processor)"
    print(f"{name:42}{t:8.2f} s  {base / t:5.2f}")
    print(f"largest change of a logit: {(heads(flat, fast) - exact).abs().max():.4f}")


if __name__ == "__main__":
    main()
