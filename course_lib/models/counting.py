"""How many numbers a network learns: counted, and derived by hand."""

from collections.abc import Sequence

from torch import nn


def count_parameters(model: nn.Module, trainable_only: bool = False) -> int:
    """Number of learned parameters. Running means and variances of batch norm are not learned."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable_only)


def parameter_table(model: nn.Module, depth: int = 1) -> list[tuple[str, int]]:
    """(name, parameters) of each part of the model, names cut after `depth` dots, in order."""
    table: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = ".".join(name.split(".")[: depth + 1][:-1] or [name])
        table[part] = table.get(part, 0) + parameter.numel()
    return list(table.items())


def densenet_parameters(
    block_config: Sequence[int],
    growth_rate: int = 32,
    stem_channels: int = 64,
    num_classes: int = 1000,
    in_channels: int = 3,
    bottleneck: int = 4,
) -> int:
    """Parameters of a DenseNet, added up layer by layer as one would on paper.

    A convolution without bias has kernel area * inputs * outputs; a batch norm 2 per channel.
    Holds for the published stem (7x7) and compression one half.
    """
    k, squeezed = growth_rate, bottleneck * growth_rate
    total = 7 * 7 * in_channels * stem_channels + 2 * stem_channels
    channels = stem_channels
    for i, layers in enumerate(block_config):
        for _ in range(layers):
            total += 2 * channels + channels * squeezed  # norm1, conv1 (1x1)
            total += 2 * squeezed + 9 * squeezed * k  # norm2, conv2 (3x3)
            channels += k
        if i < len(block_config) - 1:
            total += 2 * channels + channels * (channels // 2)  # norm and conv of the transition
            channels //= 2
    return total + 2 * channels + (channels + 1) * num_classes  # norm5, classifier with bias
