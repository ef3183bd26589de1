"""Train SCXNN: thirteen networks in two phases, then the machine that joins them.

    python -m course_lib.learning.scxnn_training --preset laptop --out my_scxnn

A run that was interrupted goes on where it stopped when the same command is given again.
Source: Kim 2024, section 3.3.4.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from course_lib.data.scxnn import DiseaseDataset, PreparedFilms, balanced_choice
from course_lib.data.scxnn_augment import ScxnnAugmentation
from course_lib.data.scxnn_cohort import ScxnnFilms, scaled_counts, virtual_films
from course_lib.learning.scxnn_config import ScxnnConfig
from course_lib.learning.scxnn_loss import ScxnnLoss
from course_lib.learning.scxnn_screening import Scxnn, rounded, sensitive_threshold
from course_lib.learning.support_vectors import fit_support_vectors
from course_lib.learning.trainer import fit
from course_lib.models.scxnn import DiseaseNetwork
from course_lib.models.weights import imagenet_weights, load_weights


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


def new_network(config: ScxnnConfig, seed: int) -> DiseaseNetwork:
    """A network before training: random, or with an encoder that knows ImageNet.

    Raises ConnectionError if ImageNet weights are asked for and are not on this computer.
    """
    torch.manual_seed(seed)
    network = DiseaseNetwork(config.backbone, config.classes, config.task)
    if config.start == "imagenet":
        weights = imagenet_weights(config.backbone)
        load_weights(network.encoder, weights, new_head=True, grey_from_colour=True)
    return network


def train_disease(
    config: ScxnnConfig, parts: PreparedParts, disease: str, folder: Path | str | None = None
) -> tuple[DiseaseNetwork, list[dict[str, float]]]:
    """Train the network of one disease: hard films jointly, then its head with weak films.

    folder: keeps both runs, so that they can be resumed. Returns the network and a row per epoch of
    both phases ("phase" is hard or weak). A disease without weak films (five in Table 1) has no
    second phase: a head that never sees its target would unlearn it.
    """
    seed = config.seed + config.diseases.index(disease)
    network = new_network(config, seed)
    phases = [("hard", parts.training, config.hard)]
    if (parts.weak.classes(disease, config.diseases) == 1).any():
        phases.append(("weak", parts.weak, config.weak))
    rows = []
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
    config: ScxnnConfig, parts: PreparedParts, folder: Path | str | None = None
) -> tuple[Scxnn, list[dict[str, float]]]:
    """Train one network after the other; the SCXNN without its second classifier, and all rows."""
    networks, rows = {}, []
    for disease in config.diseases:
        place = None if folder is None else Path(folder) / disease
        network, history = train_disease(config, parts, disease, place)
        networks[disease] = rounded(network)  # what is screened is what will be saved
        rows += history
    return Scxnn(networks, config.size, config.equalise), rows


def fit_screening(
    scxnn: Scxnn,
    learn: PreparedFilms,
    validation: PreparedFilms,
    sensitivity: float = 0.99,
    kernel: str = "rbf",
    penalty: float = 1.0,
) -> Scxnn:
    """Train the second classifier on the logits of `learn` and choose its operating point.

    learn: films from which the networks learned nothing, or only their heads (weak films): logits
    of films that are known by heart would look too sure. The threshold is the highest that finds
    `sensitivity` of the abnormal films of `validation`.
    """
    features = scxnn.logits(learn).reshape(len(learn), -1)
    machine = fit_support_vectors(features, learn.abnormal(), kernel, penalty)
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
