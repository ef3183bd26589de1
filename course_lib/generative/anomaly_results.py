"""The tables of the recorded anomaly study, from the scores that it wrote.

    study = load_study()
    study.table("search", 0.10)       # as the thesis' table 6, with intervals
    study.compare("search", "any disease", 0.10)

Every detector gets its own threshold on the same 300 healthy films, at the same share of false
alarms, and is then judged on other films. How the study was made: datasets/checkpoints/anomaly.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.generative.anomaly import detection_table, paired_detection, threshold_on_normals
from course_lib.generative.anomaly_films import FINDINGS, KNOWN, UNKNOWN
from course_lib.generative.latent_encoder import SHIPPED

GROUPS = {"all twelve": FINDINGS, "known to the judge": KNOWN, "unknown": UNKNOWN}


class Study(NamedTuple):
    """What the study wrote.

    scores: one row per film: part, finding, and a column per detector ("search", "encoder",
    "linear", "residual", "any disease", "not normal"). curves: AUC after so many steps. choices:
    every candidate summary on the validation films. about: what was chosen, from which weights.
    """

    scores: pd.DataFrame
    curves: pd.DataFrame
    choices: pd.DataFrame
    about: dict

    def of(self, detector: str, part: str, finding: str | None = None) -> NDArray[np.float64]:
        """Scores of a detector for a part of the films, or for one finding of it."""
        rows = self.scores[self.scores.part == part]
        if detector not in rows:
            raise ValueError(f"There is no detector {detector!r} in this study.")
        if finding is not None:
            rows = rows[rows.finding == finding]
        return rows[detector].to_numpy(np.float64)

    def threshold(self, detector: str, rate: float) -> float:
        """The detector's threshold for this share of false alarms on the threshold films."""
        return threshold_on_normals(self.of(detector, "threshold"), rate)

    def table(self, detector: str, rate: float) -> pd.DataFrame:
        """Detected test films per finding, with intervals (generative.anomaly.detection_table)."""
        scores = {name: self.of(detector, "test", name) for name in FINDINGS}
        line = self.threshold(detector, rate)
        return detection_table(scores, self.of(detector, "test", "normal"), line, KNOWN)

    def calls(self, detector: str, rate: float, finding: str) -> NDArray[np.bool_]:
        """Which test films of a finding the detector calls, (N,) bool."""
        return self.of(detector, "test", finding) > self.threshold(detector, rate)

    def compare(self, first: str, second: str, rate: float) -> pd.DataFrame:
        """Two detectors at the same rate, on the same ill films: all, known, unknown findings.

        Columns: films, found by each, gain with Newcombe's paired interval, McNemar's mid p.
        """
        rows = []
        for group, names in GROUPS.items():
            one, other = (
                np.concatenate([self.calls(detector, rate, name) for name in names])
                for detector in (first, second)
            )
            pair = paired_detection(one, other)
            rows.append(
                {"group": group, "films": pair.subjects, first: pair.first, second: pair.second}
                | {"gain": pair.gain, "low": pair.low, "high": pair.high, "p": pair.test.mid}
            )
        return pd.DataFrame(rows)

    def hits(self) -> pd.DataFrame:
        """Per finding: how often the map's peak lies in the true mask, and how often by luck."""
        ill = self.scores[(self.scores.part == "test") & (self.scores.finding != "normal")]
        rows = [
            {
                "finding": name,
                "films": len(group),
                "hit": float((group.peak_hit.astype(str) == "True").mean()),
                "luck": float(group.peak_luck.astype(float).mean()),
            }
            for name, group in ill.groupby("finding", sort=False)
        ]
        return pd.DataFrame(rows)


def load_study(folder: Path | str | None = None) -> Study:
    """The recorded study of a folder; the course's own when none is named.

    Raises FileNotFoundError that says how it is made.
    """
    place = Path(folder or SHIPPED)
    names = ("scores.csv", "curves.csv", "choices.csv", "about.json")
    missing = [name for name in names if not (place / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{place / missing[0]} is missing; make it: "
            "python -m course_lib.generative.anomaly_study"
        )
    scores, curves, choices = (pd.read_csv(place / name) for name in names[:3])
    about = json.loads((place / "about.json").read_text(encoding="utf-8"))
    return Study(scores, curves, choices, about)
