"""Small random changes of a film that do not change its diagnosis."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Change:
    """One drawn change: a 2x3 matrix of geometry, a brightness offset and a gamma."""

    matrix: np.ndarray
    brightness: float
    gamma: float

    def on_image(self, image: np.ndarray) -> np.ndarray:
        """The changed image, float32 (H, W) in 0..1; what moves in from outside is black."""
        moved = self._warp(image, cv2.INTER_LINEAR)
        toned = np.clip(moved, 0, 1) ** self.gamma + self.brightness
        return np.clip(toned, 0, 1).astype(np.float32)

    def on_mask(self, mask: np.ndarray) -> np.ndarray:
        """The same geometry on a bool mask (H, W); brightness and gamma do not apply."""
        return self._warp(mask.astype(np.uint8), cv2.INTER_NEAREST).astype(bool)

    def _warp(self, image: np.ndarray, interpolation: int) -> np.ndarray:
        height, width = image.shape
        # The matrix acts on coordinates from -0.5 to 0.5 around the centre, at any resolution.
        to_pixels = np.array(
            [[width, 0, (width - 1) / 2], [0, height, (height - 1) / 2], [0, 0, 1]]
        )
        whole = np.vstack([self.matrix, [0, 0, 1]])
        pixels = (to_pixels @ whole @ np.linalg.inv(to_pixels))[:2]
        return cv2.warpAffine(image, pixels, (width, height), flags=interpolation)


@dataclass(frozen=True)
class Augmentation:
    """How much a training film may vary. `Augmentation()(image, rng)` draws one change.

    Attributes:
        rotate: largest turn to either side, in degrees.
        shift: largest shift along each axis, as a part of the image's size.
        zoom: largest relative enlargement or reduction.
        flip: mirror left and right half of the time. Off, because a mirrored chest has its heart
            on the wrong side: a real and rare condition (situs inversus).
        brightness: largest offset added to grey values in 0..1.
        gamma: grey values are raised to a power between 1 / (1 + gamma) and 1 + gamma.
    """

    rotate: float = 5.0
    shift: float = 0.04
    zoom: float = 0.08
    flip: bool = False
    brightness: float = 0.05
    gamma: float = 0.15

    def draw(self, rng: np.random.Generator) -> Change:
        """Draw one change; apply it to an image and to its masks."""
        angle = np.deg2rad(rng.uniform(-self.rotate, self.rotate))
        zoom = np.exp(rng.uniform(-1, 1) * np.log1p(self.zoom))
        shift = rng.uniform(-self.shift, self.shift, 2)
        mirror = -1.0 if rng.random() < 0.5 and self.flip else 1.0
        cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
        matrix = np.array([[mirror * cos, -sin, shift[0]], [mirror * sin, cos, shift[1]]])
        brightness = rng.uniform(-self.brightness, self.brightness)
        gamma = np.exp(rng.uniform(-1, 1) * np.log1p(self.gamma))
        return Change(matrix, float(brightness), float(gamma))

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One randomly changed copy of a float32 (H, W) image in 0..1."""
        return self.draw(rng).on_image(image)
