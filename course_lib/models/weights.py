"""Load weights, and say exactly what was loaded.

`load_state_dict(strict=False)` on an old CheXNet checkpoint matches 0 of 606 tensors and says
nothing; the network then guesses. Here a checkpoint fits completely, or an error tells what does
not.
"""

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import torch
import torchvision
from torch import Tensor, nn

# A grey film goes through weights made for red, green and blue as (film - mean) / deviation; these
# are the averages of the three ImageNet channels' values that torchvision documents.
GREY_MEAN, GREY_DEVIATION = 0.449, 0.226

STEM, HEAD = "features.conv0.weight", "classifier."
OLD_NAMES = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")  # PyTorch 0.3: "norm.1.weight"
WRAPPERS = re.compile(r"^.*?(?=features\.|classifier\.)")  # "module.", "densenet121.", ...
COUNTERS = "num_batches_tracked"  # did not exist before PyTorch 0.4; unused in evaluation


class UnreadableCheckpoint(ValueError):
    """A checkpoint file that cannot be read, or not without executing code that it contains."""


class CheckpointMismatch(ValueError):
    """A checkpoint that does not fit the model completely; `report` has the details."""

    def __init__(self, report: "LoadReport") -> None:
        self.report = report
        super().__init__(f"The checkpoint does not fit, nothing was loaded: {report}")


@dataclass(frozen=True)
class LoadReport:
    """Which tensors of a checkpoint and of a model found each other.

    matched: loaded. missing: the model's without a partner in the checkpoint. unexpected: the
    checkpoint's without a partner in the model. wrong_shape: both have it, in different shapes.
    left_new: the model's that keep their random start because the caller asked for it.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong_shape: tuple[str, ...]
    left_new: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return not (self.missing or self.unexpected or self.wrong_shape)

    def __str__(self) -> str:
        parts = [f"{len(self.matched)} tensors matched"]
        for title in ("missing", "unexpected", "wrong_shape", "left_new"):
            names = getattr(self, title)
            if names:
                shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
                parts.append(f"{len(names)} {title.replace('_', ' ')} ({shown})")
        return "; ".join(parts) + "."


def load_weights(
    model: nn.Module,
    source: str | Path | Mapping[str, Tensor],
    *,
    new_head: bool = False,
    grey_from_colour: bool = False,
) -> LoadReport:
    """Load a checkpoint into a DenseNet completely, or raise and leave the model as it was.

    Understands torchvision's names, checkpoints of data-parallel training ("module." in front of
    each name), and those of PyTorch 0.3 ("denselayer1.norm.1.weight"), as CheXNet was published.

    Args:
        model: a DenseNet of this course.
        source: a checkpoint file, or a state dict.
        new_head: keep the model's own classifier (another number of outputs).
        grey_from_colour: the model takes one channel, the checkpoint three: add up the weights of
            red, green and blue. Equal to repeating the grey film three times; feed the network
            with (film - GREY_MEAN) / GREY_DEVIATION for weights of ImageNet.

    Returns:
        What was matched. Print it.

    Raises:
        UnreadableCheckpoint: the file is missing, damaged, or would execute code.
        CheckpointMismatch: any tensor is missing, left over, or has another shape.
    """
    raw = read_checkpoint(source) if isinstance(source, str | Path) else source
    given = {modern_name(name): tensor for name, tensor in raw.items()}
    wanted = model.state_dict()
    if new_head:
        given = {name: t for name, t in given.items() if not name.startswith(HEAD)}
    if grey_from_colour and STEM in given:
        given[STEM] = given[STEM].sum(dim=1, keepdim=True)
    report = compare(wanted, given, new_head)
    if not report.fits:
        raise CheckpointMismatch(report)
    model.load_state_dict({**wanted, **given})
    return report


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a checkpoint file. Nothing that the file contains is executed.

    Raises:
        UnreadableCheckpoint: missing, damaged, without a state dict, or only readable as code.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UnreadableCheckpoint(f"{path}: there is no such file.") from None
    except pickle.UnpicklingError as error:
        reason = "it is damaged, or holds more than tensors and reading it would execute code"
        raise UnreadableCheckpoint(f"{path}: {reason}.") from error
    except Exception as error:  # torch raises many kinds of errors on damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreadableCheckpoint(
            f"{path}: this is not a readable checkpoint ({reason})."
        ) from error
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise UnreadableCheckpoint(f"{path}: it holds a {type(content).__name__}, no state dict.")
    return {str(name): t for name, t in content.items() if isinstance(t, Tensor)}


def modern_name(name: str) -> str:
    """Today's name of a tensor from an old or wrapped checkpoint.

    "module.densenet121.features.denseblock1.denselayer1.norm.1.weight" becomes
    "features.denseblock1.denselayer1.norm1.weight"; CheXNet's "classifier.0.weight" (a linear layer
    inside a Sequential with its sigmoid) becomes "classifier.weight".
    """
    name = OLD_NAMES.sub(r"\1\2.", WRAPPERS.sub("", name))
    return re.sub(r"^classifier\.0\.", HEAD, name)


def compare(
    wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], new_head: bool = False
) -> LoadReport:
    """Compare a model's tensors with a checkpoint's by name and shape."""
    kept = {name for name in wanted if new_head and name.startswith(HEAD)}
    both = [name for name in wanted if name in given]
    fits = {name for name in both if wanted[name].shape == given[name].shape}
    absent = [name for name in wanted if name not in given and name not in kept]
    return LoadReport(
        matched=tuple(name for name in both if name in fits),
        missing=tuple(name for name in absent if not name.endswith(COUNTERS)),
        unexpected=tuple(name for name in given if name not in wanted),
        wrong_shape=tuple(
            f"{name}: {tuple(given[name].shape)} into {tuple(wanted[name].shape)}"
            for name in both
            if name not in fits
        ),
        left_new=tuple(sorted(kept)),
    )


def imagenet_weights(name: str) -> dict[str, Tensor]:
    """ImageNet weights of "densenet121", "densenet169" or "densenet201" (RGB, 1000 classes).

    Kept on this computer after the first download by torchvision.

    Raises:
        ValueError: no weights are published for this size.
        ConnectionError: they are not on this computer yet and there is no network.
    """
    try:
        weights = torchvision.models.get_model_weights(name).DEFAULT
    except (ValueError, AttributeError):
        raise ValueError(f"torchvision publishes no ImageNet weights for {name!r}.") from None
    try:
        return dict(weights.get_state_dict(progress=True, check_hash=True, weights_only=True))
    except (URLError, OSError) as error:
        raise ConnectionError(
            f"The ImageNet weights of {name} are not on this computer and could not be downloaded "
            f"({error}). Train from random weights, or try again with a network."
        ) from error
