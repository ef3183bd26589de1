"""The whole SCXNN: thirteen networks, 39 logits, one support vector machine, normal or abnormal.

    scxnn = load_scxnn()                   # the one that the course brings, or of a folder
    screening = scxnn.screen(films)        # a source of films, a list of pictures, or a tensor
    screening.abnormal                     # one answer per film

Source: Kim 2024, section 3.3 and Figures 3 and 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.item import ImageItem
from course_lib.data.scxnn import PreparedFilms
from course_lib.data.scxnn_films import Equalise, prepare_film
from course_lib.data.source import AnySource
from course_lib.learning.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from course_lib.learning.device import best_precision
from course_lib.learning.support_vectors import SupportVectors
from course_lib.models.scxnn import CLASSES, DiseaseNetwork

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "checkpoints" / "scxnn"
FILE = "scxnn.pt"
LARGEST_HALF = 6e4  # float16 ends at 65504

Films = AnySource | PreparedFilms | Sequence[np.ndarray] | Tensor


@dataclass(frozen=True)
class Screening:
    """What SCXNN says about N films.

    diseases: names of the D networks. logits (N, D, 3): normal, target, others (2 columns for a
    network of two classes). score (N,): how far on the abnormal side of the boundary. threshold:
    scores above it are called abnormal.
    """

    diseases: tuple[str, ...]
    logits: NDArray[np.float64]
    score: NDArray[np.float64]
    threshold: float

    @property
    def abnormal(self) -> NDArray[np.bool_]:
        """(N,): True where the film is called abnormal and must be read."""
        return self.score > self.threshold

    @property
    def probability(self) -> NDArray[np.float64]:
        """(N, D, 3): softmax of the logits; each network's own opinion, not calibrated."""
        powers = np.exp(self.logits - self.logits.max(axis=2, keepdims=True))
        return powers / powers.sum(axis=2, keepdims=True)

    @property
    def by_disease(self) -> NDArray[np.float64]:
        """(N, D): probability of its target by each network."""
        return self.probability[:, :, CLASSES.index("target")]

    @property
    def votes(self) -> NDArray[np.intp]:
        """(N, D): the class with the highest logit: 0 normal, 1 target, 2 others."""
        return self.logits.argmax(axis=2)

    def suspected(self, index: int, least: float = 0.5) -> list[tuple[str, float]]:
        """(disease, probability) of film `index` from `least` up, most probable first."""
        found = [(d, float(p)) for d, p in zip(self.diseases, self.by_disease[index], strict=True)]
        return sorted((pair for pair in found if pair[1] >= least), key=lambda pair: -pair[1])


class Scxnn:
    """One network per disease and the machine that joins their logits.

    networks: disease -> DiseaseNetwork, in order. size, equalise: how films are prepared. machine,
    threshold: see screening; they may come later (`with_screening`), the logits are there at once.
    """

    def __init__(
        self,
        networks: Mapping[str, DiseaseNetwork],
        size: int,
        equalise: Equalise = "clahe",
        machine: SupportVectors | None = None,
        threshold: float = 0.0,
    ) -> None:
        layout = {"memory_format": torch.channels_last}  # faster convolutions, same numbers
        self.networks = {name: one.eval().to(**layout) for name, one in networks.items()}
        self.size, self.equalise = size, equalise
        self.machine, self.threshold = machine, threshold

    @property
    def diseases(self) -> tuple[str, ...]:
        return tuple(self.networks)

    def screen(self, films: Films, batch_size: int = 64) -> Screening:
        """Logits, score and answer for each film. Raises ValueError before there is a machine."""
        if self.machine is None:
            raise ValueError(
                "This SCXNN has no second classifier yet; train it with fit_screening."
            )
        logits = self.logits(films, batch_size)
        score = self.machine.decision(logits.reshape(len(logits), -1))
        return Screening(self.diseases, logits, score, self.threshold)

    def logits(self, films: Films, batch_size: int = 64) -> NDArray[np.float64]:
        """(N, D, 3) logits of N films: prepared ones, a tensor, pictures or a source."""
        parts = [
            np.stack([_answers(network, batch) for network in self.networks.values()], axis=1)
            for batch in self._batches(films, batch_size)
        ]
        return np.concatenate(parts).astype(np.float64)

    def with_screening(self, machine: SupportVectors, threshold: float) -> "Scxnn":
        """The same networks with this second classifier and operating point."""
        return Scxnn(self.networks, self.size, self.equalise, machine, threshold)

    def _batches(self, films: Films, batch_size: int):
        for start in range(0, len(films), batch_size):
            stop = min(start + batch_size, len(films))
            if isinstance(films, Tensor):
                yield self._checked(films[start:stop])
            elif isinstance(films, PreparedFilms):
                yield self._checked(films.tensor(range(start, stop)))
            else:
                yield self._prepare([films[i] for i in range(start, stop)])

    def _prepare(self, films: Sequence[np.ndarray | ImageItem]) -> Tensor:
        pictures = [film.image if isinstance(film, ImageItem) else film for film in films]
        ready = [prepare_film(picture, self.size, self.equalise) for picture in pictures]
        return torch.from_numpy(np.stack(ready))[:, None].float() / 255

    def _checked(self, films: Tensor) -> Tensor:
        if films.shape[1:] != (1, self.size, self.size):
            raise ValueError(
                f"This SCXNN takes prepared films (N, 1, {self.size}, {self.size}), not "
                f"{tuple(films.shape)}; give a source or a list of pictures, and it prepares them."
            )
        return films


