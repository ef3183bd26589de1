"""What the choices behind CheXNet do: loss, uncertain and wrong labels, split, drained lungs.

    python -m course_lib.evaluation.chexnet_experiments --out experiments --seeds 3

Every row of the tables is one network trained from its own random start. The lesson shows the
tables that a recorded run of this command left in datasets/checkpoints/chexnet.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from course_lib.data.augment import Augmentation
from course_lib.data.dataset import FilmDataset
from course_lib.data.findings import CHEXNET
from course_lib.data.item import Label
from course_lib.data.opening import open_dataset
from course_lib.data.returning import ReturningPatients
from course_lib.data.source import AnySource, Subset, records_of
from course_lib.data.split import split_by_image, split_by_patient
from course_lib.data.virtual import VirtualChest
from course_lib.evaluation.calibration import calibration_error
from course_lib.evaluation.roc import auc
from course_lib.learning.chexnet_training import PRESETS, SHOWN, ChexnetConfig, new_chexnet
from course_lib.learning.plan import Plan
from course_lib.learning.prediction import Predictions, predict
from course_lib.learning.rare_findings import Weighting, loss_named
from course_lib.learning.trainer import fit
from course_lib.learning.uncertain_labels import (
    PresentAgainstAbsent,
    ThreeClassLoss,
    as_batches_expect,
    flip_labels,
    hedge_labels,
    own_opinion,
    policy_labels,
)

Row = dict[str, object]
SMALL = replace(PRESETS["laptop"], films=3000, test_films=2000)
PLAN = Plan(epochs=12, batch_size=32, learning_rate=4e-3)


def severities(cohort: VirtualChest, findings: Sequence[str] = CHEXNET) -> NDArray[np.float64]:
    """How severe each finding is on each film, (N, K) in 0..1; 0 where it is absent."""
    table = np.zeros((len(cohort), len(findings)))
    for row, spec in zip(table, cohort.specs, strict=True):
        for finding in spec.findings:
            if finding.name in findings:
                row[findings.index(finding.name)] = finding.severity
    return table


def film_sets(
    config: ChexnetConfig, train: AnySource, check: AnySource, test: AnySource
) -> tuple[FilmDataset, FilmDataset, FilmDataset]:
    """Training (augmented), validation and test films as a network gets them."""
    augmented = FilmDataset(train, config.size, CHEXNET, augment=Augmentation(), seed=config.seed)
    return (
        augmented,
        FilmDataset(check, config.size, CHEXNET),
        FilmDataset(test, config.size, CHEXNET),
    )


def trained(
    config: ChexnetConfig,
    films: tuple[FilmDataset, FilmDataset, FilmDataset],
    loss: Callable | None = None,
    outputs: int = len(CHEXNET),
    plan: Plan = PLAN,
) -> nn.Module:
    """A network trained on films[0] and chosen on films[1]; the plain loss when none is given."""
    network = new_chexnet(config, outputs)
    fit(network, films[0], films[1], loss or loss_named("plain", *_labels(films[0])),
        replace(plan, seed=config.seed))  # fmt: skip
    return network.eval()


def measured(predictions: Predictions) -> Iterator[Row]:
    """AUC and calibration error (10 bins of equal width) of each finding with both classes."""
    for k, name in enumerate(CHEXNET):
        known = predictions.known[:, k]
        truth, score = predictions.target[known, k], predictions.probability[known, k]
        if truth.any():
            error = calibration_error(truth, score.astype(np.float64))
            yield {
                "finding": name,
                "positives": int(truth.sum()),
                "auc": auc(truth, score),
                "ece": error,
            }


def compare_losses(cohorts: tuple, seed: int) -> Iterator[Row]:
    """The same films and start with each of the four losses of learning.rare_findings."""
    config, films = _prepared(cohorts, seed)
    weightings: tuple[Weighting, ...] = ("plain", "balanced", "chexnet", "focal")
    for weighting in weightings:
        network = trained(config, films, loss_named(weighting, *_labels(films[0])))
        yield from _rows("loss", weighting, seed, predict(network, films[2]))


def compare_policies(cohorts: tuple, seed: int, share: float = 0.6) -> Iterator[Row]:
    """Training labels hedged where they are mild; the test's labels stay exact."""
    config, films = _prepared(cohorts, seed)
    truth, chance = films[0].targets.copy(), np.random.default_rng([seed, 1])
    train = split_by_patient(cohorts[0], (0.88, 0.12), seed)[0]
    uncertain = hedge_labels(truth, severities(cohorts[0])[train.indices], share, chance)
    clean = trained(config, films)
    yield from _rows("uncertain", "exact labels", seed, predict(clean, films[2]))
    for policy in ("ignore", "ones", "zeros"):
        as_batches_expect(films[0], *policy_labels(policy, truth, uncertain))
        network = trained(config, films)
        yield from _rows("uncertain", policy, seed, predict(network, films[2]))
        if policy == "ignore":
            opinion = predict(network, _plain_view(films[0])).probability
    as_batches_expect(films[0], *own_opinion(truth, uncertain, opinion))
    yield from _rows("uncertain", "self", seed, predict(trained(config, films), films[2]))
    as_batches_expect(films[0], *policy_labels("multi", truth, uncertain))
    three = trained(config, films, ThreeClassLoss(), 3 * len(CHEXNET))
    yield from _rows("uncertain", "multi", seed, predict(PresentAgainstAbsent(three), films[2]))


