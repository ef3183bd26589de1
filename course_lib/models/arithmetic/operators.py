"""What each of PyTorch's operators costs, and what it reads: multiply-adds and reach.

PyTorch breaks every model down into a few operators ("aten"). Knowing what each of them costs and
reads is enough for any architecture. An operator's arguments arrive as the list `args`.
"""

from collections.abc import Callable, Sequence
from math import prod

from torch import Tensor

from course_lib.models.arithmetic.reach import Reach

Axes = tuple[Reach, ...]

# These mix all positions although the shape stays: everyone sees all.
MIXING = (
    "native_group_norm", "native_layer_norm", "_fft_c2c", "_fft_r2c", "_fft_c2r",
    "cumsum", "sort", "flip", "roll", "bmm", "mm", "addmm", "baddbmm",
)  # fmt: skip


def macs(name: str, args: Sequence, out) -> int:
    """Multiply-adds of convolutions and matrix products; everything else counts as free."""
    if name == "convolution":
        maps, weight, transposed = args[0], args[1], args[6]
        positions = maps.shape[2:] if transposed else out.shape[2:]
        return maps.shape[0] * prod(positions) * weight.numel()
    if name in ("mm", "bmm"):
        return prod(args[0].shape) * args[1].shape[-1]
    if name in ("addmm", "baddbmm"):
        return prod(args[1].shape) * args[2].shape[-1]
    return 0


def biased_values(name: str, args: Sequence, out) -> int:
    """Output values to which a bias is added: additions that `macs` leaves out."""
    biased = name == "addmm" or (name == "convolution" and args[2] is not None)
    return out.numel() if biased else 0


def per_axis(value, axes: int) -> list[int]:
    """A number for all axes, or a list of which the last `axes` entries count."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    return [int(v) for v in (values * axes if len(values) == 1 else values[-axes:])]


def _argument(args: Sequence, place: int, default):
    """An argument that callers may leave out (or give as an empty list)."""
    given = args[place] if len(args) > place else None
    return default if given is None or given == [] else given


def _convolved(args: Sequence, axes: Axes) -> Axes:
    n, kernel = len(axes), args[1].shape[2:]
    steps = zip(axes, kernel, *(per_axis(args[i], n) for i in (3, 4, 5)), strict=True)
    if args[6]:
        return tuple(a.transposed(k, s, p, d) for a, k, s, p, d in steps)
    return tuple(a.window(k, s, p, d) for a, k, s, p, d in steps)


def _pooled(args: Sequence, axes: Axes) -> Axes:
    """(input, kernel, stride, padding, ...); an absent stride means the kernel's length."""
    n, kernel = len(axes), per_axis(args[1], len(axes))
    stride = per_axis(_argument(args, 2, args[1]), n)
    padding = per_axis(_argument(args, 3, 0), n)
    steps = zip(axes, kernel, stride, padding, strict=True)
    return tuple(a.window(k, s, p) for a, k, s, p in steps)


def _max_pooled(args: Sequence, axes: Axes) -> Axes:
    dilation = per_axis(_argument(args, 4, 1), len(axes))
    kernel = [(k - 1) * d + 1 for k, d in zip(per_axis(args[1], len(axes)), dilation, strict=True)]
    return _pooled([args[0], kernel, _argument(args, 2, args[1]), *args[3:4]], axes)


def _adaptively_pooled(args: Sequence, axes: Axes) -> Axes:
    """Equal windows where the sizes divide; otherwise, to be safe, the whole map."""
    result = []
    wanted = per_axis(args[1], len(axes))
    for axis, n, o in zip(axes, args[0].shape[-len(axes) :], wanted, strict=True):
        result.append(axis.window(n // o, n // o) if n % o == 0 and o > 1 else axis.whole(n))
    return tuple(result)


def _padded(args: Sequence, axes: Axes) -> Axes:
    """(input, [before last, after last, before last but one, ...])."""
    before = [args[1][2 * i] if 2 * i < len(args[1]) else 0 for i in range(len(axes))][::-1]
    return tuple(a.window(1, 1, p) for a, p in zip(axes, before, strict=True))


def _sliced(args: Sequence, axes: Axes) -> Axes:
    """(input, dimension, start, end, step)."""
    dimension, start, step = _argument(args, 1, 0), _argument(args, 2, 0), _argument(args, 4, 1)
    place = dimension % args[0].ndim - (args[0].ndim - len(axes))
    start = max(start + args[0].shape[dimension], 0) if start < 0 else start
    return tuple(a.window(1, step, -start) if i == place else a for i, a in enumerate(axes))


def _enlarged(linear: bool) -> Callable[[Sequence, Axes, Tensor], Axes]:
    def rule(args: Sequence, axes: Axes, out: Tensor) -> Axes:
        sizes = zip(axes, args[0].shape[-len(axes) :], out.shape[-len(axes) :], strict=True)
        aligned = linear and args[2]  # corners aligned: no whole factor
        return tuple(
            a.whole(n) if o % n or aligned else a.enlarged(o // n, linear) for a, n, o in sizes
        )

    return rule


def _joined_along(args: Sequence, axes: Axes) -> Axes:
    """Joined along channels: each position as before. Along a picture's axis: all is mixed."""
    parts = [t for t in args[0] if t.ndim >= len(axes)]
    dimension = _argument(args, 1, 0)
    if dimension % parts[0].ndim < parts[0].ndim - len(axes):
        return axes
    return tuple(a.whole(parts[0].shape[i - len(axes)]) for i, a in enumerate(axes))


RULES: dict[str, Callable[..., Axes]] = {
    "convolution": _convolved,
    "max_pool2d_with_indices": _max_pooled,
    "max_pool3d_with_indices": _max_pooled,
    "avg_pool2d": _pooled,
    "avg_pool3d": _pooled,
    "_adaptive_avg_pool2d": _adaptively_pooled,
    "_adaptive_avg_pool3d": _adaptively_pooled,
    "constant_pad_nd": _padded,
    "reflection_pad2d": _padded,
    "replication_pad2d": _padded,
    "slice": _sliced,
    "cat": _joined_along,
}
ENLARGING = {
    "upsample_nearest2d": _enlarged(linear=False),
    "upsample_bilinear2d": _enlarged(linear=True),
}


def reach_after(name: str, args: Sequence, axes: Axes, source: Tensor, out: Tensor) -> Axes:
    """Reach of `out`, which operator `name` made from `source` (reach `axes`) with `args`.

    An operator without a rule is taken to work position by position if the map keeps its size, and
    to mix everything if it does not: the receptive field may then be too large, never too small.
    """
    if name in RULES:
        return RULES[name](args, axes)
    if name in ENLARGING:
        return ENLARGING[name](args, axes, out)
    before, after = source.shape[-len(axes) :], out.shape[-len(axes) :]
    training_norm = name == "native_batch_norm" and args[5]
    if before == after and name not in MIXING and not training_norm:
        return axes
    sizes = before if source.ndim >= len(axes) else (1,) * len(axes)
    return tuple(axis.whole(n) for axis, n in zip(axes, sizes, strict=True))