@torch.inference_mode()
def _answers(network: DiseaseNetwork, films: Tensor) -> NDArray[np.float32]:
    """Logits (B, K) of the encoder and head alone; nothing is painted when only asked."""
    films = films.contiguous(memory_format=torch.channels_last)
    fast = best_precision() == "bf16-mixed"
    with torch.autocast("cpu", torch.bfloat16, enabled=fast):
        return network.encoder(films).float().numpy()


def sensitive_threshold(abnormal_scores: NDArray[np.float64], sensitivity: float) -> float:
    """The highest threshold above which at least this share of the abnormal films' scores lies.

    abnormal_scores (N,) of patients who took no part in training. Raises ValueError for a share
    outside 0 to 1 or no film.
    """
    scores = np.sort(np.asarray(abnormal_scores, dtype=np.float64))
    if not 0 < sensitivity <= 1 or scores.size == 0:
        raise ValueError("A sensitivity above 0 and up to 1, and abnormal films, are needed.")
    missed = int(np.floor((1 - sensitivity) * scores.size + 1e-9))
    return float(np.nextafter(scores[missed], -np.inf))


def save_scxnn(scxnn: Scxnn, folder: Path | str) -> Path:
    """Write all networks and the second classifier into one file of the folder; returns its path.

    Weights are stored in 16 bits: half the size. `rounded` rounds a network likewise.
    """
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = scxnn.machine and {
        name: torch.as_tensor(value) if isinstance(value, np.ndarray) else value
        for name, value in scxnn.machine.as_dict().items()
    }
    content = {
        "size": scxnn.size,
        "equalise": scxnn.equalise,
        "threshold": scxnn.threshold,
        "machine": machine,
        "networks": {name: _packed(network) for name, network in scxnn.networks.items()},
    }
    save_checkpoint(path, content)
    return path


def load_scxnn(folder: Path | str | None = None) -> Scxnn:
    """The SCXNN in a folder; the one that the course brings when none is named.

    Raises CheckpointError if the file is missing or damaged.
    """
    path = Path(folder or SHIPPED) / FILE
    content = load_checkpoint(path)
    try:
        networks = {name: _unpacked(saved) for name, saved in content["networks"].items()}
        machine = content["machine"] and _machine(content["machine"])
        settings = content["size"], content["equalise"], machine, content["threshold"]
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not hold a whole SCXNN ({error}).") from error
    return Scxnn(networks, *settings)


def _machine(saved: Mapping) -> SupportVectors:
    arrays = {name: saved[name].numpy() for name in ("mean", "deviation", "vectors", "weights")}
    return SupportVectors(**arrays, bias=saved["bias"], gamma=saved["gamma"])


def rounded(network: DiseaseNetwork) -> DiseaseNetwork:
    """The network as it will be after saving and loading, its weights rounded to 16 bits."""
    return _unpacked(_packed(network))


def _packed(network: DiseaseNetwork) -> dict:
    weights = {name: _half(tensor.cpu()) for name, tensor in network.state_dict().items()}
    return {"settings": network.settings, "weights": weights}


def _unpacked(saved: Mapping) -> DiseaseNetwork:
    network = DiseaseNetwork(**saved["settings"])
    weights = {
        name: tensor.float() if tensor.dtype == torch.float16 else tensor
        for name, tensor in saved["weights"].items()
    }
    network.load_state_dict(weights)
    return network.eval()


def _half(tensor: Tensor) -> Tensor:
    fits = tensor.is_floating_point() and bool((tensor.abs() < LARGEST_HALF).all())
    return tensor.half() if fits else tensor.clone()
