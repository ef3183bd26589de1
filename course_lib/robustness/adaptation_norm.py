"""Batch-norm adaptation: let the network see the new machine's greys, without a single label.

A batch-norm layer subtracts the mean and divides by the spread that it met in training. Films of
another machine have other ones. So let unlabelled new films through and take theirs (Li et al.,
arXiv:1603.04779), or a mixture of both (Schneider et al., arXiv:2006.16971, equation 2).
"""

import copy
from collections.abc import Iterator

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from course_lib.data.film_inputs import finite_films
from course_lib.data.gan_films import SIZE
from course_lib.learning.film_classifier import FilmClassifier


def renormalised(
    classifier: FilmClassifier,
    films: ArrayLike | Tensor,
    worth: float = 0.0,
    batch: int = 64,
) -> FilmClassifier:
    """A copy of the classifier whose batch-norm layers have the new films' means and variances.

    films (N, 1, 64, 64) in 0..1. worth: as how many films the old statistics count: the new ones
    get the share N / (N + worth); 0 forgets the old ones. Weights stay as they are.
    Each layer's statistics are those of what it gets *after* the layers before it have adapted,
    within the batches; batch: films per step. The classifier given is not changed.
    Raises ValueError for other films, fewer than 8 of them, or worth below 0.
    """
    ready = finite_films(films, SIZE)
    if len(ready) < 8 or worth < 0 or batch < 8:
        raise ValueError(
            f"Statistics need 8 films and batches of 8 at least, and a worth of 0 or more; these "
            f"are {len(ready)}, {batch} and {worth}."
        )
    model = copy.deepcopy(classifier.model)
    layers = list(_norms(model))
    if not layers:
        raise ValueError("This network has no batch norm; there is nothing to adapt.")
    _take_statistics(model, layers, ready, batch)
    share = len(ready) / (len(ready) + worth)
    for new, old in zip(layers, _norms(classifier.model), strict=True):
        _mix(new, old, share)
    return FilmClassifier(model.eval(), classifier.classes)


@torch.no_grad()
def _take_statistics(
    model: nn.Module, layers: list[nn.BatchNorm2d], films: Tensor, batch: int
) -> None:
    model.eval()  # no dropout; only the norms learn
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all batches
        layer.train()
    # Equal batches: the mean over batches is then the mean over films.
    for part in films.chunk(max(1, round(len(films) / batch))):
        model(part)


@torch.no_grad()
def _mix(new: nn.BatchNorm2d, old: nn.BatchNorm2d, share: float) -> None:
    """Statistics between the old (share 0) and the new ones (share 1), in place."""
    for name in ("running_mean", "running_var"):
        kept, found = getattr(old, name), getattr(new, name)
        found.copy_(kept + share * (found - kept))
    new.momentum = old.momentum


def _norms(model: nn.Module) -> Iterator[nn.BatchNorm2d]:
    return (module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
