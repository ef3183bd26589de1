"""The layers written out in NumPy are PyTorch's, forward and backward, to 1e-10."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.models.layers_by_hand import pooling, upsampling
from course_lib.models.layers_by_hand.convolution import (
    convolve,
    convolve_backward,
    input_gradient,
    slide,
)
from course_lib.models.layers_by_hand.transposed import transposed_backward, transposed_convolve
from course_lib.models.layers_by_hand.windows import add_windows, take_windows

CLOSE = {"rtol": 0, "atol": 1e-10}
# kernel, stride, padding, dilation, groups: plain, strided, dilated, grouped, depthwise, all of it
CASES = [
    ((3, 3), 1, 0, 1, 1), ((3, 3), 2, 1, 1, 1), ((5, 2), 3, 2, 1, 1), ((3, 3), 1, 2, 2, 1),
    ((3, 3), 1, 1, 1, 2), ((3, 3), 2, 1, 1, 4), ((2, 3), 2, 1, 3, 2), ((1, 1), 2, 0, 1, 1),
]  # fmt: skip


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def learnable(*arrays):
    return [torch.from_numpy(a.copy()).requires_grad_(True) for a in arrays]


def gradients(out, dy, inputs):
    return [g.numpy() for g in torch.autograd.grad(out, inputs, torch.from_numpy(dy))]


def agree(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)


@pytest.mark.parametrize("kernel, s, p, d, groups", CASES)
def test_convolution(kernel, s, p, d, groups):
    x, w, b = normal(2, 4, 11, 13), normal(8, 4 // groups, *kernel), normal(8)
    inputs = learnable(x, w, b)
    theirs = F.conv2d(*inputs, s, p, d, groups)
    y = convolve(x, w, b, s, p, d, groups)
    agree([y], [theirs.detach().numpy()])
    dy = normal(*y.shape, seed=1)
    agree(convolve_backward(dy, x, w, s, p, d, groups), gradients(theirs, dy, inputs))


@pytest.mark.parametrize("kernel, s, p, d, groups", CASES)
@pytest.mark.parametrize("extra", [0, 1])
def test_transposed_convolution(kernel, s, p, d, groups, extra):
    if extra >= max(s, d):
        pytest.skip("output padding must be smaller than stride or dilation")
    x, w, b = normal(2, 4, 6, 7), normal(4, 8 // groups, *kernel), normal(8)
    inputs = learnable(x, w, b)
    theirs = F.conv_transpose2d(*inputs, s, p, extra, groups, d)
    y = transposed_convolve(x, w, b, s, p, d, groups, extra)
    agree([y], [theirs.detach().numpy()])
    dy = normal(*y.shape, seed=1)
    agree(transposed_backward(dy, x, w, s, p, d, groups), gradients(theirs, dy, inputs))


@pytest.mark.parametrize("kernel, s, p, d, groups", CASES)
def test_transposed_is_the_adjoint(kernel, s, p, d, groups):
    """<A x, y> = <x, A^T y>."""
    w = normal(8, 4 // groups, *kernel)
    x = normal(1, 4, 13, 13)
    ax = convolve(x, w, None, s, p, d, groups)
    y = normal(*ax.shape, seed=2)
    back = input_gradient(y, w, (13, 13), s, p, d, groups)
    assert np.vdot(ax, y) == pytest.approx(np.vdot(x, back), abs=1e-10)
    for extra in range(max(s, d)):  # the layer differs only in how much it keeps at the end
        layer = transposed_convolve(y, w, None, s, p, d, groups, extra)
        both = (slice(min(13, layer.shape[2])), slice(min(13, layer.shape[3])))
        np.testing.assert_allclose(layer[:, :, *both], back[:, :, *both], **CLOSE)


def test_windows_and_their_adjoint():
    x = normal(2, 3, 9, 8)
    columns = take_windows(x, (3, 2), s=2, p=1, d=2)
    other = normal(*columns.shape)
    back = add_windows(other, (9, 8), s=2, p=1, d=2)
    assert np.vdot(columns, other) == pytest.approx(np.vdot(x, back), abs=1e-10)


def test_the_worked_example():
    """The 5 x 5 picture of Dumoulin & Visin's guide, figure 1.1."""
    image = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2],
                      [2, 0, 0, 0, 1]])  # fmt: skip
    kernel = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
    expected = [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
    assert slide(image, kernel).tolist() == expected
    assert convolve(image[None, None], kernel[None, None])[0, 0].tolist() == expected


@pytest.mark.parametrize("k, s, p", [(2, None, 0), (3, 2, 1), (3, 1, 1), (3, 2, 0)])
def test_pooling(k, s, p):
    x = normal(2, 3, 9, 11)
    (leaf,) = learnable(x)
    theirs = F.max_pool2d(leaf, k, s, p)
    y = pooling.max_pool(x, k, s, p)
    dy = normal(*y.shape, seed=1)
    agree([y], [theirs.detach().numpy()])
    agree([pooling.max_pool_backward(dy, x, k, s, p)], gradients(theirs, dy, [leaf]))
    theirs = F.avg_pool2d(leaf, k, s, p)
    agree([pooling.mean_pool(x, k, s, p)], [theirs.detach().numpy()])
    agree([pooling.mean_pool_backward(dy, (9, 11), k, s, p)], gradients(theirs, dy, [leaf]))


def test_equal_values_send_the_gradient_to_the_first():
    x, dy = np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1))
    assert pooling.max_pool_backward(dy, x, 2).tolist() == [[[[1, 0], [0, 0]]]]


