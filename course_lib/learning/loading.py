"""In which order the cases come: fixed by seed and epoch alone, so that a run can be resumed."""

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler


def epoch_seed(seed: int, epoch: int, rank: int = 0) -> int:
    """A seed of its own for every epoch (and process), so there is no random state to save."""
    return int(np.random.SeedSequence([seed, epoch, rank]).generate_state(1)[0])


class EpochOrder(Sampler[int]):
    """Indices of the cases of one epoch, shuffled anew by ``set_epoch``, dealt out to processes.

    With ``world`` processes, each takes every world-th case. Shuffled (training), the last few
    cases that do not go round evenly are left out of that epoch; in order (validation) none is.
    """

    def __init__(self, cases: int, seed: int, shuffle: bool, rank: int = 0, world: int = 1):
        self.cases, self.seed, self.shuffle = cases, seed, shuffle
        self.rank, self.world, self.epoch = rank, world, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        if not self.shuffle:
            return iter(range(self.rank, self.cases, self.world))
        order = np.random.default_rng(epoch_seed(self.seed, self.epoch)).permutation(self.cases)
        return iter(order[: len(self) * self.world][self.rank :: self.world].tolist())

    def __len__(self) -> int:
        if self.shuffle:
            return self.cases // self.world
        return len(range(self.rank, self.cases, self.world))


def make_loader(
    dataset: Dataset,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = False,
    rank: int = 0,
    world: int = 1,
    workers: int = 0,
) -> DataLoader:
    """A loader of dictionaries of stacked tensors. Raises ValueError for an empty data set.

    In training an incomplete last batch is left out when there is a complete one: batch
    normalisation suffers from very small batches, and the next epoch shows other cases.
    """
    cases = number_of_cases(dataset)
    order = EpochOrder(cases, seed, shuffle, rank, world)
    if len(order) == 0 and shuffle:
        raise ValueError(f"{cases} training cases cannot be shared by {world} processes.")
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=order,
        num_workers=workers,
        drop_last=shuffle and len(order) >= batch_size,
        generator=torch.Generator().manual_seed(seed),
    )


def number_of_cases(dataset: Any) -> int:
    """Length of a data set, or a ValueError that says it is empty or has no length."""
    if not isinstance(dataset, Sized):
        raise ValueError(f"{type(dataset).__name__} has no length; training needs a finite set.")
    if len(dataset) == 0:
        raise ValueError("The data set is empty: no case was found, or a filter removed them all.")
    return len(dataset)


def begin_epoch(loader: DataLoader, seed: int, epoch: int) -> None:
    """Fix order, augmentation and worker seeds of an epoch, whatever happened before it."""
    for part in (loader.sampler, loader.dataset):
        if hasattr(part, "set_epoch"):
            part.set_epoch(epoch)
    if loader.generator is not None:
        loader.generator.manual_seed(epoch_seed(seed, epoch))
