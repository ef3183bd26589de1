"""Draw the pictures of the documents: all findings on one sheet, and a strip for the first page.

python -m benchmarks.contact_sheet [folder]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage.measure import find_contours
from torch import Tensor

from course_lib.generative.pggan_training import load_timelapse
from course_lib.generative.shipped import SHIPPED, load_generator, sample_films
from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import CHEST_CT, scan
from course_lib.imaging.ct.beam_hardening import REFERENCE_KEV, correct_water
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.hounsfield import WINDOWS, hounsfield
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.mr.sequences import CONTRASTS, weights
from course_lib.imaging.mr.slices import tissue_slice, weighted
from course_lib.imaging.radiography import Radiograph, radiograph
from course_lib.learning.film_classifier import FilmClassifier, load_film_classifier
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.patient.head import head_parts
from course_lib.patient.person import Patient
from course_lib.patient.solids import Part, Pieces
from course_lib.patient.upper_abdomen import liver_level, upper_abdomen
from course_lib.robustness.attacks import pgd
from course_lib.robustness.unknown.sets import known_films, unknown_films

SEVERITIES = (0.15, 0.5, 0.95)
FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
STRIP = (None, "pleural_effusion", "pneumothorax", "mass", "cardiomegaly", "support_device")
MACHINES = ("radiograph", "CT, lung", "CT, mediastinum", "MR, abdomen", "MR, head")
ORANGE = "#E69F00"
GROWTH = SHIPPED / "all_timelapse.npz"


def draw_sheet(output: Path, size: int = 320) -> None:
    """Eight normal patients, then every finding in a patient of its own."""
    rows = 2 + len(FINDINGS)
    figure, axes = plt.subplots(rows, 4, figsize=(10, 2.6 * rows), facecolor="black")
    for number, axis in enumerate(axes[:2].ravel()):
        patient = sample_patient(200 + number)
        _show(axis, radiograph(patient, size=size, seed=number))
        axis.set_title(f"normal, {patient.sex}, {patient.age:.0f} y", color="white", fontsize=8)
    for row, (name, add) in zip(axes[2:], FINDINGS.items(), strict=True):
        patient = sample_patient(300 + len(name))
        for axis, severity in zip(row, SEVERITIES, strict=False):
            film = radiograph(add(patient, severity=severity, seed=2), size=size, seed=1)
            _show(axis, film)
            axis.set_title(f"{name} {severity:g}", color="white", fontsize=8)
        _show(row[3], film)
        for outline in find_contours(film.masks[name].astype(float), 0.5):
            row[3].plot(outline[:, 1], outline[:, 0], color=ORANGE, linewidth=0.8)
        row[3].set_title("its mask", color="white", fontsize=8)
    figure.subplots_adjust(0.01, 0.005, 0.99, 0.985, 0.03, 0.1)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=100)
    plt.close(figure)
    _as_palette(output)


def draw_machines(output: Path) -> None:
    """One patient with a nodule: film, CT in two windows, MR of the abdomen and of the head."""
    patient = FINDINGS["nodule"](sample_patient(7), severity=0.8, seed=3)
    film = radiograph(patient, size=256, seed=7)
    figure, axes = plt.subplots(1, 5, figsize=(12, 2.55), facecolor="black")
    _show(axes[0], film)
    hounsfield_units = _ct_slice(patient)
    axes[1].imshow(WINDOWS["lung"].shown(hounsfield_units), cmap="gray", vmin=0, vmax=1)
    axes[2].imshow(WINDOWS["mediastinum"].shown(hounsfield_units), cmap="gray", vmin=0, vmax=1)
    abdomen = tissue_slice(upper_abdomen(patient), liver_level(patient), 360, 256)
    head = tissue_slice(head_parts(7, age=patient.age, sex=patient.sex), 12.0, 230, 256)
    for axis, shares, contrast in ((axes[3], abdomen, "T2"), (axes[4], head, "T1")):
        picture = weighted(shares, weights(CONTRASTS[contrast], shares, 3.0))
        axis.imshow(picture, cmap="gray", vmin=0, vmax=np.percentile(picture, 95))
    for axis, title in zip(axes, MACHINES, strict=True):
        axis.set_title(title, color="white", fontsize=9)
        axis.set_axis_off()
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.91, 0.02)
    figure.savefig(output, dpi=100)
    plt.close(figure)
    _as_palette(output)


def _ct_slice(patient: Patient) -> np.ndarray:
    """(256, 256) HU of a slice through the nodule, scanned and reconstructed."""
    lying = on_the_table(patient)
    height = float(np.mean([c[2] for part in lying.findings[-1].parts for c in _centres(part)]))
    protocol = replace(CHEST_CT, beam=ParallelBeam(360, 336, 1.25))
    sinogram = correct_water(scan(lying.solids, height, protocol, seed=7))
    mu = fbp(sinogram.values, sinogram.angles_deg, sinogram.spacing_mm, 256, 1.6, "hann")
    return hounsfield(mu, float(linear_attenuation("water", REFERENCE_KEV)))


def _centres(part: Part) -> np.ndarray:
    """(N, 3) mm of the pieces of a part."""
    solid = part.geometry
    return solid.centre if isinstance(solid, Pieces) else solid.union.centre


def draw_strip(output: Path, size: int = 256) -> None:
    """Six films in a row, the first of a healthy patient."""
    figure, axes = plt.subplots(1, len(STRIP), figsize=(12, 2.2), facecolor="black")
    for number, (axis, name) in enumerate(zip(axes, STRIP, strict=True)):
        patient = sample_patient(40 + number)
        ill = patient if name is None else FINDINGS[name](patient, severity=0.7, seed=number)
        _show(axis, radiograph(ill, size=size, seed=number))
        title = "healthy" if name is None else name.replace("_", " ")
        axis.set_title(title, color="white", fontsize=9)
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.9, 0.02)
    figure.savefig(output, dpi=100)
    plt.close(figure)
    _as_palette(output)


def draw_nobody(output: Path, seed: int = 3) -> None:
    """How the shipped generator learned to draw one film, and sixteen films it draws now."""
    growth = load_timelapse(GROWTH)
    stages = [growth[i][1] for i in np.linspace(0, len(growth) - 1, 8).round().astype(int)]
    films = sample_films(load_generator("all"), 16, seed)[:, 0].numpy()
    figure, axes = plt.subplots(3, 8, figsize=(12, 4.55), facecolor="black")
    grown = [stage[seed % len(stage), 0] / 255 for stage in stages]
    for axis, film in zip(axes.ravel(), [*grown, *films], strict=True):
        axis.imshow(film, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_axis_off()
    figure.subplots_adjust(0.003, 0.005, 0.997, 0.995, 0.02, 0.02)
    figure.savefig(output, dpi=100)
    plt.close(figure)
    _as_palette(output)


def draw_fooled(output: Path, eps: float = 4 / 255) -> None:
    """A film, what an attack adds to it, the result; and three pictures that fit no answer."""
    classifier = load_film_classifier()
    films, classes = known_films("test", 40)
    ill = films[np.flatnonzero(classes == classifier.classes.index("pleural_effusion"))[:1]]
    target = [classifier.classes.index("normal")]
    fooled = pgd(classifier.model, ill, target, eps, steps=40, targeted=True)
    others = [unknown_films(name, 2)[1:] for name in ("skull film", "lateral view", "noise")]
    pictures = [ill, 0.5 + (fooled - ill) / (2 * eps), fooled, *others]
    titles = [_answer(classifier, picture) for picture in pictures]
    titles[1] = f"what was added, x {1 / (2 * eps):.0f}"
    figure, axes = plt.subplots(1, 6, figsize=(12, 2.2), facecolor="black")
    for axis, picture, title in zip(axes, pictures, titles, strict=True):
        axis.imshow(picture[0, 0].detach(), cmap="gray", vmin=0, vmax=1)
        axis.set_title(title, color="white", fontsize=9)
        axis.set_axis_off()
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.9, 0.02)
    figure.savefig(output, dpi=100)
    plt.close(figure)
    _as_palette(output)


def _answer(classifier: FilmClassifier, picture: Tensor) -> str:
    """What the classifier says, and how sure it is."""
    probability = classifier.probability(picture.detach())[0]
    name = classifier.classes[probability.argmax()].replace("_", " ")
    return f'"{name}", {100 * probability.max():.0f} % sure'


def _as_palette(picture: Path) -> None:
    """Rewrite a picture with 120 greys and 8 shades of the outlines' orange: a small file."""
    shades = [(grey,) * 3 for grey in np.linspace(0, 255, 120).astype(int)]
    shades += [tuple(int(c * k) for c in (230, 159, 0)) for k in np.linspace(0.5, 1, 8)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([int(value) for shade in shades for value in shade])
    image = Image.open(picture).convert("RGB")
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(picture, optimize=True)


def _show(axis: plt.Axes, film: Radiograph) -> None:
    axis.imshow(film.pixels / np.float32(4095), cmap="gray", vmin=0, vmax=1)
    axis.set_axis_off()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    draw_sheet(folder / "contact_sheet.png")
    draw_strip(folder / "strip.png")
    draw_machines(folder / "machines.png")
    draw_nobody(folder / "nobody.png")
    draw_fooled(folder / "fooled.png")
