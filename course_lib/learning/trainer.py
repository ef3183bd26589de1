"""The training loop. ``fit`` is the whole story; the functions below it are its verbs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from course_lib.learning.device import one_device
from course_lib.learning.loading import begin_epoch, epoch_seed, make_loader, number_of_cases
from course_lib.learning.losses import Loss
from course_lib.learning.optimisers import make_optimiser
from course_lib.learning.plan import Plan, cosine_rate
from course_lib.learning.run import Run


class TrainingFailed(RuntimeError):
    """The loss is no longer a number; the message names the epoch, the batch and its cases."""


def fit(
    model: nn.Module,
    train: Dataset,
    validation: Dataset,
    loss: Loss,
    plan: Plan,
    folder: Path | str | None = None,
    fabric: Fabric | None = None,
) -> list[dict[str, float]]:
    """Train ``model`` in place and leave the weights of its best validation epoch in it.

    train, validation: data sets whose items are dictionaries of tensors.
    loss: called as loss(model, batch), gives a scalar; see ``losses.MultiLabelLoss``.
    folder: where to keep the run. Called again after an interruption it goes on from the last
        complete epoch, and ends with the same bits as an uninterrupted run on the same processor.
    fabric: device(s) and precision; the best single device of the machine when omitted.
    Returns a row per epoch: epoch, train_loss, validation_loss, learning_rate, seconds.
    """
    fabric = fabric or one_device()
    train_loader = _loader(fabric, train, plan, shuffle=True)
    check_loader = _loader(fabric, validation, plan, shuffle=False)
    net, optimiser = fabric.setup(_channels_last(model), make_optimiser(model, plan))
    cases = (number_of_cases(train), number_of_cases(validation))
    run = Run(folder, plan, model, optimiser, cases, fabric)
    with _progress(fabric, run, len(train_loader)) as bar:
        while len(run.history) < plan.epochs and not run.has_stalled():
            start = perf_counter()
            train_loss = train_one_epoch(fabric, net, train_loader, loss, run, bar)
            _share_buffers(fabric, model)
            validation_loss = mean_loss(fabric, model, check_loader, loss)
            run.end_epoch(train_loss, validation_loss, perf_counter() - start)
            bar.set_postfix(train=f"{train_loss:.3f}", validation=f"{validation_loss:.3f}")
    run.restore_best()
    return run.history


def train_one_epoch(
    fabric: Fabric, net: nn.Module, loader: DataLoader, loss: Loss, run: Run, bar: tqdm
) -> float:
    """Show every batch once, step after each; the mean loss over the epoch (and processes)."""
    epoch, losses = len(run.history), []
    net.train()
    begin_epoch(loader, run.plan.seed, epoch)
    with _own_randomness(fabric, run.plan, epoch):
        for number, batch in enumerate(loader):
            _set_rate(run, epoch * len(loader) + number, run.plan.epochs * len(loader))
            value = loss(net, fabric.to_device(batch))
            losses.append(_finite(value, batch, epoch, number))
            fabric.backward(value)
            run.optimiser.step()
            run.optimiser.zero_grad()
            bar.update()
    return _mean_over_processes(fabric, sum(losses), len(losses))


@torch.no_grad()
def mean_loss(fabric: Fabric, model: nn.Module, loader: DataLoader, loss: Loss) -> float:
    """Mean loss over the cases of ``loader`` with the model at rest (no dropout, fixed norms)."""
    total, cases = 0.0, 0
    model.eval()
    for number, batch in enumerate(loader):
        with fabric.autocast():
            value = loss(model, fabric.to_device(batch))
        size = len(next(iter(batch.values())))
        total += size * _finite(value, batch, -1, number)
        cases += size
    return _mean_over_processes(fabric, total, cases)


def _loader(fabric: Fabric, dataset: Dataset, plan: Plan, shuffle: bool) -> DataLoader:
    """This process's share of a data set."""
    rank, world = fabric.global_rank, fabric.world_size
    return make_loader(dataset, plan.batch_size, plan.seed, shuffle, rank, world, plan.workers)


def _finite(value: Tensor, batch: Mapping[str, Any], epoch: int, number: int) -> float:
    """The loss as a float, or TrainingFailed that says where to look."""
    if torch.isfinite(value):
        return value.item()
    where = "validation" if epoch < 0 else f"epoch {epoch + 1}"
    which = f" (cases {batch['index'].tolist()})" if "index" in batch else ""
    bad = [k for k, v in batch.items() if torch.is_tensor(v) and not torch.isfinite(v).all()]
    cause = f"{', '.join(bad)} holds NaN or infinity" if bad else "lower the learning rate"
    raise TrainingFailed(
        f"The loss is {value.item()} in {where}, batch {number + 1}{which}: {cause}."
    )


def _set_rate(run: Run, step: int, steps: int) -> None:
    if run.plan.schedule == "cosine":
        for group in run.optimiser.param_groups:
            group["lr"] = cosine_rate(run.plan, step, steps)


@contextmanager
def _own_randomness(fabric: Fabric, plan: Plan, epoch: int) -> Iterator[None]:
    """Seed dropout and the like for this epoch; give the caller's random state back afterwards."""
    devices = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(epoch_seed(plan.seed, epoch, fabric.global_rank))
        yield


def _channels_last(model: nn.Module) -> nn.Module:
    """Keep the channels of a pixel side by side in memory: same numbers, faster convolutions."""
    if any(parameter.dim() == 5 for parameter in model.parameters()):
        return model  # volumes have another layout
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _share_buffers(fabric: Fabric, model: nn.Module) -> None:
    """Give every process the batch statistics of the first, which are the ones that are saved."""
    if fabric.world_size > 1:
        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, src=0)


def _mean_over_processes(fabric: Fabric, total: float, count: int) -> float:
    both = torch.tensor([total, count], dtype=torch.float64, device=fabric.device)
    total, count = torch.as_tensor(fabric.all_reduce(both, reduce_op="sum")).tolist()
    return total / count


def _progress(fabric: Fabric, run: Run, batches: int) -> tqdm:
    silence = {} if fabric.is_global_zero else {"disable": True}  # one bar, whatever the processes
    done, total = len(run.history) * batches, run.plan.epochs * batches
    return tqdm(total=total, initial=done, desc="training", unit="batch", **silence)
