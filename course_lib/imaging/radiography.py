"""A digital radiograph of a virtual patient, from tube to 12-bit picture.

film = radiograph(patient, size=256)                # all in one
rays = path_lengths(patient, size=256)              # or: geometry once ...
film = expose(rays, Technique(kvp=70), seed=1)      # ... and then as many exposures as you like
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np
from numpy.typing import NDArray

from course_lib.imaging import detector as panel
from course_lib.imaging.pixels import log_attenuation, to_12_bit
from course_lib.imaging.projection import Projection, path_lengths
from course_lib.imaging.scatter import NO_GRID, Grid, scatter_image, water_equivalent
from course_lib.imaging.sharpness import MTF, blur, scintillator_mtf
from course_lib.imaging.spectrum import Spectrum, tube_spectrum
from course_lib.patient.person import Patient

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Technique:
    """The settings of an exposure and of the display processing.

    kvp, mas, filtration_mm_al: the tube; source_distance_mm: focal spot to film; grid: whether an
    anti-scatter grid is used. compression (0-1) is how far large bright and dark areas are drawn
    together so that lung and mediastinum are both legible, and detail the boost of fine structure,
    as every maker's processing does; with 0 and 0 only logarithm and film curve remain. vary: let
    window and curve differ a little from patient to patient, as operators and machines do.

    What differs between makers (see scanners.py): scintillator_mm of CsI or its equivalent;
    noise_kev, the electronics' noise per pixel; sharp_lp_mm, where half the contrast of a fine
    pattern is left; compression_mm and detail_mm, the scale of "large" and "fine"; steepness and
    middle of the film curve.
    """

    kvp: float = 120.0
    mas: float = 1.8
    filtration_mm_al: float = 3.0
    source_distance_mm: float = 1800.0
    grid: bool = True
    scatter: bool = True
    noise: bool = True
    compression: float = 0.32
    detail: float = 0.10
    vary: bool = True
    scintillator_mm: float = panel.PANEL.thickness_mm
    noise_kev: float = panel.PANEL.noise_kev
    sharp_lp_mm: float = 1.4
    compression_mm: float = 22.0
    detail_mm: float = 3.0
    steepness: float = 4.2
    middle: float = 0.36


CHEST_PA = Technique()
CHEST_AP = Technique(kvp=90.0, mas=2.0, source_distance_mm=1100.0, grid=False)
CHEST_LAT = Technique(kvp=125.0, mas=6.0)
USUAL = {"PA": CHEST_PA, "AP": CHEST_AP, "LAT": CHEST_LAT}


@dataclass(frozen=True)
class Radiograph:
    """A finished film.

    pixels: (H, W) uint16, 0-4095, bone bright (MONOCHROME2). spacing_mm: pixel size on the film.
    masks: finding -> (H, W) bool.
    """

    pixels: NDArray[np.uint16]
    spacing_mm: float
    masks: dict[str, NDArray[np.bool_]]
    view: str
    technique: Technique
    patient: Patient


def radiograph(
    patient: Patient,
    technique: Technique | None = None,
    size: int = 256,
    view: str = "PA",
    seed: int = 0,
    field_mm: float | None = None,
) -> Radiograph:
    """A size x size chest film; `seed` draws the quantum noise. Usual technique for the view if
    none is given. Raises ValueError for an unknown view or impossible settings."""
    chosen = technique or USUAL.get(view, CHEST_PA)
    rays = path_lengths(patient, view, size, field_mm, chosen.source_distance_mm)
    return expose(rays, chosen, seed)


def expose(rays: Projection, technique: Technique = CHEST_PA, seed: int = 0) -> Radiograph:
    """The film of these rays: spectrum, attenuation, scatter, noise, blur, logarithm, display."""
    signal, reference = detector_signal(rays, technique, np.random.default_rng(seed))
    habit = rays.patient.body.rng(f"display {rays.view}").normal(size=4) * technique.vary
    attenuation = log_attenuation(signal, reference)
    pixels = display(attenuation, rays.spacing_mm, technique, habit)
    return Radiograph(pixels, rays.spacing_mm, rays.masks, rays.view, technique, rays.patient)


def detector_signal(
    rays: Projection, technique: Technique, rng: np.random.Generator
) -> tuple[Image, float]:
    """(H, W) absorbed energy in keV per pixel, and what an empty field would give."""
    beam = beam_of(technique)
    pixel = rays.spacing_mm
    plate = panel.Detector(thickness_mm=technique.scintillator_mm, noise_kev=technique.noise_kev)
    mean, variance = panel.expose(rays.lengths, beam, plate, pixel, groups=16)
    grid = Grid() if technique.grid else NO_GRID
    total: Image = mean * np.float32(grid.primary_transmission)
    if technique.scatter:
        fog = scatter_image(mean, water_equivalent(rays.lengths), pixel)
        total = total + fog * grid.scatter_transmission
    # Rays run through the pixels' centres; a real element averages over its area.
    total = np.asarray(
        cv2.GaussianBlur(total, (3, 3), 0.5, borderType=cv2.BORDER_REPLICATE), np.float32
    )
    if pixel < 0.8:  # coarser pixels average over more than the light spreads
        total = np.maximum(blur(total, pixel, _mtf(technique.sharp_lp_mm)), 1e-3)
    if technique.noise:
        portion = variance / np.maximum(mean, 1e-12)
        total = panel.add_noise(total, total * portion, rng, plate.noise_kev)
    return total, panel.open_field(beam, plate, pixel)[0] * grid.primary_transmission


@lru_cache(maxsize=16)
def _mtf(sharp_lp_mm: float) -> MTF:
    """The scintillator's MTF; the same function object each time, so that its table is kept."""
    return partial(scintillator_mtf, half_at=sharp_lp_mm)


