"""What one network of SCXNN learns from: film, class (normal, target, others) and lesion.

Source: Kim 2024, sections 3.2 and 3.3.4.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.data.item import ImageRecord, Label
from course_lib.data.scxnn_augment import ScxnnAugmentation
from course_lib.data.scxnn_films import Equalise, dilate, lesion_picture, prepare_film, prepare_mask
from course_lib.data.source import AnySource, records_of
from course_lib.patient.risk import THIRTEEN

NORMAL, TARGET, OTHERS, UNKNOWN = 0, 1, 2, -1
MOST_BYTES_KEPT = 1_500_000_000


class PreparedFilms:
    """Films of a source, prepared once and kept: uint8 (size, size), with the masks of lesions.

    source: any source of images. equalise: see prepare_film. masks: keep the outlines as well
    (hard films); without them every lesion counts as not outlined. What does not fit into memory
    (1.5 GB) is prepared again at every use.
    """

    def __init__(
        self, source: AnySource, size: int, equalise: Equalise = "clahe", masks: bool = True
    ) -> None:
        if len(source) == 0:
            raise ValueError("The source holds no films; check its folder and its labels.")
        self.source, self.size, self.equalise, self.with_masks = source, size, equalise, masks
        self.records: Sequence[ImageRecord] = records_of(source)
        room = MOST_BYTES_KEPT // (size * size)
        self._kept: dict[int, tuple[np.ndarray, dict[str, np.ndarray]]] = {}
        self._keeps = len(source) <= room

    def __len__(self) -> int:
        return len(self.source)

    def film(self, index: int) -> np.ndarray:
        """The prepared film, uint8 (size, size)."""
        return self._prepared(index)[0]

    def mask(self, index: int, disease: str) -> np.ndarray:
        """Outline of a disease, bool (size, size); all False where there is none."""
        bits = self._prepared(index)[1].get(disease)
        if bits is None:
            return np.zeros((self.size, self.size), dtype=bool)
        return np.unpackbits(bits, count=self.size**2).reshape(self.size, self.size).astype(bool)

    def tensor(self, indices: Sequence[int] | None = None) -> Tensor:
        """Films (N, 1, size, size), float32 in 0..1; all of them, or those of `indices`."""
        chosen = range(len(self)) if indices is None else indices
        stack = np.stack([self.film(int(i)) for i in chosen])
        return torch.from_numpy(stack)[:, None].float() / 255

    def classes(self, disease: str, diseases: Sequence[str] = THIRTEEN) -> np.ndarray:
        """(N,) NORMAL, TARGET, OTHERS or UNKNOWN for every film, seen from one disease."""
        return np.array([class_of(record, disease, diseases) for record in self.records])

    def abnormal(self) -> np.ndarray:
        """(N,) bool: at least one finding is present, be it one of the thirteen or another."""
        return np.array([Label.PRESENT in record.labels.values() for record in self.records])

    def _prepared(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        if index in self._kept:
            return self._kept[index]
        item = self.source[index]
        masks = item.masks if self.with_masks else {}
        packed = {name: np.packbits(prepare_mask(mask, self.size)) for name, mask in masks.items()}
        prepared = prepare_film(item.image, self.size, self.equalise), packed
        if self._keeps:
            self._kept[index] = prepared
        return prepared


def class_of(record: ImageRecord, disease: str, diseases: Sequence[str] = THIRTEEN) -> int:
    """NORMAL, TARGET or OTHERS of a film as one network sees it; UNKNOWN if its labels do not tell.

    TARGET if the disease is present, whatever else there is. OTHERS if it is absent and another one
    present. NORMAL only if every disease is known to be absent.
    """
    if record.label(disease) is Label.PRESENT:
        return TARGET
    if record.label(disease) is not Label.ABSENT:
        return UNKNOWN
    known = [record.label(name) for name in diseases]
    if Label.PRESENT in known:
        return OTHERS
    return NORMAL if all(label is Label.ABSENT for label in known) else UNKNOWN


def balanced_choice(
    classes: np.ndarray, most: int | None, seed: int, num_classes: int = 3
) -> np.ndarray:
    """Indices of films to learn from: at most `most` of each class, drawn at random, in order.

    num_classes 2 leaves OTHERS out. Films of UNKNOWN class never take part.
    """
    random = np.random.default_rng(seed)
    parts = [random.permutation(np.flatnonzero(classes == k))[:most] for k in range(num_classes)]
    return np.sort(np.concatenate(parts))


class DiseaseDataset(Dataset):
    """What the network of one disease learns from. Each element is a dict:

        image    float32 (1, size, size) in 0..1
        class    int64: NORMAL, TARGET or OTHERS
        lesion   float32 (1, size, size): what the decoder shall paint; zeros on other films
        index    number of the film

    Args:
        films: prepared films. disease: the target. indices: films that take part.
        task: "reconstruction": lesion is the film inside the dilated mask; "segmentation": the
            dilated mask itself; "none": zeros.
        dilation: how far masks grow, as a share of the film's side.
        augment: random changes of training films; None for validation.
        seed: with set_epoch decides all random changes.
    """

    def __init__(
        self,
        films: PreparedFilms,
        disease: str,
        indices: Sequence[int] | np.ndarray,
        task: Literal["reconstruction", "segmentation", "none"] = "reconstruction",
        dilation: float = 0.03,
        augment: ScxnnAugmentation | None = None,
        diseases: Sequence[str] = THIRTEEN,
        seed: int = 0,
    ) -> None:
        self.films, self.disease, self.task, self.dilation = films, disease, task, dilation
        self.indices = np.asarray(indices)
        self.classes = films.classes(disease, diseases)[self.indices]
        if np.any(self.classes == UNKNOWN):
            raise ValueError("Films of unknown class cannot be learned from; leave them out.")
        self.augment, self.seed, self.epoch = augment, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch begins: film i in epoch e always changes in the same way."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        index = int(self.indices[number])
        film = self.films.film(index).astype(np.float32) / 255
        mask = self._mask(index)
        if self.augment is not None:
            random = np.random.default_rng([self.seed, self.epoch, index])
            change = self.augment.draw(random)
            film = change.on_image(film)
            mask = change.on_mask(mask) if mask.any() else mask
        lesion = mask.astype(np.float32)
        if self.task == "reconstruction":
            lesion = lesion_picture(film, mask)
        return {
            "image": torch.from_numpy(film)[None],
            "class": torch.tensor(int(self.classes[number])),
            "lesion": torch.from_numpy(lesion)[None],
            "index": torch.tensor(index),
        }

    def class_weights(self) -> Tensor:
        """(K,) weights that let every class that occurs weigh as much as the others in the loss."""
        counts = np.bincount(self.classes)
        return torch.tensor(len(self) / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32)

    def _mask(self, index: int) -> np.ndarray:
        if self.task == "none":
            return np.zeros((self.films.size, self.films.size), dtype=bool)
        mask = self.films.mask(index, self.disease)
        return dilate(mask, self.dilation) if mask.any() else mask