def compare_noise(cohorts: tuple, seed: int) -> Iterator[Row]:
    """Wrong training labels; the networks are measured with exact and with wrong test labels."""
    config, films = _prepared(cohorts, seed)
    truth, exact = films[0].targets.copy(), films[2].targets.copy()
    for share in (0.0, 0.1, 0.2, 0.4):
        chance = np.random.default_rng([seed, round(100 * share)])
        as_batches_expect(films[0], flip_labels(truth, share, chance), films[0].known)
        network = trained(config, films)
        answer = predict(network, films[2])
        yield from _rows("wrong labels", f"{share:g}", seed, answer)
        wrong = replace(answer, target=flip_labels(exact, share, chance))
        yield from _rows("wrong labels, also in the test", f"{share:g}", seed, wrong)


def compare_splits(
    seed: int, patients: int = 400, films_each: int = 4, size: int = 128
) -> Iterator[Row]:
    """Patients who come back with the same illness: split by film, and by patient.

    Both networks learn from equally many films and see equally many test films.
    """
    config = replace(SMALL, seed=seed, size=size)
    chances = dict.fromkeys(CHEXNET, 0.1)
    source = ReturningPatients(patients, films_each, 50 + seed, size, chances)
    for how, split in (("by film", split_by_image), ("by patient", split_by_patient)):
        films = film_sets(config, *split(source, (0.7, 0.1, 0.2), seed))
        network = trained(config, films, plan=replace(PLAN, epochs=20))
        yield from _rows("split", how, seed, predict(network, films[2]))


def compare_wards(seed: int, films: int = 3600) -> Iterator[Row]:
    """Tubes and lines that go with pneumothorax on the learning ward, and the other way elsewhere.

    Both networks learn from 400 films with a pneumothorax and 400 without. On the first ward the
    tube agrees with the pneumothorax in nine of ten, on the second it tells nothing.
    """
    chances = dict.fromkeys(CHEXNET, 0.06) | {"pneumothorax": 0.45, "support_device": 0.5}
    cohort = open_dataset("virtual", n=films, seed=70 + seed, size=SMALL.size, prevalence=chances)
    learning, test = split_by_patient(cohort, (0.6, 0.4), seed)
    config = replace(SMALL, seed=seed)
    for ward, agreement in (("tubes tell", 0.9), ("tubes tell nothing", 0.5)):
        kept = chosen_ward(learning, agreement, 400, seed)
        train, check = split_by_patient(kept, (0.85, 0.15), seed)
        films_here = film_sets(config, train, check, test)
        network = trained(config, films_here)
        for place, here in (("same ward", 0.9), ("tubes tell nothing", 0.5), ("reversed", 0.1)):
            part = FilmDataset(chosen_ward(test, here, 130, 1), config.size, CHEXNET)
            rows = _rows("ward", f"{ward}; tested: {place}", seed, predict(network, part))
            yield from (row for row in rows if row["finding"] == "pneumothorax")


