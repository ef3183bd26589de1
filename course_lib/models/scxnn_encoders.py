"""Encoders of SCXNN: any classifier of the course, cut so that its maps at every scale come out."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.densenet import densenet, published_densenet


class Encoder(nn.Module):
    """A classifier that averages its last maps, and shows its maps at every scale.

    features: the stages, run one after the other; classifier: one linear layer. Made from a
    DenseNet it has the same parameters under the same names, so the same weights fit, and class
    activation maps hold exactly.
    """

    def __init__(self, features: nn.Sequential, num_outputs: int, in_channels: int) -> None:
        super().__init__()
        self.features = features
        self.in_channels = in_channels
        self.channels = self._measured_channels()
        self.classifier = nn.Linear(self.channels[-1], num_outputs)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, films: Tensor) -> Tensor:
        """Films (B, in_channels, H, W) to logits (B, num_outputs)."""
        return self.classifier(self.pooled(films))

    def pooled(self, films: Tensor) -> Tensor:
        """Films (B, in_channels, H, W) to one number per last map (B, channels[-1])."""
        return F.adaptive_avg_pool2d(self.features(films), 1).flatten(1)

    def maps(self, films: Tensor) -> list[Tensor]:
        """The last maps of every size that is smaller than the film, finest first."""
        kept, current = [], films
        for stage in self.features:
            following = stage(current)
            if following.shape[-1] < current.shape[-1] < films.shape[-1]:
                kept.append(current)
            current = following
        return [*kept, current]

    def classify(self, last_maps: Tensor) -> Tensor:
        """Last maps (B, C, h, w) to logits (B, num_outputs)."""
        return self.classifier(F.adaptive_avg_pool2d(last_maps, 1).flatten(1))

    @torch.no_grad()
    def _measured_channels(self) -> tuple[int, ...]:
        """Channels at every scale, found by sending one empty film through."""
        was_training = self.training
        maps = self.eval().maps(torch.zeros(1, self.in_channels, 96, 96))
        self.train(was_training)
        return tuple(one.shape[1] for one in maps)


def _laptop(in_channels: int) -> nn.Sequential:
    return densenet("laptop", 1, in_channels).features


def _paper_densenet(name: str) -> Callable[[int], nn.Sequential]:
    return lambda in_channels: published_densenet(name, 1, in_channels).features


BACKBONES: dict[str, Callable[[int], nn.Sequential]] = {
    "laptop": _laptop,
    "densenet121": _paper_densenet("densenet121"),
    "densenet169": _paper_densenet("densenet169"),
}


def encoder(name: str, num_outputs: int = 3, in_channels: int = 1) -> Encoder:
    """An encoder by name: one of BACKBONES. Raises ValueError that lists them for another name."""
    if name not in BACKBONES:
        raise ValueError(f"There is no backbone {name!r}; choose from {', '.join(BACKBONES)}.")
    return Encoder(BACKBONES[name](in_channels), num_outputs, in_channels)
