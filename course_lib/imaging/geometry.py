"""Where tube, patient and film stand: the rays of one exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
VIEWS = ("PA", "AP", "LAT")


@dataclass(frozen=True)
class Geometry:
    """Where the rays run: film axes, beam direction and distances.

    right and down are the film's axes and beam the central ray's direction (unit vectors, patient
    axes); centre (3,) mm is the point imaged in the middle of the film; source_mm is the distance
    from source to film (None: parallel rays), film_mm from `centre` to the film.
    """

    right: NDArray[np.float64]
    down: NDArray[np.float64]
    beam: NDArray[np.float64]
    centre: NDArray[np.float64]
    source_mm: float | None
    film_mm: float
    shape: tuple[int, int]
    spacing_mm: float

    @property
    def source(self) -> NDArray[np.float64]:
        """(3,) mm, position of a point source."""
        if self.source_mm is None:
            raise ValueError("Parallel rays have no source; give source_distance_mm.")
        return self.centre + (self.film_mm - self.source_mm) * self.beam

    def axes_mm(self) -> tuple[Image, Image]:
        """u (W,) and v (H,) of the pixel centres."""
        rows, columns = self.shape
        u = (np.arange(columns) - (columns - 1) / 2) * self.spacing_mm
        v = (np.arange(rows) - (rows - 1) / 2) * self.spacing_mm
        return u.astype(np.float32), v.astype(np.float32)


def film_geometry(
    view: str,
    centre: NDArray[np.float64],
    size: int,
    field_mm: float,
    source_distance_mm: float | None = None,
    film_distance_mm: float = 130.0,
    rotation_deg: float = 0.0,
) -> Geometry:
    """The usual chest projections, shown as radiologists see them.

    PA: source behind the patient; AP: source in front; both with the patient's left on the image's
    right. LAT: left side towards the film, front of the chest on the image's left. rotation_deg
    turns the patient about the long axis. Raises ValueError for another view.
    """
    if view not in VIEWS:
        raise ValueError(f"View must be one of {', '.join(VIEWS)}, got {view!r}.")
    angle = np.radians(rotation_deg)
    left = np.array([np.cos(angle), np.sin(angle), 0.0])
    back = np.array([-np.sin(angle), np.cos(angle), 0.0])
    right, beam = {"PA": (left, -back), "AP": (left, back), "LAT": (back, left)}[view]
    down = np.array([0.0, 0.0, -1.0])
    spacing = field_mm / size
    return Geometry(
        right, down, beam, np.asarray(centre, float), source_distance_mm, film_distance_mm,
        (size, size), spacing,
    )  # fmt: skip
