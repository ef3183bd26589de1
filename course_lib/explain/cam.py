"""Class activation maps: which part of the picture a linear classifier counted for a finding.

Zhou et al., CVPR 2016 (arXiv:1512.04150). A network that averages its last maps f_c(y, x) and
then applies a linear layer gives logit_k = sum_c w_kc mean(f_c) + b_k. Sum and mean can change
places: with CAM_k(y, x) = sum_c w_kc f_c(y, x) it is logit_k = mean(CAM_k) + b_k. The map is thus
no guess about the network, it is its decision laid out in space. Grad-CAM (Selvaraju et al., ICCV
2017, arXiv:1610.02391) puts gradients in the place of weights and so serves any network.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

HAIR = 1e-30  # too small to change any number, large enough to count as positive


class NoActivationMap(ValueError):
    """The maps are not what the classifier averages, so their weighted sum would mean nothing."""


@dataclass(frozen=True)
class ActivationMaps:
    """Maps (B, K, h, w) of B images and K outputs, with the logits (B, K) and biases (K,)."""

    maps: Tensor
    logits: Tensor
    bias: Tensor


@torch.no_grad()
def activation_maps(model: nn.Module, images: Tensor, layer: str = "features") -> ActivationMaps:
    """CAMs of ``images`` (B, C, H, W): mean over (h, w) plus bias is the logit, exactly.

    ``layer`` is the name of the submodule that gives the last maps. The model is put at rest
    (eval). A ReLU that the model applies after that layer (as torchvision's DenseNets do) is
    found out and applied. Raises NoActivationMap when the averaged maps are not the input of the
    model's last linear layer.
    """
    device = next(model.parameters()).device
    model.eval()
    linear = last_linear(model)
    with _outputs_of(model.get_submodule(layer)) as seen, _inputs_of(linear) as pooled:
        logits = model(images.to(device))
    maps = _what_was_averaged(seen[-1], pooled[-1], layer)
    weighted = torch.einsum("kc,bchw->bkhw", linear.weight, maps)
    bias = torch.zeros(linear.out_features) if linear.bias is None else linear.bias.detach()
    return ActivationMaps(weighted.cpu(), logits.cpu(), bias.cpu())


def grad_cam(
    model: nn.Module, images: Tensor, output: int, layer: str = "features", rectify: bool = True
) -> Tensor:
    """Grad-CAM (B, h, w) of one output of any model, at any layer that gives maps (B, C, h, w).

    The weight of a map is the mean gradient of the logit with respect to it. Where a ReLU follows
    the layer inside the model's own forward, the maps must be taken after it: ``rectify`` applies
    ReLU to the layer's output (no change if the output is never negative, or if a ReLU comes next
    anyway). Raises NoActivationMap if that changed the model's answer; pass rectify=False then.
    The usual final ReLU, which hides what speaks against the finding, is left to the caller.
    """
    maps, gradient = maps_and_gradient(model, images, output, layer, rectify)
    return (gradient.mean((2, 3), keepdim=True) * maps).sum(1).cpu()


def maps_and_gradient(
    model: nn.Module, images: Tensor, output: int, layer: str = "features", rectify: bool = True
) -> tuple[Tensor, Tensor]:
    """The maps (B, C, h, w) of a layer and the gradient of one logit with respect to them.

    Arguments and errors as in ``grad_cam``. Both are on the model's device.
    """
    device = next(model.parameters()).device
    model.eval()
    images = images.to(device)
    taken: list[Tensor] = []

    def take(_module: nn.Module, _inputs: tuple, maps: Tensor) -> Tensor:
        maps = functional.relu(maps) if rectify else maps
        maps.requires_grad_() if not maps.requires_grad else maps.retain_grad()
        taken.append(maps)
        # A copy goes on, safe from in-place layers, and a hair above zero: at zero exactly, a ReLU
        # that comes next would block the gradient.
        return maps + HAIR if rectify else maps.clone()

    with torch.no_grad():
        undisturbed = model(images)
    hook = model.get_submodule(layer).register_forward_hook(take)
    try:
        with torch.enable_grad():
            logits = model(images)
            (gradient,) = torch.autograd.grad(logits[:, output].sum(), taken[-1])
    finally:
        hook.remove()
    if not torch.allclose(logits, undisturbed, rtol=1e-4, atol=1e-4):
        raise NoActivationMap(f"No ReLU follows {layer!r} in this model; call with rectify=False.")
    return taken[-1].detach(), gradient


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (..., h, w) interpolated to ``size`` (H, W), pixel areas aligned with the image's."""
    flat = maps.reshape(-1, 1, *maps.shape[-2:]).float()
    large = functional.interpolate(flat, size=size, mode="bilinear", align_corners=False)
    return large.reshape(*maps.shape[:-2], *size)


def last_linear(model: nn.Module) -> nn.Linear:
    """The last linear layer of a model; NoActivationMap when it has none."""
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linears:
        raise NoActivationMap("The model has no linear layer, so it has no class activation map.")
    return linears[-1]


def _what_was_averaged(maps: Tensor, pooled: Tensor, layer: str) -> Tensor:
    """The maps, or their positive part: whichever has the classifier's input as its mean."""
    if maps.dim() == 4 and maps.shape[:2] == pooled.shape:
        for candidate in (maps, functional.relu(maps)):
            if torch.allclose(candidate.mean((2, 3)), pooled, rtol=1e-3, atol=1e-4):
                return candidate
    raise NoActivationMap(
        f"The mean of {layer!r} is not what the last linear layer receives; "
        "a class activation map needs global average pooling followed by one linear layer."
    )


@contextmanager
def _outputs_of(module: nn.Module) -> Iterator[list[Tensor]]:
    seen: list[Tensor] = []
    hook = module.register_forward_hook(lambda _m, _i, output: seen.append(output.clone()))
    try:
        yield seen
    finally:
        hook.remove()


@contextmanager
def _inputs_of(module: nn.Module) -> Iterator[list[Tensor]]:
    seen: list[Tensor] = []
    hook = module.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        hook.remove()
