"""The healthy twins of a hundred films: all in one batch against one film at a time.

    python -m benchmarks.latent_search [--films 100] [--steps 100] [--alone 3] [--threads 2]

One at a time is how AnoGAN's published programs do it: float32, batch of one. Ours, step by step:
in one batch; bfloat16 where the processor computes it; and from the encoder's guess with a quarter
of the steps. Processor and wall seconds for all films; "one at a time" is timed on a few.
"""

import argparse
import time

import torch

from course_lib.generative.latent_encoder import LatentEncoder
from course_lib.generative.latent_search import SearchPlan, search_twins
from course_lib.generative.shipped import load_generator, sample_films


def timed(action):
    """Processor and wall seconds of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    action()
    return time.process_time() - processor, time.perf_counter() - wall


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--alone", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    generator = load_generator("normal")
    films = sample_films(generator, given.films, seed=9)
    encoder = LatentEncoder(generator.resolution, generator.latent_size).eval()

    def search(some, **plan):
        start = encoder if plan.pop("encoder", False) else None
        search_twins(generator, some, SearchPlan(**plan), start=start, progress=False)

    def one_at_a_time():
        for one in films[: given.alone].split(1):
            search(one, steps=given.steps, fast=False)

    search(films[:1], steps=2)  # the first call prepares kernels
    print(f"{given.films} films of {generator.resolution} pixels, {given.threads} threads")
    processor, wall = (value * given.films / given.alone for value in timed(one_at_a_time))
    base = processor
    rows = [
        ("one batch", {"steps": given.steps, "fast": False}),
        ("... with bfloat16", {"steps": given.steps}),
        ("... from an encoder, a quarter", {"steps": given.steps // 4, "encoder": True}),
    ]
    print(f"{'one at a time, scaled up':32}{processor:8.1f} CPU s {wall:8.1f} s wall   1.0")
    for name, plan in rows:
        processor, wall = timed(lambda plan=plan: search(films, **plan))
        print(f"{name:32}{processor:8.1f} CPU s {wall:8.1f} s wall {base / processor:5.1f}")


if __name__ == "__main__":
    main()
