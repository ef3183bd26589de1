"""FGSM and PGD against torchattacks: the same attacks, the same network, in one run.

    python -m benchmarks.attacks [--films 64] [--steps 10] [--threads 1]

torchattacks asks for a version of requests that is too old to be declared beside others:
`pip install --no-deps torchattacks==3.5.1`. Processor seconds, the least of three turns taken
alternately, films per second, and the largest difference between the two results: 0 for a number of
films that is a power of two. torchattacks takes the mean of the losses and we their sum; another
factor rounds differently, and where a gradient is nearly 0 that decides its sign.
"""

import argparse
import time

import torch

from course_lib.learning.film_classifier import load_film_classifier
from course_lib.robustness.attacks import fgsm, pgd


def seconds(action, store: list[float]) -> torch.Tensor:
    """The result of one call; its processor seconds are added to `store`."""
    start = time.process_time()
    result = action()
    store.append(time.process_time() - start)
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    try:
        import torchattacks
    except ImportError:
        print("torchattacks is missing: pip install --no-deps torchattacks==3.5.1")
        return
    torch.set_num_threads(given.threads)
    model, eps = load_film_classifier(0).model, 1 / 255
    random = torch.Generator().manual_seed(0)
    films = torch.rand((given.films, 1, 64, 64), generator=random)
    truth = torch.arange(given.films) % 6
    theirs = {
        "FGSM": torchattacks.FGSM(model, eps=eps),
        f"PGD, {given.steps} steps": torchattacks.PGD(
            model, eps, eps / 4, given.steps, random_start=False
        ),
    }
    ours = [
        lambda: fgsm(model, films, truth, eps),
        lambda: pgd(model, films, truth, eps, steps=given.steps, step_size=eps / 4),
    ]
    fgsm(model, films[:2], truth[:2], eps)  # the first call prepares kernels
    for (name, attack), mine in zip(theirs.items(), ours, strict=True):
        one: list[float] = []
        other: list[float] = []
        for _ in range(3):
            a = seconds(mine, one)
            b = seconds(lambda attack=attack: attack(films, truth), other)
        print(
            f"{name:14} {given.films / min(one):7.0f} films per CPU s, torchattacks "
            f"{given.films / min(other):7.0f}; ratio {min(other) / min(one):.2f}; "
            f"largest difference {(a - b).abs().max().item():g}"
        )


if __name__ == "__main__":
    main()
