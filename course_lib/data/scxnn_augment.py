"""The random changes of a training film in SCXNN; a lesion's mask moves with the film.

Source: Kim 2024, section 3.2, names them (shift, rotation, gamma, sharpening, blurring, Gaussian
noise) without their sizes; the sizes here are ours.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from course_lib.data.augment import Augmentation, Change


@dataclass(frozen=True)
class FilmChange:
    """One drawn change. detail above 0 sharpens by this factor, below 0 blurs; noise in grey values
    of 0..1; noise_seed draws it."""

    geometry: Change
    detail: float
    noise: float
    noise_seed: int

    def on_image(self, image: np.ndarray) -> np.ndarray:
        """The changed film, float32 (H, W) in 0..1."""
        moved = self.geometry.on_image(image)
        soft = cv2.GaussianBlur(moved, (3, 3), 0.8, borderType=cv2.BORDER_REPLICATE)
        # moved - soft is the fine detail: adding some of it sharpens, taking it away blurs.
        treated = moved + self.detail * (moved - soft)
        random = np.random.default_rng(self.noise_seed)
        grain = random.standard_normal(image.shape, dtype=np.float32)
        return np.clip(treated + np.float32(self.noise) * grain, 0, 1).astype(np.float32)

    def on_mask(self, mask: np.ndarray) -> np.ndarray:
        """The mask (H, W) moved like the film; grey values do not concern it."""
        return self.geometry.on_mask(mask)


@dataclass(frozen=True)
class ScxnnAugmentation:
    """How much a training film may vary: shift as a part of the film, rotate in degrees, gamma as a
    relative exponent, detail (0.6: 60 % of the fine detail added or taken away), noise up to this
    standard deviation of grey values in 0..1."""

    shift: float = 0.04
    rotate: float = 5.0
    gamma: float = 0.25
    detail: float = 0.6
    noise: float = 0.03

    def draw(self, rng: np.random.Generator) -> FilmChange:
        """Draw one change; apply it to a film and to its masks."""
        plain = Augmentation(
            rotate=self.rotate, shift=self.shift, zoom=0.0, brightness=0.0, gamma=self.gamma
        )
        geometry = plain.draw(rng)
        detail, noise = rng.uniform(-self.detail, self.detail), rng.uniform(0, self.noise)
        return FilmChange(geometry, float(detail), float(noise), int(rng.integers(2**31)))
