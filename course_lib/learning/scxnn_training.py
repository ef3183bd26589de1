"""Train SCXNN: thirteen networks in two phases, then the machine that joins them.

    python -m course_lib.learning.scxnn_training --preset laptop --out my_scxnn

A run that was interrupted goes on where it stopped when the same command is given again.
Source: Kim 2024, section 3.3.4.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from course_lib.data.scxnn import DiseaseDataset, PreparedFilms, balanced_choice
from course_lib.data.scxnn_augment import ScxnnAugmentation
from course_lib.data.scxnn_cohort import ScxnnFilms, scaled_counts, virtual_films
from course_lib.learning.checkpoint import save_checkpoint
from course_lib.learning.scxnn_config import PRESETS, ScxnnConfig, scxnn_config
from course_lib.learning.scxnn_loss import ScxnnLoss
from course_lib.learning.scxnn_screening import Scxnn, rounded, save_scxnn, sensitive_threshold
from course_lib.learning.scxnn_start import START_FILE, common_start
from course_lib.learning.support_vectors import Kernel, fit_support_vectors
from course_lib.learning.trainer import fit
from course_lib.models.scxnn import DiseaseNetwork
from course_lib.models.scxnn_encoders import load_encoder
from course_lib.models.weights import imagenet_weights

# What the command can change, by the names of ScxnnConfig.
SETTINGS = (
    "size",
    "backbone",
    "start",
    "reconstruction_weight",
    "equalise",
    "task",
    "dilation",
    "classes",
    "scale",
    "fewest",
    "seed",
)


@dataclass(frozen=True)
class PreparedParts:
    """The four parts of the data, prepared: hard training, validation and test; weak training."""

    training: PreparedFilms
    validation: PreparedFilms
    test: PreparedFilms
    weak: PreparedFilms


def prepare_parts(films: ScxnnFilms, config: ScxnnConfig) -> PreparedParts:
    """Prepare films of any source as the configuration says; weak films lose their masks."""

    def ready(source, masks=True):
        return PreparedFilms(source, config.size, config.equalise, masks)

    hard = ready(films.training), ready(films.validation), ready(films.test)
    return PreparedParts(*hard, ready(films.weak, masks=False))


def virtual_parts(config: ScxnnConfig, **options) -> PreparedParts:
    """The virtual patients that the configuration asks for. options: of VirtualChest."""
    counts = scaled_counts(config.scale, config.fewest, config.diseases)
    films = virtual_films(
        counts,
        config.seed,
        config.size,
        scanner=config.scanner,
        severity=config.severity,
        **options,
    )
    return prepare_parts(films, config)


def start_weights(
    config: ScxnnConfig, parts: PreparedParts, folder: Path | str | None = None
) -> dict[str, Tensor] | None:
    """Weights with which all encoders begin; None for random ones.

    Raises ConnectionError if ImageNet weights are asked for and are not on this computer.
    """
    if config.start == "random":
        return None
    if config.start == "imagenet":
        return imagenet_weights(config.backbone)
    place = None if folder is None else Path(folder) / "start"
    films = (parts.training, parts.weak)
    plan = replace(config.first, seed=config.seed)
    first = common_start(config.backbone, films, parts.validation, config.diseases, plan, place)
    return first.state_dict()


def new_network(
    config: ScxnnConfig, seed: int, start: Mapping[str, Tensor] | None = None
) -> DiseaseNetwork:
    """A network before training; its encoder has the weights of `start` but a head of its own."""
    torch.manual_seed(seed)
    network = DiseaseNetwork(config.backbone, config.classes, config.task)
    if start is not None:
        load_encoder(network.encoder, start)
    return network


def train_disease(
    config: ScxnnConfig,
    parts: PreparedParts,
    disease: str,
    folder: Path | str | None = None,
    start: Mapping[str, Tensor] | None = None,
) -> tuple[DiseaseNetwork, list[dict]]:
    """Train the network of one disease: hard films jointly, then its head with weak films.

    folder: keeps both runs, so that they can be resumed. start: from `start_weights`. Returns the
    network and a row per epoch of both phases ("phase" is hard or weak). A disease without weak
    films (five in Table 1) has no second phase: a head that never sees its target would unlearn it.
    """
    seed = config.seed + config.diseases.index(disease)
    network = new_network(config, seed, start)
    phases = [("hard", parts.training, config.hard)]
    if (parts.weak.classes(disease, config.diseases) == 1).any():
        phases.append(("weak", parts.weak, config.weak))
    rows: list[dict] = []
    for phase, films, plan in phases:
        if phase == "weak":
            network.train_only_head()
        train, check = _learning_sets(config, films, parts.validation, disease, seed)
        loss = ScxnnLoss(config.reconstruction_weight, train.class_weights())
        place = None if folder is None else Path(folder) / phase
        history = fit(network, train, check, loss, replace(plan, seed=seed), place)
        rows += [{"disease": disease, "phase": phase, **row} for row in history]
    return network.eval(), rows


def train_networks(
    config: ScxnnConfig,
    parts: PreparedParts,
    folder: Path | str | None = None,
    start: Mapping[str, Tensor] | None = None,
) -> tuple[Scxnn, list[dict]]:
    """Train one network after the other; the SCXNN without its second classifier, and all rows.

    start: from `start_weights`, which is called when it is left out.
    """
    networks, rows = {}, []
    start = start_weights(config, parts, folder) if start is None else start
    for disease in config.diseases:
        place = None if folder is None else Path(folder) / disease
        network, history = train_disease(config, parts, disease, place, start)
        networks[disease] = rounded(network)  # what is screened is what will be saved
        rows += history
    return Scxnn(networks, config.size, config.equalise), rows


def fit_screening(
    scxnn: Scxnn,
    learn: PreparedFilms,
    validation: PreparedFilms,
    sensitivity: float = 0.97,
    kernel: Kernel = "linear",
    penalty: float = 0.01,
    most: int = 1000,
    seed: int = 0,
) -> Scxnn:
    """Train the second classifier on the logits of `learn` and choose its operating point.

    learn: films from which the networks learned nothing, or only their heads (weak films): logits
    of films that are known by heart would look too sure; at most `most` of them, drawn at random.
    The threshold is the highest that finds `sensitivity` of the abnormal films of `validation`.
    With few of them it is a rough guess: evaluation.scxnn_record chooses it on a larger cohort.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(learn))[:most])
    features = scxnn.logits(learn.tensor(chosen.tolist())).reshape(len(chosen), -1)
    machine = fit_support_vectors(features, learn.abnormal()[chosen], kernel, penalty)
    held_out = scxnn.logits(validation).reshape(len(validation), -1)
    score = machine.decision(held_out)
    threshold = sensitive_threshold(score[validation.abnormal()], sensitivity)
    return scxnn.with_screening(machine, threshold)