@lru_cache(maxsize=64)
def beam_of(technique: Technique) -> Spectrum:
    """The spectrum that arrives at the film when nobody stands in the way."""
    tube = tube_spectrum(technique.kvp, technique.mas, technique.filtration_mm_al)
    return tube.at_distance(technique.source_distance_mm)


def display(
    attenuation: Image,
    spacing_mm: float,
    technique: Technique,
    habit: NDArray[np.float64] | None = None,
) -> NDArray[np.uint16]:
    """12-bit picture of an attenuation image, processed as on a work station.

    Large structures are compressed and fine ones boosted, then a window is laid over what lies in
    the body and bent by an S-shaped curve like that of film. habit (4,): how this film's window
    and curve differ from the usual, in standard deviations.
    """
    smooth = _lowpass(attenuation, technique.compression_mm / spacing_mm)
    fine = attenuation - _lowpass(attenuation, technique.detail_mm / spacing_mm)
    flat = attenuation - technique.compression * (smooth - smooth.mean()) + technique.detail * fine
    body = flat[attenuation > 0.25]
    low, high = np.percentile(body if body.size else flat, [2.0, 99.0])
    bottom, top, steep, middle = np.zeros(4) if habit is None else habit
    low, high = low + 0.05 * bottom * (high - low), high + 0.06 * top * (high - low)
    share = (flat - low) / (high - low)
    steepness = technique.steepness * float(np.exp(0.14 * steep))
    curve = film_curve(share, steepness, technique.middle + 0.05 * float(middle))
    return to_12_bit(0.90 * curve, 0.0, 1.0)


def film_curve(share: Image, steepness: float = 4.2, middle: float = 0.36) -> Image:
    """S-shaped curve from 0 to 1: most contrast between lung and heart, little at both ends."""
    limits = np.array([-0.3, 1.08])
    floor, top = 1 / (1 + np.exp(-steepness * (limits - middle)))
    inside = np.clip(share, *limits)
    return (1 / (1 + np.exp(-steepness * (inside - middle))) - floor) / (top - floor)


def _lowpass(image: Image, sigma: float) -> Image:
    """Gaussian smoothing on a reduced copy: the result has no fine detail to lose."""
    shrink = max(1, int(sigma / 3))
    if sigma < 0.3:
        return image
    size = (max(2, image.shape[1] // shrink), max(2, image.shape[0] // shrink))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR))
