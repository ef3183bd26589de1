"""Precision is chosen by what the processor can do in hardware."""

import pytest
import torch

from course_lib.learning import device


@pytest.mark.parametrize(
    ("abilities", "precision"),
    [
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": True, "avx512_bf16": False}, "bf16-mixed"),
        ({"avx512_f": True, "avx2": True, "avx512_bf16": False}, "32-true"),
        ({}, "32-true"),
    ],
)
def test_bfloat16_only_where_the_processor_has_it(monkeypatch, abilities, precision):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: abilities)
    assert device.best_precision() == precision


def test_one_device_says_nothing(capsys):
    fabric = device.one_device()
    assert fabric.world_size == 1
    assert capsys.readouterr() == ("", "")