def _learning_sets(
    config: ScxnnConfig,
    films: PreparedFilms,
    validation: PreparedFilms,
    disease: str,
    seed: int,
) -> tuple[DiseaseDataset, DiseaseDataset]:
    def chosen(part: PreparedFilms, most: int | None) -> np.ndarray:
        classes = part.classes(disease, config.diseases)
        return balanced_choice(classes, most, seed, config.classes)

    def dataset(part: PreparedFilms, most: int | None, augment: ScxnnAugmentation | None):
        return DiseaseDataset(
            part,
            disease,
            chosen(part, most),
            config.task,
            config.dilation,
            augment,
            config.diseases,
            seed,
        )

    return (
        dataset(films, config.most_per_class, ScxnnAugmentation()),
        dataset(validation, config.most_per_class, None),
    )


def train(config: ScxnnConfig, folder: Path | str, **options) -> Scxnn:
    """Everything: films, networks, second classifier; writes scxnn.pt, start.pt, log, settings.

    options: of VirtualChest, such as workers. Returns the trained SCXNN.
    """
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    parts = virtual_parts(config, **options)
    start = start_weights(config, parts, out / "runs")
    if config.start == "common" and start is not None:
        save_checkpoint(out / START_FILE, {"weights": start})
    scxnn, rows = train_networks(config, parts, out / "runs", start)
    pd.DataFrame(rows).to_csv(out / "training_log.csv", index=False, float_format="%.6g")
    scxnn = fit_screening(scxnn, parts.weak, parts.validation)
    print(f"{save_scxnn(scxnn, out)} holds {len(scxnn.networks)} networks and their joint answer.")
    return scxnn


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m course_lib.learning.scxnn_training")
    parser.add_argument("--preset", default="laptop", choices=sorted(PRESETS))
    parser.add_argument("--out", required=True, help="folder for the result; resumed if it exists")
    parser.add_argument("--diseases", nargs="+", help="networks for these diseases only")
    for name in SETTINGS:
        kind = type(getattr(ScxnnConfig(), name))
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="see ScxnnConfig")
    parser.add_argument("--epochs", type=int, help="epochs with hard labels")
    parser.add_argument("--threads", type=int, default=1)
    return parser


def config_of(arguments: argparse.Namespace) -> ScxnnConfig:
    """The preset, with the settings that the command changes."""
    config = scxnn_config(arguments.preset)
    changes = {name: getattr(arguments, name) for name in SETTINGS}
    if arguments.diseases:
        changes["diseases"] = tuple(arguments.diseases)
    if arguments.epochs:
        changes["hard"] = replace(config.hard, epochs=arguments.epochs)
    return replace(config, **{name: value for name, value in changes.items() if value is not None})


def main(words: list[str] | None = None) -> None:
    """The command; see the head of this file."""
    arguments = _arguments().parse_args(words)
    torch.set_num_threads(arguments.threads)
    train(config_of(arguments), arguments.out)


if __name__ == "__main__":
    main()
