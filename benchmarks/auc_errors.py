"""Standard error of an AUC: DeLong by ranks against all pairs and against a bootstrap, in one run.

CPU seconds on one thread. The quadratic form is the definition, in blocks so that it fits into
memory; the bootstrap is the usual recipe with scikit-learn's ``roc_auc_score``, timed on a few
resamples and scaled to 2,000. Prints ratios, and that all of them agree.
"""

import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import roc_auc_score

from course_lib.evaluation.delong import compare_aucs, delong

CASES, RESAMPLES, TIMED = 100_000, 2_000, 20


def two_scores(cases: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truths with 10 % positives and two correlated scores."""
    random = np.random.default_rng(seed)
    truth = (random.random(cases) < 0.1).astype(int)
    common = random.normal(size=cases) + 1.4 * truth
    return truth, common + random.normal(size=cases), common + random.normal(size=cases)


def all_pairs(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """z of the paired comparison from the definition: every positive against every negative."""
    spread = []
    for score in (first, second):
        positive, negative = score[truth == 1], score[truth == 0]
        of_positive, of_negative = [], np.zeros(negative.size)
        for block in np.array_split(positive, max(1, positive.size * negative.size // 20_000_000)):
            wins = (block[:, None] > negative) + 0.5 * (block[:, None] == negative)
            of_positive.append(wins.mean(axis=1))
            of_negative += wins.sum(axis=0)
        spread.append((np.concatenate(of_positive), of_negative / positive.size))
    difference = [one - two for one, two in zip(*spread, strict=True)]
    variance = sum(part.var(ddof=1) / part.size for part in difference)
    return float(difference[0].mean() / np.sqrt(variance))


def bootstrap_error(truth: np.ndarray, score: np.ndarray, rounds: int) -> float:
    """Standard deviation of scikit-learn's AUC over resamples of the cases."""
    random = np.random.default_rng(0)
    areas = []
    for _ in range(rounds):
        rows = random.integers(truth.size, size=truth.size)
        areas.append(roc_auc_score(truth[rows], score[rows]))
    return float(np.std(areas, ddof=1))


def timed(work: Callable[[], float], repeats: int = 1) -> tuple[float, float]:
    """The result and the CPU seconds of one call (the least of the repeats)."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        value = work()
        seconds.append(time.process_time() - start)
    return value, min(seconds)


def main() -> None:
    """Print the table."""
    truth, first, second = two_scores(CASES, seed=1)
    z, ranks_s = timed(lambda: compare_aucs(truth, first, second).z, repeats=5)
    slow_z, pairs_s = timed(lambda: all_pairs(truth, first, second))
    error, one_s = timed(lambda: delong(truth, first).standard_error, repeats=5)
    drawn, few_s = timed(lambda: bootstrap_error(truth, first, TIMED))
    whole_s = few_s * RESAMPLES / TIMED
    patients = np.arange(CASES) // 3
    _, clustered_s = timed(
        lambda: compare_aucs(truth, first, second, patients=patients).z, repeats=5
    )
    print(f"{CASES:,} cases x 2 scores, paired: {ranks_s:.3f} s by ranks (z = {z:.4f})")
    print(f"  by patient: {clustered_s:.3f} s")
    print(f"  all pairs: {pairs_s:.1f} s (z = {slow_z:.4f}); ratio {pairs_s / ranks_s:.0f}")
    print(f"one score: {one_s:.3f} s by ranks (error {error:.5f})")
    print(f"  {RESAMPLES:,} resamples with scikit-learn: {whole_s:.0f} s "
          f"(error {drawn:.5f} from {TIMED}); ratio {whole_s / one_s:.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
