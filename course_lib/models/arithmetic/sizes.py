"""How long is the output? One axis at a time, as one would do it on paper.

i input, k kernel, p padding (on each side), s stride, d dilation; o output. All in pixels.
Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
"""


def convolution_size(i: int, k: int, p: int = 0, s: int = 1, d: int = 1) -> int:
    """o = floor((i + 2p - k') / s) + 1 with k' = d (k - 1) + 1, the length the kernel spans.

    Without padding and stride this is i - k + 1. Raises ValueError if the kernel does not fit.
    """
    _require_counts(i=i, k=k, s=s, d=d)
    room = i + 2 * p - dilated_size(k, d)
    if room < 0:
        raise ValueError(
            f"A kernel that spans {dilated_size(k, d)} pixels does not fit into {i} pixels with "
            f"padding {p}: enlarge the input or the padding."
        )
    return room // s + 1


def dilated_size(k: int, d: int = 1) -> int:
    """Length that a kernel of k weights spans when d - 1 pixels lie between two weights."""
    return d * (k - 1) + 1


def same_padding(k: int, d: int = 1) -> int:
    """Padding that keeps the size at stride 1. Raises ValueError if the span is even."""
    span = dilated_size(k, d)
    if span % 2 == 0:
        raise ValueError(f"A kernel that spans {span} pixels has no middle: take an odd one.")
    return span // 2


def pooling_size(
    i: int, k: int, s: int | None = None, p: int = 0, d: int = 1, ceil_mode: bool = False
) -> int:
    """Like a convolution; the stride is the kernel's length unless given.

    `ceil_mode` rounds up, so that pixels left over at the end get a window of their own, but no
    window may begin beyond the input and its left padding (PyTorch's rule).
    """
    s = k if s is None else s
    o = convolution_size(i, k, p, s, d)
    left_over = (i + 2 * p - dilated_size(k, d)) % s
    if ceil_mode and left_over and o * s < i + p:
        o += 1
    return o


def transposed_size(
    i: int, k: int, s: int = 1, p: int = 0, d: int = 1, output_padding: int = 0
) -> int:
    """o = s (i - 1) + d (k - 1) + 1 - 2p + output_padding: the convolution's formula, turned round.

    With stride s, s different inputs of a convolution have the same output size (the floor).
    `output_padding`, from 0 to s - 1, says which of them is meant. Raises ValueError otherwise.
    """
    _require_counts(i=i, k=k, s=s, d=d)
    if not 0 <= output_padding < max(s, d):
        raise ValueError(f"output_padding must be smaller than the stride {s} (or dilation {d}).")
    o = s * (i - 1) + dilated_size(k, d) - 2 * p + output_padding
    if o < 1:
        raise ValueError(f"Padding {p} cuts away all of the output: take less.")
    return o


def _require_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}.")
