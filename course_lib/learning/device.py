"""Where the numbers are crunched: one processor, or many, through Lightning Fabric.

``fit`` takes any Fabric. For several GPUs, or several machines, make one, launch it, pass it:

    fabric = Fabric(accelerator="cuda", devices=4, num_nodes=2, strategy="ddp")
    fabric.launch()
    fit(model, train, validation, loss, plan, fabric=fabric)
"""

import logging
from typing import Literal

import torch
from lightning_fabric import Fabric


def one_device() -> Fabric:
    """The best single device of this machine (GPU, else CPU), in the precision that suits it."""
    talker = logging.getLogger("lightning_fabric.utilities.rank_zero")
    before = talker.level
    talker.setLevel(logging.WARNING)  # it announces its precision; a lesson needs no such line
    try:
        return Fabric(accelerator="auto", devices=1, precision=best_precision())
    finally:
        talker.setLevel(before)


def best_precision() -> Literal["bf16-mixed", "32-true"]:
    """Mixed bfloat16 where the processor computes it faster, else plain float32.

    A processor without the instructions only imitates bfloat16 and becomes slower.
    """
    if torch.cuda.is_available():
        return (
            "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
        )
    return "bf16-mixed" if processor_has_bfloat16() else "32-true"


def processor_has_bfloat16() -> bool:
    """True when this CPU multiplies bfloat16 in hardware (AVX-512 BF16 or AMX)."""
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
