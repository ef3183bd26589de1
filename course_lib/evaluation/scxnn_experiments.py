"""The experiments of SCXNN, each a few changes of one configuration (Kim 2024, Tables 4 to 8).

    python -m course_lib.evaluation.scxnn_experiments classes --out results --epochs 4

trains every variant of one table, lets it read virtual patients of another scanner, and writes
results/<table>.csv: one row per variant with sensitivity, specificity, their mean (which the thesis
calls accuracy), AUC, and how many of each risk group were called normal.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from course_lib.data.scxnn import PreparedFilms
from course_lib.data.scxnn_cohort import virtual_cohort
from course_lib.evaluation.screening import (
    abnormal_films,
    by_finding,
    by_risk_group,
    films_with,
    rates,
)
from course_lib.learning.scxnn_config import ScxnnConfig, scxnn_config
from course_lib.learning.scxnn_screening import Screening
from course_lib.learning.scxnn_training import fit_screening, train_networks, virtual_parts
from course_lib.models.presets import chosen
from course_lib.patient.risk import RISK_GROUPS, THIRTEEN, UNSEEN

# Table -> variant -> what is changed in the configuration.
TABLES: dict[str, dict[str, dict[str, Any]]] = {
    "backbone": {
        name: {"backbone": name, "start": "imagenet"}
        for name in (
            "vgg16",
            "resnet50",
            "googlenet",
            "densenet121",
            "densenet169",
            "efficientnet_b2",
        )
    },
    "lambda": {
        f"lambda={weight}": {"reconstruction_weight": weight}
        for weight in (1.0, 0.8, 0.6, 0.5, 0.4, 0.2)
    },
    "preprocessing": {
        "histogram, only classification": {"equalise": "histogram", "task": "none"},
        "histogram, segmentation": {
            "equalise": "histogram",
            "task": "segmentation",
            "dilation": 0.0,
        },
        "histogram, reconstruction": {"equalise": "histogram", "dilation": 0.0},
        "CLAHE, reconstruction": {"dilation": 0.0},
        "CLAHE, reconstruction, dilation": {},
    },
    "classes": {"2 classes": {"classes": 2}, "3 classes": {}},
}


def held_out_counts(each: int = 50, critical: int = 100, normal: int = 400) -> dict[str, int]:
    """Films of the test: so many per disease, per critical disease, normal, and of each unseen."""
    counts = {name: critical if name in RISK_GROUPS["critical"] else each for name in THIRTEEN}
    return counts | {"normal": normal} | dict.fromkeys(UNSEEN, each)


def held_out_films(
    config: ScxnnConfig, counts: Mapping[str, int], seed: int = 900, scanner: str = "B", **options
) -> PreparedFilms:
    """Virtual patients of another scanner, whom no training has met. options: of VirtualChest."""
    source = virtual_cohort(
        counts, seed, config.size, scanner=scanner, severity=config.severity, **options
    )
    return PreparedFilms(source, config.size, config.equalise, masks=False)


def summary(films: PreparedFilms, screening: Screening) -> dict[str, float]:
    """One row of a table: rates on normal films and on films with a disease that has a network,
    films of each risk group that were called normal, and share of unseen diseases called normal.
    """
    records = films.records
    unseen = films_with(records, UNSEEN)
    normal = ~abnormal_films(records)
    judged = normal | (films_with(records, screening.diseases) & ~unseen)
    part = replace(screening, logits=screening.logits[judged], score=screening.score[judged])
    table = rates(~normal[judged], part)
    row = {}
    for name in ("sensitivity", "specificity"):
        for column in ("value", "low", "high", "hits", "of"):
            key = name if column == "value" else f"{name}_{column}"
            row[key] = float(table.loc[name, column])
    row["balanced_accuracy"] = float(table.loc["balanced accuracy", "value"])
    row["auc"] = float(table.loc["AUC", "value"])
    for group, missed in by_risk_group(records, screening)["normal"].items():
        row[f"missed_{group}"] = float(missed)
    for name, share in by_finding(records, screening, UNSEEN, alone=True)["share"].items():
        row[f"{name}_called_normal"] = float(share)
    return row


def run_variant(config: ScxnnConfig, folder: Path, films: PreparedFilms | None = None, **options):
    """Train one variant and let it read the test films; (row of the table, Screening)."""
    torch.manual_seed(config.seed)
    parts = virtual_parts(config, **options)
    scxnn, _ = train_networks(config, parts, folder)
    scxnn = fit_screening(scxnn, parts.weak, parts.validation)
    tested = films or held_out_films(config, held_out_counts(), **options)
    screening = scxnn.screen(tested)
    return summary(tested, screening), screening


def run_table(table: str, config: ScxnnConfig, folder: Path | str, **options) -> pd.DataFrame:
    """Train and test every variant of a table. Raises ValueError that lists the tables."""
    rows = {}
    for name, changes in chosen(TABLES, table).items():
        changed = replace(config, **changes)
        place = Path(folder) / table / "".join(c if c.isalnum() else "_" for c in name)
        rows[name], _ = run_variant(changed, place, **options)
        pd.DataFrame(rows).T.to_csv(Path(folder) / f"{table}.csv", index_label="variant")
    return pd.DataFrame(rows).T


def main(words: list[str] | None = None) -> None:
    """The command; see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.evaluation.scxnn_experiments")
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("--out", required=True)
    parser.add_argument("--diseases", nargs="+", default=list(THIRTEEN))
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(words)
    torch.set_num_threads(given.threads)
    config = scxnn_config(given.preset)
    hard = config.hard if given.epochs is None else replace(config.hard, epochs=given.epochs)
    config = replace(config, hard=hard, seed=given.seed, diseases=tuple(given.diseases))
    print(asdict(config))
    print(run_table(given.table, config, given.out).round(3).to_string())


if __name__ == "__main__":
    main()
