"""What public counters say, and why they disagree with each other.

All count the multiply-adds of convolutions and matrix products alike. They differ in the small
change: biases, batch norm, ReLU, pooling. `breakdown` rebuilds each counter's figure from ours.
"""

import contextlib
import copy
import io
import logging
import warnings

import fvcore.nn
import pandas as pd
import ptflops
import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_lib.models.arithmetic.trace import Shape, Step, trace

COUNTERS = ("FlopCounterMode/2", "ptflops (aten)", "torchinfo", "fvcore", "ptflops (pytorch)")
POOLING = ("max_pool2d_with_indices", "avg_pool2d", "_adaptive_avg_pool2d", "mean")


def public_counters(model: nn.Module, input_shape: Shape) -> dict[str, int]:
    """What each of COUNTERS says about one picture of `input_shape` (1, channels, H, W).

    These programs run the model for real, on a copy. PyTorch's own counts operations, two for
    each multiply-add; the others say FLOPs or MACs and mean multiply-adds.
    """
    model = _copy_on_cpu(model)
    picture, one = torch.zeros(input_shape), tuple(input_shape[1:])
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("fvcore").setLevel(logging.ERROR)
        with FlopCounterMode(display=False) as flops:
            model(picture)
        fv = fvcore.nn.FlopCountAnalysis(model, picture)
        info = torchinfo.summary(model, input_data=picture, verbose=0, device="cpu")
        pt = [
            ptflops.get_model_complexity_info(
                model, one, as_strings=False, print_per_layer_stat=False, backend=backend
            )[0]
            for backend in ("aten", "pytorch")
        ]
        said = [flops.get_total_flops() // 2, pt[0], info.total_mult_adds, fv.total(), pt[1]]
    return dict(zip(COUNTERS, map(int, said), strict=True))


def _copy_on_cpu(model: nn.Module) -> nn.Module:
    on_meta = next(model.parameters()).device.type == "meta"
    model = copy.deepcopy(model).eval()
    return model.to_empty(device="cpu") if on_meta else model.cpu()


def breakdown(model: nn.Module, input_shape: Shape) -> pd.DataFrame:
    """Each counter's figure, rebuilt part by part from our own trace; one row per counter.

    Holds for nets of convolutions, linear layers, batch norm, ReLU and pooling (not LRN, gates).
    """
    steps = trace(model, input_shape).steps
    kinds = {name: type(module).__name__ for name, module in model.named_modules()}
    products = sum(step.macs for step in steps)
    bias = sum(step.biased for step in steps)
    norm = sum(2 * s.values_in for s in steps if s.operator == "native_batch_norm")
    norm_weights = sum(s.parameters for s in steps if s.operator == "native_batch_norm")
    relu = _twice_as_layer(steps, kinds, ("relu",))
    pooling = _twice_as_layer(steps, kinds, POOLING)
    adaptive = sum(s.values_in for s in steps if s.operator in ("_adaptive_avg_pool2d", "mean"))
    rows = {
        "FlopCounterMode/2": (products, 0, 0, 0, 0),
        "ptflops (aten)": (products, bias, 0, 0, 0),
        "torchinfo": (products, bias, norm_weights, 0, 0),
        "fvcore": (products, 0, norm, 0, adaptive),
        "ptflops (pytorch)": (products, bias, norm, relu, pooling),
    }
    parts = ["products", "biases", "batch norm", "ReLU", "pooling"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=parts)
    return table.assign(together=table.sum(axis=1))


def _twice_as_layer(steps: list[Step], kinds: dict[str, str], operators: tuple[str, ...]) -> int:
    """Values that go into `operators`. ptflops sees a layer twice: once as a layer (nn.ReLU), once
    as the function it calls (F.relu)."""
    return sum(
        step.values_in * (2 if kinds[step.layer].startswith(_LAYERS) else 1)
        for step in steps
        if step.operator in operators
    )


_LAYERS = ("ReLU", "MaxPool", "AvgPool", "AdaptiveAvgPool")
