"""Test objects made of ellipses: their picture and their projections are known exactly.

The line integral of an ellipse is a chord, and its mean over a detector cell has a closed form as
well. So a reconstruction can be judged on measurements that no pixel grid has touched. (Data made
from the very pixels that one then solves for flatter every method: the *inverse crime*.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.imaging.ct.rows import centred


@dataclass(frozen=True)
class Ellipse:
    """One ellipse; overlapping ellipses add.

    value: attenuation that it adds (1/mm). x_mm, y_mm: centre, x rightwards, y downwards.
    half_x_mm, half_y_mm: half axes, before it is turned by angle_deg, from x towards y.
    """

    value: float
    half_x_mm: float
    half_y_mm: float
    x_mm: float = 0.0
    y_mm: float = 0.0
    angle_deg: float = 0.0

    def contains(self, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
        """Whether points lie inside; arrays of one shape, in mm."""
        cos, sin = np.cos(np.deg2rad(self.angle_deg)), np.sin(np.deg2rad(self.angle_deg))
        right, down = x_mm - self.x_mm, y_mm - self.y_mm
        along, across = right * cos + down * sin, down * cos - right * sin
        return (along / self.half_x_mm) ** 2 + (across / self.half_y_mm) ** 2 <= 1

    def shadow(self, angles_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centre and half width (mm) of its shadow on the detector, for every view."""
        view = np.deg2rad(np.asarray(angles_deg, float))
        turned = view - np.deg2rad(self.angle_deg)
        half = np.hypot(self.half_x_mm * np.cos(turned), self.half_y_mm * np.sin(turned))
        return self.x_mm * np.cos(view) + self.y_mm * np.sin(view), half


# Value, half axes, centre, angle of Toft's version with higher contrast of Shepp and Logan's head
# (P. Toft, The Radon Transform, thesis, Lyngby 1996), y upwards, in a square from -1 to 1.
_HEAD = (
    (1.0, 0.69, 0.92, 0.0, 0.0, 0.0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0.0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18.0),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18.0),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0.0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0.0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0.0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0.0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0.0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0.0),
)


def shepp_logan(half_width_mm: float = 1.0, peak: float = 1.0) -> tuple[Ellipse, ...]:
    """Shepp and Logan's head in Toft's version: ten ellipses.

    half_width_mm: half the side of the square it is drawn in. peak: value of its skull (1/mm); the
    brain has a fifth of it.
    """
    return tuple(
        Ellipse(
            value * peak,
            a * half_width_mm,
            b * half_width_mm,
            x * half_width_mm,
            -y * half_width_mm,
            -turn,
        )
        for value, a, b, x, y, turn in _HEAD
    )


def ellipse_image(
    ellipses: Sequence[Ellipse], size: int, pixel_mm: float, oversample: int = 4
) -> np.ndarray:
    """The true picture (size, size), in 1/mm: means over oversample x oversample points a pixel."""
    fine = centred(size * oversample, pixel_mm / oversample)
    x, y = fine[None, :], fine[:, None]
    image = np.zeros((fine.size, fine.size), np.float32)
    for ellipse in ellipses:
        image[ellipse.contains(x, y)] += ellipse.value
    return image.reshape(size, oversample, size, oversample).mean(axis=(1, 3), dtype=np.float64)


def ellipse_sinogram(
    ellipses: Sequence[Ellipse],
    angles_deg: np.ndarray,
    detectors: int,
    spacing_mm: float,
    aperture: bool = False,
) -> np.ndarray:
    """Exact line integrals (views, detectors), dimensionless.

    A line at distance t from the centre of an ellipse with shadow half width r crosses it on
    2 a b sqrt(r^2 - t^2) / r^2 mm. aperture=True gives the mean over the width of each detector
    cell instead of the value on its central line.
    """
    position = centred(detectors, spacing_mm)
    total = np.zeros((len(angles_deg), detectors))
    for ellipse in ellipses:
        middle, half = (each[:, None] for each in ellipse.shadow(angles_deg))
        area = ellipse.value * ellipse.half_x_mm * ellipse.half_y_mm
        t = (position - middle) / half
        if aperture:
            edge = spacing_mm / 2 / half
            total += area / spacing_mm * (_chord_area(t + edge) - _chord_area(t - edge))
        else:
            total += 2 * area / half * np.sqrt(np.maximum(1 - t**2, 0))
    return total


def _chord_area(t: np.ndarray) -> np.ndarray:
    """Area of the unit disc left of the line at t, up to a constant: t sqrt(1 - t^2) + arcsin t."""
    t = np.clip(t, -1, 1)
    return t * np.sqrt(1 - t**2) + np.arcsin(t)
