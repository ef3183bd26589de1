"""How good the course's CheXNet is: its scores of 2,000 test films, and the patients behind them.

    python -m course_lib.evaluation.chexnet_results my_chexnet

reads test_scores.csv of a folder and writes auc.csv, with intervals, beside it.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.render import FilmPlan
from course_lib.evaluation.by_label import auc_by_label
from course_lib.learning.chexnet_training import PRESETS, SHOWN, TEST_SEED
from course_lib.learning.shipped import SHIPPED
from course_lib.patient.cohort import MORE_FINDINGS, PREVALENCE

TRUTH = "truth "


class ScoredFilms(NamedTuple):
    """N test films and K findings: score, target, known (N, K); patient (N,)."""

    findings: tuple[str, ...]
    score: NDArray[np.float64]
    target: NDArray[np.float64]
    known: NDArray[np.bool_]
    patient: NDArray

    def of(self, finding: str) -> tuple[NDArray, NDArray]:
        """Truth (0 or 1) and score of the films in which a finding is known."""
        k = self.findings.index(finding)
        here = self.known[:, k]
        return self.target[here, k], self.score[here, k]


def read_scores(folder: Path | str | None = None) -> ScoredFilms:
    """The table that a training run left in a folder; the course's own when none is named."""
    table = pd.read_csv(Path(folder or SHIPPED) / "test_scores.csv")
    findings = tuple(name for name in table if f"{TRUTH}{name}" in table)
    truth = table[[f"{TRUTH}{name}" for name in findings]].to_numpy(float)
    return ScoredFilms(
        findings,
        table[list(findings)].to_numpy(float),
        np.nan_to_num(truth),
        ~np.isnan(truth),
        table["patient"].to_numpy(str),
    )


def read_experiments(name: str, folder: Path | str | None = None) -> pd.DataFrame:
    """Rows of one recorded experiment: setting, seed, finding, positives, auc, ece."""
    table = pd.read_csv(Path(folder or SHIPPED) / "experiments.csv", dtype={"setting": str})
    return table[table["experiment"] == name].drop(columns="experiment").reset_index(drop=True)


def auc_table(scores: ScoredFilms) -> pd.DataFrame:
    """AUC of every finding with a 95% interval (DeLong, films of one patient kept together)."""
    return auc_by_label(scores.findings, scores.target, scores.score, scores.known, scores.patient)


def plan_of_tests() -> FilmPlan:
    """The virtual test cohort of the shipped network, as a plan: patients without their films.

    ``plan_of_tests().specs(2000)`` are the patients in the order of the scores;
    ``render_film`` makes the film of one of them.
    """
    chances = {name: (PREVALENCE | MORE_FINDINGS)[name] for name in SHOWN}
    return FilmPlan(TEST_SEED, PRESETS["laptop"].size, "PA", chances, studies_per_patient=1.5)


def main() -> None:
    """The command line: one folder."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.evaluation.chexnet_results")
    parser.add_argument("folder", type=Path, help="folder with test_scores.csv")
    folder = parser.parse_args().folder
    table = auc_table(read_scores(folder))
    table.to_csv(folder / "auc.csv", float_format="%.4f")
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
