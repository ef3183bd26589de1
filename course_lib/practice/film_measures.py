"""How good the network is on films whose labels are given: AUC, and whether its promises hold."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_lib.evaluation.by_label import auc_by_label
from course_lib.evaluation.calibration import calibration_error, reliability
from course_lib.learning.shipped import Chexnet
from course_lib.practice.film_reading import FilmReading

BINS = 10


@dataclass(frozen=True, eq=False)
class Measured:
    """AUC with interval and calibration error by finding, and of all findings together.

    table: positives, negatives, auc, low, high, ece; findings without a known label left out.
    curve: reliability diagram as base64 PNG.
    """

    table: pd.DataFrame
    ece: float
    cases: int
    curve: str


def measure(readings: Sequence[FilmReading], chexnet: Chexnet) -> Measured | None:
    """Compare scores with the films' labels; None if there is no label for any finding.

    Uncertain labels and those not mentioned are left out.
    """
    if not readings:
        return None
    labels = [one.record.label_vector(chexnet.findings) for one in readings]
    truth, known = (np.stack(part) for part in zip(*labels, strict=True))
    if not known.any():
        return None
    score = np.array([_scores(one, chexnet.findings) for one in readings])
    patients = np.array([one.record.patient_id for one in readings])
    table = auc_by_label(chexnet.findings, truth, score, known, patients)
    promised = chexnet.probability(score)
    table["ece"] = [
        calibration_error(truth[:, k], promised[:, k], BINS, known=known[:, k])
        for k in range(len(chexnet.findings))
    ]
    table = table[table["positives"] + table["negatives"] > 0]
    together = truth[known], promised[known]
    ece = calibration_error(*together, BINS)
    return Measured(table, ece, int(known.sum()), _curve(*together))


def _scores(one: FilmReading, findings: Sequence[str]) -> list[float]:
    by_name = {score.finding: score.score for score in one.scores}
    return [by_name[finding] for finding in findings]


def _curve(truth: NDArray, promised: NDArray) -> str:
    """A reliability diagram: promised against observed, with intervals and numbers of cases."""
    bins = reliability(truth, promised, BINS)
    x = [point.promised for point in bins]
    low = [point.observed - point.interval.low for point in bins]
    high = [point.interval.high - point.observed for point in bins]
    figure = Figure(figsize=(4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], ":", color="grey", label="promises kept")
    axes.errorbar(
        x, [p.observed for p in bins], yerr=[low, high], fmt="o-", color="#0072B2", capsize=3
    )
    for point in bins:
        axes.annotate(f"{point.cases}", (point.promised, point.observed), (4, 4),
                      textcoords="offset points", fontsize=8)  # fmt: skip
    axes.set(xlabel="promised share", ylabel="share of your labels", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode("ascii")