@pytest.mark.parametrize("f", [2, 3])
def test_nearest_and_bilinear(f):
    x = normal(2, 3, 5, 4)
    (leaf,) = learnable(x)
    for mode in ("nearest", "bilinear"):
        theirs = F.interpolate(leaf, scale_factor=f, mode=mode)
        y = getattr(upsampling, f"upsample_{mode}")(x, f)
        dy = normal(*y.shape, seed=1)
        agree([y], [theirs.detach().numpy()])
        back = getattr(upsampling, f"upsample_{mode}_backward")(dy, f)
        agree([back], gradients(theirs, dy, [leaf]))


def test_zeros_and_a_triangle():
    x = normal(1, 2, 6, 5)
    y = upsampling.upsample_triangle(x)
    np.testing.assert_allclose(y[..., ::2, ::2], x, **CLOSE)
    between = (x[..., :, 1:] + x[..., :, :-1]) / 2
    np.testing.assert_allclose(y[..., ::2, 1:-1:2], between, **CLOSE)
    four = (between[..., 1:, :] + between[..., :-1, :]) / 2
    np.testing.assert_allclose(y[..., 1:-1:2, 1:-1:2], four, **CLOSE)
    dy = normal(*y.shape, seed=1)
    back = upsampling.upsample_triangle_backward(dy)
    assert np.vdot(y, dy) == pytest.approx(np.vdot(x, back), abs=1e-10)


def test_the_lectures_map():
    """Zeros between the values, then [[1/4, 1/2, 1/4], [1/2, 1, 1/2], [1/4, 1/2, 1/4]]."""
    x = np.array([[5, 3, 1], [0, 2, 4], [4, 3, 5]], float)
    y = upsampling.upsample_triangle(x[None, None])[0, 0]
    assert y[0].tolist() == [5, 4, 3, 2, 1, 0.5]
    assert y[1].tolist() == [2.5, 2.5, 2.5, 2.5, 2.5, 1.25]
    assert y[4].tolist() == [4, 3.5, 3, 4, 5, 2.5]


def test_zero_insertion_and_blur_are_one_transposed_convolution():
    x = normal(1, 1, 6, 5)
    kernel = 4 * np.outer(upsampling.TRIANGLE, upsampling.TRIANGLE)[None, None]
    stamped = transposed_convolve(x, kernel, s=2, p=1, output_padding=1)
    np.testing.assert_allclose(stamped, upsampling.upsample_triangle(x), **CLOSE)


def test_clear_refusals():
    with pytest.raises(ValueError, match="4 input channels; there are 3"):
        convolve(normal(1, 3, 5, 5), normal(2, 2, 3, 3), groups=2)
    with pytest.raises(ValueError, match="symmetric"):
        upsampling.smooth(normal(1, 1, 4, 4), np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="An input of"):
        input_gradient(normal(1, 1, 4, 4), normal(1, 1, 3, 3), (9, 9))
    with pytest.raises(ValueError, match="does not fit"):
        convolve(normal(1, 1, 2, 2), normal(1, 1, 3, 3))
