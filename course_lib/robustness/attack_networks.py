"""The networks that the lesson on adversarial films brings: loaded from datasets/checkpoints.

How they were trained and how good they are: datasets/checkpoints/adversarial/README.md.
"""

from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from torch import nn

from course_lib.learning.checkpoint import CheckpointError, load_checkpoint
from course_lib.learning.film_classifier import FilmClassifier, new_film_classifier
from course_lib.robustness.defence_training import new_resnet
from course_lib.robustness.defences import AttackDetector, new_denoiser
from course_lib.robustness.physical import Sheet

Net = TypeVar("Net", bound=nn.Module)
SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "adversarial"


def load_robust_classifier(folder: Path | str | None = None) -> FilmClassifier:
    """The film classifier after adversarial training. Raises CheckpointError if it is damaged."""
    return FilmClassifier(_filled(new_film_classifier(0), "robust", folder))


def load_resnet(folder: Path | str | None = None) -> nn.Module:
    """A small residual network with the same six answers."""
    return _filled(new_resnet(), "resnet", folder)


def load_denoiser(folder: Path | str | None = None) -> nn.Module:
    """A small DnCNN that has learned to take attacks away."""
    return _filled(new_denoiser(), "denoiser", folder)


def load_detector(folder: Path | str | None = None) -> AttackDetector:
    """The side model that has learned to see attacks."""
    return _filled(AttackDetector(), "detector", folder)


def load_sheet(folder: Path | str | None = None) -> Sheet:
    """The designed platelets; thickness in mm, one line of the file per row."""
    path = Path(folder or SHIPPED) / "sheet.csv"
    try:
        return Sheet(np.loadtxt(path, delimiter=","))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} does not hold a sheet of platelets ({error}).") from error


def load_table(name: str, folder: Path | str | None = None) -> pd.DataFrame:
    """A recorded table: "curves", "checks" or "physical"; the card says how each was measured."""
    path = Path(folder or SHIPPED) / f"{name}.csv"
    if not path.is_file():
        raise CheckpointError(f"There is no table {path}.")
    return pd.read_csv(path)


def _filled(model: Net, name: str, folder: Path | str | None) -> Net:
    """The model with shipped weights, at rest."""
    path = Path(folder or SHIPPED) / f"{name}.pt"
    content = load_checkpoint(path)
    try:
        model.load_state_dict({key: value.float() for key, value in content.items()})
    except (AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{path} holds another network ({error}).") from error
    return model.eval()
