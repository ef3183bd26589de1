"""CIFAR-10 and CIFAR-100 for federations, from the folder that torchvision keeps them in.

The files (Krizhevsky 2009) are read by torchvision and never fetched: unpack cifar-10-python.tar.gz
or cifar-100-python.tar.gz into a folder and name that folder here. ``partition.by_classes`` deals
them out: 2 classes per client of CIFAR-10 and 20 of CIFAR-100 in FedMix (workshop slide 23).
"""

from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100

from course_lib.federated.tasks import Task

SETS: dict[str, type[CIFAR10]] = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def cifar_task(folder: Path | str, name: str = "cifar10", verify: bool = True) -> Task:
    """Pictures (N, 3, 32, 32), 0 to 1 less the mean of each colour, with their class numbers.

    folder: holds cifar-10-batches-py or cifar-100-python. verify: compare the files' checksums with
    torchvision's; False reads other files of the same layout. Raises FileNotFoundError or
    ValueError that says what is missing.
    """
    if name not in SETS:
        raise ValueError(f"There is no set {name!r}; choose from {', '.join(SETS)}.")
    kind = SETS[name] if verify else _unverified(SETS[name])
    place = Path(folder) / kind.base_folder
    if not place.is_dir():
        raise FileNotFoundError(f"{place} is missing: unpack {kind.filename} into {folder}.")
    try:
        learn, test = (kind(str(folder), train=train) for train in (True, False))
    except RuntimeError as error:
        raise ValueError(f"{place} is incomplete or changed: {error}") from None
    inputs, test_inputs = _pictures(learn), _pictures(test)
    mean = inputs.mean((0, 2, 3), keepdim=True)
    return Task(
        name,
        inputs - mean,
        torch.tensor(learn.targets),
        test_inputs - mean,
        torch.tensor(test.targets),
        tuple(learn.classes),
    )


def _pictures(data: CIFAR10) -> Tensor:
    """torchvision's (N, 32, 32, 3) uint8 as (N, 3, 32, 32), 0 to 1."""
    return torch.from_numpy(data.data).permute(0, 3, 1, 2).float() / 255


def _unverified(kind: type[CIFAR10]) -> type[CIFAR10]:
    """The same reader without checksums."""
    lists = {
        key: [[file, None] for file, _ in getattr(kind, key)] for key in ("train_list", "test_list")
    }
    return type(kind.__name__, (kind,), {**lists, "meta": {**kind.meta, "md5": None}})
