"""Encoders of SCXNN: any classifier of the course, cut so that its maps at every scale come out."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.densenet import densenet, published_densenet
from course_lib.models.efficientnet import published_efficientnet
from course_lib.models.googlenet import googlenet
from course_lib.models.resnet import published_resnet
from course_lib.models.vgg import published_vgg
from course_lib.models.weights import (
    CheckpointMismatch,
    LoadReport,
    compare,
    load_weights,
)

HEADS = ("fc.", "classifier.", "aux1.", "aux2.", "AuxLogits.")


class Cut(nn.Module):
    """A network without its head. It has `stages(x)`, maps at strides 2 to 32, and their channels
    `stage_channels`; the last maps are its output."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        for head in ("fc", "classifier"):
            if head in dict(net.named_children()):
                setattr(net, head, nn.Identity())
        self.net = net

    def forward(self, films: Tensor) -> Tensor:
        return self.stages(films)[-1]

    def stages(self, films: Tensor) -> list[Tensor]:
        return self.net.stages(films)  # type: ignore[operator]


class Encoder(nn.Module):
    """A classifier that averages its last maps, and shows its maps at every scale.

    features: a Cut, or stages run one after the other; classifier: one linear layer. Made from a
    DenseNet it has the same parameters under the same names, so the same weights fit. Class
    activation maps hold exactly, whatever the backbone.
    """

    def __init__(self, features: nn.Module, num_outputs: int, in_channels: int) -> None:
        super().__init__()
        self.features = features
        self.in_channels = in_channels
        self.channels = self._measured_channels()
        self.classifier = nn.Linear(self.channels[-1], num_outputs)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, films: Tensor) -> Tensor:
        """Films (B, in_channels, H, W) to logits (B, num_outputs)."""
        return self.classify(self.features(films))

    def maps(self, films: Tensor) -> list[Tensor]:
        """The last maps of every size that is smaller than the film, finest first."""
        if isinstance(self.features, Cut):
            return self.features.stages(films)
        kept, current = [], films
        for stage in self.features.children():
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


def _dense(name: str) -> Callable[[int], nn.Module]:
    return lambda in_channels: published_densenet(name, 1, in_channels).features


BACKBONES: dict[str, Callable[[int], nn.Module]] = {
    "laptop": lambda in_channels: densenet("laptop", 1, in_channels).features,
    "densenet121": _dense("densenet121"),
    "densenet169": _dense("densenet169"),
    "vgg16": lambda in_channels: Cut(published_vgg("vgg16", 1, in_channels)),
    "resnet50": lambda in_channels: Cut(published_resnet("resnet50", 1, in_channels)),
    "googlenet": lambda in_channels: Cut(googlenet("torchvision", 1, in_channels, aux=False)),
    "efficientnet_b2": lambda in_channels: Cut(
        published_efficientnet("efficientnet_b2", 1, in_channels)
    ),
}


def encoder(name: str, num_outputs: int = 3, in_channels: int = 1) -> Encoder:
    """An encoder by name: one of BACKBONES. Raises ValueError that lists them for another name."""
    if name not in BACKBONES:
        raise ValueError(f"There is no backbone {name!r}; choose from {', '.join(BACKBONES)}.")
    return Encoder(BACKBONES[name](in_channels), num_outputs, in_channels)


def load_encoder(network: Encoder, weights: Mapping[str, Tensor]) -> LoadReport:
    """Load all but the head: weights of another Encoder, or torchvision's for this backbone.

    Weights for colour pictures are added up when the encoder takes grey films. Raises
    CheckpointMismatch, and changes nothing, unless every tensor finds its partner.
    """
    if not isinstance(network.features, Cut):
        colours = weights["features.conv0.weight"].shape[1]
        grey = colours > network.in_channels
        return load_weights(network, weights, new_head=True, grey_from_colour=grey)
    wanted = network.state_dict()
    given = _for_cut(weights, wanted)
    report = compare(wanted, given, new_head=True)
    if not report.fits:
        raise CheckpointMismatch(report)
    network.load_state_dict({**wanted, **given})
    return report


def _for_cut(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under a Cut's names, without heads, the first layer made grey if need be."""
    if any(name.startswith("features.net.") for name in weights):
        given = {name: tensor for name, tensor in weights.items() if name in wanted}
        return {name: t for name, t in given.items() if not name.startswith("classifier.")}
    given = {f"features.net.{name}": t for name, t in weights.items() if not name.startswith(HEADS)}
    for name, tensor in given.items():
        fits = name in wanted and tensor.dim() == 4 and tensor.shape[1] == 3
        if fits and wanted[name].shape[1] == 1:
            given[name] = tensor.sum(dim=1, keepdim=True)
    return given
