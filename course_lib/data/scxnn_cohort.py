"""The films of SCXNN: hard ones (with masks), weak ones (only the diseases' names), normal ones.

Source: Kim 2024, Table 1: 6,628 hard and 18,086 weak films of thirteen diseases, 10,137 normal.
Here virtual patients take their places, in the same proportions.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.data.source import AnySource, Joined, Subset
from course_lib.data.split import split_by_patient
from course_lib.data.virtual import VirtualChest
from course_lib.patient.risk import THIRTEEN

TABLE_1 = Path(__file__).resolve().parents[2] / "datasets" / "papers" / "scxnn_table1.csv"
BESIDE = 0.04  # chance of each other disease to stand beside the one a film was chosen for


def table_1() -> dict[str, tuple[int, int]]:
    """Disease -> (hard, weak) films of the thesis. Normal films have nothing to outline, and the
    thesis does not say how they were shared out: "normal" -> (0, 10137)."""
    with open(TABLE_1, encoding="utf-8", newline="") as file:
        rows = {row["disease"]: row for row in csv.DictReader(file)}
    table = {name: (int(row["hard"]), int(row["weak"])) for name, row in rows.items()}
    return table | {"normal": (0, int(rows["normal"]["total"]))}


def scaled_counts(
    scale: float, fewest: int = 1, diseases: Sequence[str] = THIRTEEN
) -> dict[str, tuple[int, int]]:
    """Table 1 times `scale`, per disease at least `fewest` hard films; weak stays 0 where it is 0.

    Normal films are shared out between hard and weak as all the others together are.
    """
    table = table_1()
    normal = table.pop("normal")[1]
    counts = {
        name: (max(fewest, round(scale * table[name][0])), round(scale * table[name][1]))
        for name in diseases
    }
    hard, weak = (sum(pair[k] for pair in table.values()) for k in (0, 1))
    hard_normal = max(fewest, round(scale * normal * hard / (hard + weak)))
    counts["normal"] = (hard_normal, max(0, round(scale * normal) - hard_normal))
    return counts


@dataclass(frozen=True)
class ScxnnFilms:
    """The four parts of the data. No patient is in two of them.

    training, validation, test: hard films, 8 : 1 : 1; weak: all for training.
    """

    training: AnySource
    validation: AnySource
    test: AnySource
    weak: AnySource


def split_hard(hard: AnySource, weak: AnySource, seed: int = 0) -> ScxnnFilms:
    """Hard films 8 : 1 : 1 by patient; weak films all to training. Takes any sources, also real
    ones: hard films need masks, weak ones only labels."""
    training, validation, test = split_by_patient(hard, (0.8, 0.1, 0.1), seed)
    return ScxnnFilms(training, validation, test, weak)


def virtual_films(
    counts: Mapping[str, tuple[int, int]], seed: int, size: int, **options
) -> ScxnnFilms:
    """Virtual patients in these numbers, disease -> (hard, weak), with "normal" among them.

    options: of VirtualChest (severity, scanner, folder, workers ...), the same for all films.
    """
    hard = virtual_cohort({name: pair[0] for name, pair in counts.items()}, seed, size, **options)
    weak_counts = {name: pair[1] for name, pair in counts.items()}
    weak = virtual_cohort(weak_counts, seed + 500, size, **options)
    return split_hard(hard, weak, seed)


def virtual_cohort(counts: Mapping[str, int], seed: int, size: int, **options) -> AnySource:
    """Films of virtual patients, `counts[disease]` chosen for each disease (or "normal").

    A film may show further diseases beside the one it was chosen for, as in a hospital. Diseases
    outside the thirteen may be asked for too: they stand for those that SCXNN has never met. In the
    order of `counts`; patient numbers differ between diseases and between seeds.
    """
    findings = (*THIRTEEN, *(name for name in counts if name not in (*THIRTEEN, "normal")))
    sources = []
    for name, n in counts.items():
        if n == 0:
            continue
        chances = {} if name == "normal" else dict.fromkeys(THIRTEEN, BESIDE) | {name: 1.0}
        place = 0 if name == "normal" else 1 + findings.index(name)
        own_seed = 1000 * seed + place
        sources.append(VirtualChest(n, own_seed, size, findings, prevalence=chances, **options))
    return Joined(*sources)


def some_of(source: AnySource, n: int, seed: int = 0) -> Subset:
    """n films of a source, drawn without replacement, in their order; all if there are fewer."""
    drawn = np.random.default_rng(seed).permutation(len(source))[:n]
    return Subset(source, np.sort(drawn))
