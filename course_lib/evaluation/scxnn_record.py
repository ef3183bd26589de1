"""What a SCXNN said about many virtual patients, kept in a small file for the lesson on screening.

    python -m course_lib.evaluation.scxnn_record --model FOLDER --sensitivity 0.97

Rates of one in a hundred need hundreds of films, more than a lesson can image. So the logits of
two cohorts are recorded once: validation patients of scanner A, who may decide the operating point,
and patients of scanner B, whom nothing has ever met. Same command, same numbers. With a sensitivity
given, the operating point is chosen on the validation patients and kept with the networks.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.files import write_whole
from course_lib.data.item import ImageRecord, Label
from course_lib.data.scxnn import PreparedFilms
from course_lib.data.scxnn_cohort import virtual_cohort
from course_lib.learning.scxnn_config import ScxnnConfig, scxnn_config
from course_lib.learning.scxnn_screening import (
    SHIPPED,
    Screening,
    Scxnn,
    load_scxnn,
    save_scxnn,
    sensitive_threshold,
)
from course_lib.patient.risk import RISK_GROUPS, THIRTEEN, UNSEEN

FILE = "record.npz"
COHORTS = {"validation": (700, "A"), "held_out": (1900, "B")}  # seed and scanner


@dataclass(frozen=True)
class Recorded:
    """One cohort: what is true and what the networks said.

    findings (F,); present (N, F) bool; logits (N, D, K); score (N,) of the second classifier;
    diseases (D,).
    """

    findings: tuple[str, ...]
    present: NDArray[np.bool_]
    diseases: tuple[str, ...]
    logits: NDArray[np.float64]
    score: NDArray[np.float64]

    @property
    def abnormal(self) -> NDArray[np.bool_]:
        """(N,): at least one finding is present."""
        return np.asarray(self.present.any(axis=1), dtype=bool)

    @property
    def records(self) -> list[ImageRecord]:
        """The labels as records, for the tables of evaluation.screening."""
        return [
            ImageRecord(
                patient_id=str(number),
                labels={
                    name: Label.PRESENT if there else Label.ABSENT
                    for name, there in zip(self.findings, row, strict=True)
                },
            )
            for number, row in enumerate(self.present)
        ]

    def showing(self, *names: str) -> NDArray[np.bool_]:
        """(N,): films that show at least one of these findings."""
        columns = [self.findings.index(name) for name in names]
        return np.asarray(self.present[:, columns].any(axis=1), dtype=bool)

    def screening(self, threshold: float) -> Screening:
        """The answers at this operating point."""
        return Screening(self.diseases, self.logits, self.score, threshold)


def cohort_counts(each: int, critical: int, normal: int, unseen: int = 0) -> dict[str, int]:
    """Films per disease, per critical disease, normal, and per disease that was never shown."""
    counts = {name: critical if name in RISK_GROUPS["critical"] else each for name in THIRTEEN}
    return counts | {"normal": normal} | (dict.fromkeys(UNSEEN, unseen) if unseen else {})


def record(scxnn: Scxnn, config: ScxnnConfig, **options) -> dict[str, Recorded]:
    """Image both cohorts and ask SCXNN about every film. options: of VirtualChest."""
    numbers = {
        "validation": cohort_counts(25, 25, 200),
        "held_out": cohort_counts(50, 100, 400, unseen=60),
    }
    result = {}
    for name, (seed, scanner) in COHORTS.items():
        source = virtual_cohort(
            numbers[name], seed, config.size, scanner=scanner, severity=config.severity, **options
        )
        films = PreparedFilms(source, config.size, config.equalise, masks=False)
        result[name] = recorded(scxnn, films)
    return result


def recorded(scxnn: Scxnn, films: PreparedFilms) -> Recorded:
    """What SCXNN says about prepared films, beside their labels."""
    names = (*THIRTEEN, *UNSEEN)
    present = np.array(
        [[one.label(name) is Label.PRESENT for name in names] for one in films.records]
    )
    screening = scxnn.screen(films)
    return Recorded(names, present, scxnn.diseases, screening.logits, screening.score)


def save_record(record: dict[str, Recorded], path: str | Path) -> None:
    """Write the cohorts into one file; logits with 16 bits."""
    arrays: dict[str, NDArray] = {}
    for name, part in record.items():
        arrays[f"{name}_findings"] = np.array(part.findings)
        arrays[f"{name}_diseases"] = np.array(part.diseases)
        arrays[f"{name}_present"] = part.present
        arrays[f"{name}_logits"] = part.logits.astype(np.float16)
        arrays[f"{name}_score"] = part.score.astype(np.float32)
    write_whole(Path(path), lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def load_record(path: str | Path | None = None) -> dict[str, Recorded]:
    """The cohorts "validation" and "held_out" of a file; of the course's own SCXNN by default.

    Raises FileNotFoundError that says how such a file is made.
    """
    place = Path(path) if path else SHIPPED / FILE
    if not place.is_file():
        raise FileNotFoundError(
            f"{place} is missing; make it: python -m course_lib.evaluation.scxnn_record"
        )
    with np.load(place) as saved:
        return {name: _part(saved, name) for name in COHORTS}


def _part(saved, name: str) -> Recorded:
    def words(kind: str) -> tuple[str, ...]:
        return tuple(str(word) for word in saved[f"{name}_{kind}"])

    logits = saved[f"{name}_logits"].astype(np.float64)
    score = saved[f"{name}_score"].astype(np.float64)
    return Recorded(words("findings"), saved[f"{name}_present"], words("diseases"), logits, score)


def main(words: Sequence[str] | None = None) -> None:
    """The command; see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.evaluation.scxnn_record")
    parser.add_argument("--model", default=str(SHIPPED), help="folder of a trained SCXNN")
    parser.add_argument("--out", help="file to write; record.npz beside the model if left out")
    parser.add_argument("--sensitivity", type=float, help="choose the operating point for it")
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    scxnn = load_scxnn(given.model)
    made = record(scxnn, scxnn_config("laptop"))
    if given.sensitivity is not None and scxnn.machine is not None:
        part = made["validation"]
        threshold = sensitive_threshold(part.score[part.abnormal], given.sensitivity)
        save_scxnn(scxnn.with_screening(scxnn.machine, threshold), given.model)
        print(f"The operating point is now {threshold:.4f}.")
    place = Path(given.out) if given.out else Path(given.model) / FILE
    save_record(made, place)
    print(f"{place}: {', '.join(f'{len(part.score)} films {name}' for name, part in made.items())}")


if __name__ == "__main__":
    main()
