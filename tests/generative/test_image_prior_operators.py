"""Operators do exactly what they say: Lanczos as Pillow does it, and every one is linear."""

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.generative.image_prior_operators import Shrunk, Visible, Whole, lanczos_matrix

RNG = np.random.default_rng(0)
FILM = RNG.random((24, 36), dtype=np.float32)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_shrinking_equals_pillows_lanczos(factor):
    size = (FILM.shape[1] // factor, FILM.shape[0] // factor)
    expected = np.asarray(Image.fromarray(FILM).resize(size, Image.Resampling.LANCZOS))
    np.testing.assert_allclose(Shrunk(factor).shrink(FILM), expected, atol=2e-6)


def test_enlarging_with_the_same_rule_equals_pillow_too():
    expected = np.asarray(Image.fromarray(FILM).resize((72, 48), Image.Resampling.LANCZOS))
    rows, columns = lanczos_matrix(24, 48), lanczos_matrix(36, 72)
    np.testing.assert_allclose(rows @ FILM @ columns.T, expected, atol=2e-6)


def test_a_constant_stays_constant_and_a_fine_chessboard_vanishes():
    np.testing.assert_allclose(Shrunk(2).shrink(np.full((32, 32), 0.3)), 0.3, rtol=1e-6)
    board = np.indices((32, 32)).sum(0) % 2
    small = Shrunk(2).shrink(board)
    np.testing.assert_allclose(small[6:-6, 6:-6], 0.5, atol=0.01)  # no moire


@pytest.mark.parametrize("operator", [Whole(), Visible(FILM > 0.3), Shrunk(2), Shrunk(4, lobes=2)])
def test_the_gradient_is_the_adjoint(operator):
    """<A x, y> = <x, A^T y> for random x and y; autograd delivers A^T y."""
    x = torch.from_numpy(FILM).requires_grad_()
    seen = operator(x)
    y = torch.from_numpy(RNG.random(tuple(seen.shape), dtype=np.float32))
    (back,) = torch.autograd.grad((seen * y).sum(), x)
    assert (seen * y).sum().item() == pytest.approx((back * x).sum().item(), rel=1e-5)


def test_visible_never_looks_into_the_hole():
    known = np.ones((24, 36), bool)
    known[5:9, 7:12] = False
    holed = np.where(known, FILM, np.nan)
    operator = Visible(known)
    assert operator.side(holed) == (24, 36)
    assert np.isfinite(operator.used(holed)).all()
    x = torch.from_numpy(FILM).requires_grad_()
    (back,) = torch.autograd.grad(operator(x).sum(), x)
    np.testing.assert_array_equal(back.numpy(), known)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: Visible(np.ones((4, 4))), "True and False"),
        (lambda: Visible(np.ones((4, 4), bool)), "nothing is hidden"),
        (lambda: Visible(np.zeros((4, 4), bool)), "no pixel is known"),
        (lambda: Visible(np.eye(4, dtype=bool)).side(FILM), "must agree"),
        (lambda: Whole().side(FILM[None]), "One grey film"),
        (lambda: Shrunk(1), "2 or more"),
        (lambda: Shrunk(2.0), "whole number"),  # type: ignore[arg-type]
        (lambda: Shrunk(5).shrink(FILM), "multiples of 5"),
        (lambda: lanczos_matrix(8, 0), "at least 1"),
        (lambda: lanczos_matrix(8, 4, lobes=5), "2 or 3 lobes"),
    ],
)
def test_what_cannot_be_is_said(call, says):
    with pytest.raises(ValueError, match=says):
        call()
