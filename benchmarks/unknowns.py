"""Mahalanobis and k-NN scores of 10,000 films' features against pytorch-ood and scikit-learn.

    python -m benchmarks.unknowns

90 features as those of the film classifier; 10,000 known films are learned from, 10,000 are scored.
All in one run on the same threads; the scores are compared before the times are.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_ood.detector import KNN, Mahalanobis
from sklearn.neighbors import NearestNeighbors

from course_lib.robustness.unknown.distances import Neighbours, TiedGaussians, on_sphere

FILMS, FEATURES, K = 10_000, 90, 10


def timed(work: Callable[[], NDArray], repeats: int = 3) -> tuple[float, float, NDArray]:
    """Least processor seconds, least seconds on the clock, and the last result."""
    spent, passed = [], []
    for _ in range(repeats):
        cpu, clock = time.process_time(), time.perf_counter()
        result = work()
        spent.append(time.process_time() - cpu)
        passed.append(time.perf_counter() - clock)
    return min(spent), min(passed), result


def main() -> None:
    """Print one line per method and the ratios."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    mixture = rng.normal(size=(FEATURES, FEATURES))
    known, new = (np.abs(rng.normal(size=(FILMS, FEATURES)) @ mixture) for _ in range(2))
    classes = rng.integers(0, 6, FILMS)
    gaussians, neighbours = TiedGaussians.fit(known, classes), Neighbours.fit(known, K)
    labels, peer_known = torch.from_numpy(classes), torch.from_numpy(known).float()
    peer = Mahalanobis(None).fit_features(peer_known, labels)
    peer_k = KNN(None, k=K, normalize=True).fit_features(peer_known, labels)
    plain = NearestNeighbors(n_neighbors=K).fit(on_sphere(known))
    asked = torch.from_numpy(new).float()
    rows = {
        "Mahalanobis, ours": lambda: gaussians.score(new),
        "Mahalanobis, pytorch-ood": lambda: peer.predict_features(asked).numpy(),
        "neighbours, ours": lambda: neighbours.score(new),
        "neighbours, pytorch-ood": lambda: peer_k.predict_features(asked).numpy(),
        "neighbours, scikit-learn": lambda: plain.kneighbors(on_sphere(new))[0][:, -1],
    }
    results = {name: timed(work) for name, work in rows.items()}
    for name, (cpu, clock, _) in results.items():
        ours = results[f"{name.split(',')[0]}, ours"][0]
        print(f"{name:26s} {cpu:6.3f} s of processor, {clock:6.3f} s, {cpu / ours:6.2f} x ours")
    close = np.abs(results["neighbours, ours"][2] - results["neighbours, scikit-learn"][2]).max()
    print(f"largest difference of the neighbours' distances: {close:.1g}")


if __name__ == "__main__":
    main()
