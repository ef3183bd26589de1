"""From a source of images to the batches a network learns from."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from course_lib.data.augment import Augmentation
from course_lib.data.item import ImageItem
from course_lib.data.preprocess import pad_to_square, resize, resize_mask, to_uint8
from course_lib.data.source import AnySource, findings_of, records_of

# Small sets are kept after the first epoch, so that a film is read and resized only once.
MOST_BYTES_KEPT = 1_000_000_000

Preprocess = Callable[[np.ndarray], np.ndarray]


class FilmDataset(Dataset):
    """Films of one size with their labels as numbers, for torch's DataLoader (with `collate`).

    Each element is a dict:
        image       float32 (1, size, size) in 0..1
        target      float32 (K,), 1 where the finding is present
        known       bool (K,), False where the target must not be used (ImageRecord.label_vector)
        index       its number in this data set
        patient_id  str
        mask        bool (K, size, size), only with masks=True; all False where no outline is known

    Films that are not square get black borders. Grey values are rounded to 8 bits, as in the
    public sets, so that small sets fit into memory.

    Args:
        source: a source of images or a list of ImageItems.
        size: height and width in pixels that the network gets.
        findings: names of the K findings, in the order of the outputs.
        augment: changes training films at random; None for validation and test.
        preprocess: a function on the float32 (H, W) image before resizing, for example clahe.
        uncertain: how UNCERTAIN labels count: "ignore", "ones" or "zeros".
        masks: also give the outlines of the findings.
        seed: with set_epoch decides all random changes.

    Raises:
        ValueError: no images, or none of the findings is known to the source.

    Attributes:
        targets, known: the labels of the whole set, float32 and bool (N, K).
    """

    def __init__(
        self,
        source: AnySource,
        size: int,
        findings: Sequence[str],
        augment: Augmentation | None = None,
        *,
        preprocess: Preprocess | None = None,
        uncertain: str = "ignore",
        masks: bool = False,
        seed: int = 0,
    ) -> None:
        if len(source) == 0:
            raise ValueError("The source holds no images; check its folder and its labels.")
        _refuse_strangers(source, findings)
        self.source, self.size, self.findings = source, size, tuple(findings)
        self.augment, self.preprocess, self.masks, self.seed = augment, preprocess, masks, seed
        self.records = records_of(source)
        pairs = [record.label_vector(self.findings, uncertain) for record in self.records]
        self.targets = np.stack([targets for targets, _ in pairs])
        self.known = np.stack([known for _, known in pairs])
        self.epoch = 0
        keep = len(source) * size * size <= MOST_BYTES_KEPT and not masks
        self._kept: list[np.ndarray | None] | None = [None] * len(source) if keep else None

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch begins: film i in epoch e always changes in the same way."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor | int | str]:
        film, masks = self._film(index)
        image = film.astype(np.float32) / 255
        if self.augment is not None:
            change = self.augment.draw(np.random.default_rng([self.seed, self.epoch, index]))
            image = change.on_image(image)
            masks = [change.on_mask(mask) for mask in masks]
        element: dict[str, torch.Tensor | int | str] = {
            "image": torch.from_numpy(image)[None],
            "target": torch.from_numpy(self.targets[index]),
            "known": torch.from_numpy(self.known[index]),
            "index": index,
            "patient_id": self.records[index].patient_id,
        }
        if self.masks:
            element["mask"] = torch.from_numpy(np.stack(masks))
        return element

    def __getstate__(self) -> dict:
        """Without the kept films: a loader's processes on Windows and macOS get a copy by mail."""
        kept = None if self._kept is None else [None] * len(self)
        return {**self.__dict__, "_kept": kept}

    def _film(self, index: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """The prepared film, uint8 (size, size), and its masks; from memory if it was kept."""
        kept = self._kept[index] if self._kept is not None else None
        if kept is not None:
            return kept, []
        item = self.source[index]
        film = self.prepare(item.image)
        if self._kept is not None:
            self._kept[index] = film
        return film, self._masks(item) if self.masks else []

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Preprocess, pad and resize one float32 (H, W) image to uint8 (size, size)."""
        ready = image if self.preprocess is None else self.preprocess(image)
        return to_uint8(resize(pad_to_square(ready), self.size))

    def _masks(self, item: ImageItem) -> list[np.ndarray]:
        empty = np.zeros((self.size, self.size), dtype=bool)
        found = [item.masks.get(finding) for finding in self.findings]
        return [
            empty if mask is None else resize_mask(pad_to_square(mask, False), self.size)
            for mask in found
        ]


def _refuse_strangers(source: AnySource, findings: Sequence[str]) -> None:
    """Raise if no finding occurs in the source: a typing error would train on nothing."""
    known = findings_of(source)
    if not set(findings) & set(known):
        raise ValueError(
            f"None of the findings {', '.join(findings)} occurs in the source; "
            f"it knows {', '.join(known) or 'no labels at all'}."
        )


def collate(elements: Sequence[dict]) -> dict[str, torch.Tensor | list[str]]:
    """Put elements into one batch: tensors are stacked, indices become a tensor, names a list."""

    def join(values: list):
        if isinstance(values[0], torch.Tensor):
            return torch.stack(values)
        return torch.tensor(values) if isinstance(values[0], int) else values

    return {key: join([element[key] for element in elements]) for key in elements[0]}
