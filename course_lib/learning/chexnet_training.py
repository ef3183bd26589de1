"""Train CheXNet with fourteen outputs, and keep what lessons need of it.

    python -m course_lib.learning.chexnet_training --out my_chexnet
    python -m course_lib.learning.chexnet_training --out real --data ChestX-ray14 --preset paper

A run that was interrupted goes on where it stopped when the same command is given again.
Source: Rajpurkar et al., CheXNet, arXiv:1711.05225, sections 2 and 3.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from course_lib.data.augment import Augmentation
from course_lib.data.dataset import FilmDataset
from course_lib.data.findings import CHEXNET
from course_lib.data.opening import open_dataset
from course_lib.data.source import AnySource
from course_lib.data.split import split_by_patient
from course_lib.learning.losses import positive_weights
from course_lib.learning.plan import Plan
from course_lib.learning.prediction import Predictions, predict
from course_lib.learning.rare_findings import Weighting, loss_named
from course_lib.learning.shipped import Chexnet, f1_thresholds, save_chexnet
from course_lib.learning.trainer import fit
from course_lib.models.densenet import densenet
from course_lib.models.presets import chosen
from course_lib.models.weights import imagenet_weights, load_weights

# Tubes and lines are on the films as they are on a ward, but CheXNet is not asked about them.
SHOWN = (*CHEXNET, "support_device")
TEST_SEED = 2017  # the test patients come from another cohort than the learning ones


@dataclass(frozen=True)
class ChexnetConfig:
    """The settings of a CheXNet.

    network, stem_stride: see models.densenet.densenet. start: "imagenet" or "random" weights.
    size: pixels. films, test_films: virtual films to learn from and to measure with. seed: decides
    patients, start and order. weighting: a loss of learning.rare_findings. flip: mirrored films
    too, as the paper does (and hearts on the right with it).
    """

    network: str = "laptop"
    stem_stride: int = 2
    start: str = "random"
    size: int = 128
    films: int = 8000
    test_films: int = 2000
    seed: int = 14
    weighting: Weighting = "balanced"
    flip: bool = False
    plan: Plan = field(default_factory=lambda: Plan(epochs=18, batch_size=32, learning_rate=4e-3))


PRESETS = {
    "laptop": ChexnetConfig(),
    # 224 px, ImageNet, batch 16, Adam 0.001, a tenth of it after each epoch without gain, flips.
    "paper": ChexnetConfig(
        network="paper",
        stem_stride=4,
        start="imagenet",
        size=224,
        weighting="plain",
        flip=True,
        plan=Plan(epochs=30, batch_size=16, learning_rate=1e-3, schedule="plateau", patience=4),
    ),
}


def new_chexnet(config: ChexnetConfig, outputs: int = len(CHEXNET)) -> nn.Module:
    """The network before training; with ImageNet weights only the last layer is new.

    Raises ConnectionError if ImageNet weights are wanted and not on this computer.
    """
    torch.manual_seed(config.seed)
    stem = {} if config.network == "paper" else {"stem_stride": config.stem_stride}
    network = densenet(config.network, outputs, **stem)
    if config.start == "imagenet":
        weights = imagenet_weights("densenet121")
        load_weights(network, weights, new_head=True, grey_from_colour=True)
    return network


def virtual_films(config: ChexnetConfig, test: bool = False, **options) -> AnySource:
    """The virtual films to learn from, or those to measure with. options: of VirtualChest."""
    n, seed = (config.test_films, TEST_SEED) if test else (config.films, config.seed)
    usual = {"size": config.size, "findings": SHOWN, "studies_per_patient": 1.5}
    return open_dataset("virtual", n=n, seed=seed, **{**usual, **options})


def train_chexnet(
    config: ChexnetConfig,
    train: AnySource,
    validation: AnySource,
    folder: Path | str | None = None,
    findings: Sequence[str] = CHEXNET,
) -> tuple[Chexnet, list[dict[str, float]]]:
    """Train on one source, choose epoch and thresholds on another; also a row per epoch.

    folder: keeps the run, so that it can be resumed.
    """
    augment = Augmentation(flip=config.flip)
    films = FilmDataset(train, config.size, findings, augment=augment, seed=config.seed)
    check = FilmDataset(validation, config.size, findings)
    target, known = torch.tensor(films.targets), torch.tensor(films.known)
    network = new_chexnet(config, len(findings))
    loss = loss_named(config.weighting, target, known)
    plan = replace(config.plan, seed=config.seed)
    history = fit(network, films, check, loss, plan, folder)
    network.eval()
    seen = predict(network, check)
    thresholds = f1_thresholds(seen.target, seen.probability)
    weights = positive_weights(target, known) if config.weighting == "balanced" else None
    factors = np.ones(len(findings)) if weights is None else weights.numpy()
    chexnet = Chexnet(
        network.cpu(),
        tuple(findings),
        dict(zip(findings, thresholds.round(4).tolist(), strict=True)),
        config.size,
        dict(zip(findings, factors.astype(float).round(3).tolist(), strict=True)),
        config.network,
        config.stem_stride,
    )
    return chexnet, history


def table_of_scores(predictions: Predictions, findings: Sequence[str]) -> pd.DataFrame:
    """One row per film: patient, then score and truth of each finding (empty where unknown)."""
    truth = np.where(predictions.known, predictions.target, np.nan)
    columns: dict[str, object] = {"patient": predictions.patient_id}
    for k, name in enumerate(findings):
        columns[name] = predictions.probability[:, k].round(4)
    for k, name in enumerate(findings):
        columns[f"truth {name}"] = pd.array(truth[:, k], dtype="Int8")
    return pd.DataFrame(columns)


def run(config: ChexnetConfig, out: Path | str, data: str = "virtual", **options) -> Chexnet:
    """Everything: films, training, test scores; writes chexnet.pt, log.csv, test_scores.csv.

    data: "virtual", or the folder of a public set, of which a fifth of the patients is the test.
    """
    place = Path(out)
    place.mkdir(parents=True, exist_ok=True)
    if data == "virtual":
        train, validation = split_by_patient(virtual_films(config, **options), (0.88, 0.12))
        test: AnySource = virtual_films(config, test=True, **options)
    else:
        train, validation, test = split_by_patient(open_dataset(data), (0.7, 0.1, 0.2))
    chexnet, history = train_chexnet(config, train, validation, place / "run")
    pd.DataFrame(history).to_csv(place / "log.csv", index=False, float_format="%.5g")
    path = save_chexnet(chexnet, place)
    scores = table_of_scores(chexnet.predict(test), chexnet.findings)
    scores.to_csv(place / "test_scores.csv", index=False)
    print(f"{path}: {len(chexnet.findings)} findings, measured on {len(test)} test films.")
    return chexnet


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; --help explains it."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.learning.chexnet_training")
    parser.add_argument("--out", required=True, help="folder for the network and its tables")
    parser.add_argument("--preset", default="laptop", choices=sorted(PRESETS))
    parser.add_argument("--data", default="virtual", help="'virtual' or a folder of real films")
    parser.add_argument("--films", type=int, help="virtual films to learn from")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args(arguments)
    config = chosen(PRESETS, given.preset)
    settings = {name: getattr(given, name) for name in ("films", "seed")}
    config = replace(config, **{name: v for name, v in settings.items() if v is not None})
    if given.epochs:
        config = replace(config, plan=replace(config.plan, epochs=given.epochs))
    run(config, given.out, given.data)


if __name__ == "__main__":
    main()
