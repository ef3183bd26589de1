"""Where pixels and detector cells lie."""

import numpy as np


def centred(count: int, spacing_mm: float) -> np.ndarray:
    """Positions (mm) of `count` cells in a row whose middle is 0: (i - (count - 1) / 2) * spacing.

    Mind the centre: for an even count it lies *between* two cells.
    """
    return (np.arange(count) - (count - 1) / 2) * spacing_mm