def chosen_ward(source: AnySource, agreement: float, films_each: int, seed: int) -> Subset:
    """Films with a pneumothorax and as many without; tubes agree with it in ``agreement`` of them.

    Raises ValueError if the source holds too few films of one of the four kinds.
    """
    sick, tubes = (
        np.array([record.label(name) is Label.PRESENT for record in records_of(source)])
        for name in ("pneumothorax", "support_device")
    )
    rng, kept = np.random.default_rng([seed, 0x57415244]), []
    for ill in (True, False):
        agreeing = round(films_each * agreement)
        for with_tube, wanted in ((ill, agreeing), (not ill, films_each - agreeing)):
            there = np.flatnonzero((sick == ill) & (tubes == with_tube))
            if len(there) < wanted:
                raise ValueError(f"Only {len(there)} films of a kind of which {wanted} are needed.")
            kept.append(rng.choice(there, wanted, replace=False))
    return Subset(source, np.sort(np.concatenate(kept)))


def _prepared(cohorts: tuple, seed: int):
    """Configuration and film sets for one seed: another split, another start, the same cohorts."""
    config = replace(SMALL, seed=seed)
    train, check = split_by_patient(cohorts[0], (0.88, 0.12), seed)
    return config, film_sets(config, train, check, cohorts[1])


def _labels(films: FilmDataset) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(films.targets), torch.tensor(films.known)


def _plain_view(films: FilmDataset) -> FilmDataset:
    """The same films without augmentation."""
    return FilmDataset(films.source, films.size, films.findings)


def _rows(experiment: str, setting: str, seed: int, answer: Predictions) -> Iterator[Row]:
    for row in measured(answer):
        yield {"experiment": experiment, "setting": setting, "seed": seed, **row}


EXPERIMENTS: dict[str, Callable[[tuple, int], Iterator[Row]]] = {
    "loss": compare_losses,
    "uncertain": compare_policies,
    "noise": compare_noise,
    "split": lambda _cohorts, seed: compare_splits(seed),
    "ward": lambda _cohorts, seed: compare_wards(seed),
}


def run(out: Path, names: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """All experiments for all seeds, one file each; a file that is there is not made again."""
    out.mkdir(parents=True, exist_ok=True)
    cohorts: tuple = ()
    for seed in seeds:
        for name in names:
            path = out / f"{name}_{seed}.csv"
            if path.is_file():
                continue
            if not cohorts and name not in ("split", "ward"):
                cohorts = both_cohorts()
            rows = pd.DataFrame(EXPERIMENTS[name](cohorts, seed))
            rows.to_csv(path, index=False, float_format="%.4f")
            print(f"{path} written")
    parts = [pd.read_csv(path) for path in sorted(out.glob("*_[0-9]*.csv"))]
    table = pd.concat(parts, ignore_index=True)
    table.to_csv(out / "experiments.csv", index=False, float_format="%.4f")
    return table


def both_cohorts() -> tuple[VirtualChest, VirtualChest]:
    """The cohort to learn from and the one to measure with."""
    learn, test = (
        VirtualChest(n, seed, SMALL.size, SHOWN, studies_per_patient=1.5)
        for n, seed in ((SMALL.films, 300), (SMALL.test_films, 301))
    )
    return learn, test


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.evaluation.chexnet_experiments")
    parser.add_argument("--out", required=True, type=Path, help="folder for the tables")
    parser.add_argument("--only", nargs="+", default=sorted(EXPERIMENTS), choices=EXPERIMENTS)
    parser.add_argument("--seeds", type=int, default=3, help="how often each is repeated")
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args(arguments)
    run(given.out, given.only, range(given.first_seed, given.first_seed + given.seeds))


if __name__ == "__main__":
    main()
