"""Fine structure of the lungs below the size of the solids: alveoli, septa, the smallest vessels.

A film shows them only as a texture. It is modelled as a random field on the film, seeded by the
patient, that moves a few per cent of the lung's path from lung to soft tissue and back: the same
pattern at every image size, the finer octaves appearing as pixels get smaller. It depends on the
view, and it is not part of the solids (nor of CT and MR images made from them).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
OCTAVES_MM = (24.0, 12.0, 6.0, 3.0, 1.5, 0.75, 0.375)


def fractal_field(
    rng: np.random.Generator, size: int, field_mm: float, slope: float = 0.0
) -> Image:
    """(size, size) random field, mean 0 and about unit variance, with power falling with frequency.

    Each octave is white noise on a coarse lattice, interpolated; its amplitude goes as its
    wavelength to the power `slope`. With 0 the power falls as frequency^-2, as in real lungs below
    3 mm; the coarser structure of a film comes from vessels and ribs.
    """
    total = np.zeros((size, size), np.float32)
    pixel = field_mm / size
    norm = np.sqrt(sum((mm / OCTAVES_MM[0]) ** (2 * slope) for mm in OCTAVES_MM))
    for step in OCTAVES_MM:
        count = int(np.ceil(450.0 / step)) + 3  # the same lattice for every film size
        if step < 0.8 * pixel:
            break
        lattice = rng.standard_normal((count, count), dtype=np.float32)
        lattice *= np.float32((step / OCTAVES_MM[0]) ** slope / norm)
        scale = pixel / step
        shift = (count - 1) / 2 - (size - 1) / 2 * scale
        to_lattice = np.array([[scale, 0, shift], [0, scale, shift]], np.float32)
        octave = cv2.warpAffine(
            lattice, to_lattice, (size, size), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        )
        total += octave
    return total


def add_parenchyma(
    lengths: dict[str, Image], seed: int, view: str, field_mm: float, amount: float = 0.025
) -> dict[str, Image]:
    """Path lengths with the lungs' fine texture; `amount` is its r.m.s. share of their path."""
    lung = np.maximum(lengths["lung"], 0)
    rng = np.random.default_rng([seed, 77, *view.encode()])
    moved = fractal_field(rng, lung.shape[0], field_mm)
    moved *= lung
    moved *= np.float32(amount)
    return {
        **lengths,
        "lung": lengths["lung"] - moved,
        "soft_tissue": lengths["soft_tissue"] + moved,
    }
