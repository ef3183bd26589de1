"""Tubes, lines and pacemakers."""

from __future__ import annotations

import numpy as np

from course_lib.patient.pathology.placing import Rng, check_severity, finding_rng
from course_lib.patient.person import Finding, Patient
from course_lib.patient.solids import Part, box_ellipsoid, chains, spline

KINDS = ("central line", "pacemaker", "endotracheal tube", "gastric tube")


def add_support_device(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0,
    kind: str | None = None,
) -> Patient:  # fmt: skip
    """One to four devices (the more, the more severe), or the one named by `kind`.

    Raises ValueError for an unknown kind.
    """
    amount = check_severity(severity)
    if kind is not None and kind not in KINDS:
        raise ValueError(f"A device is one of {', '.join(KINDS)}; got {kind!r}.")
    rng = finding_rng(patient, "support_device", seed)
    many = 1 + int(2.999 * amount)
    chosen = [kind] if kind else list(rng.permutation(KINDS)[:many])
    makers = {
        "central line": _central_line, "pacemaker": _pacemaker,
        "endotracheal tube": _endotracheal_tube, "gastric tube": _gastric_tube,
    }  # fmt: skip
    parts = tuple(part for name in chosen for part in makers[name](patient, rng))
    return patient.with_finding(Finding("support_device", amount, side, parts, threshold_mm=0.4))


def _tube(
    name: str, points: np.ndarray, radius: float, count: int, displaces: str
) -> tuple[Part, ...]:
    """A hollow radio-opaque tube."""
    line = spline(points, count)
    return (
        Part(name, "polymer", displaces, chains(line, radius)),
        Part(name + " lumen", "soft_tissue", "polymer", chains(line, 0.55 * radius)),
    )


def _central_line(patient: Patient, rng: Rng) -> tuple[Part, ...]:
    """From the right jugular vein to the lower superior vena cava."""
    s, top = patient.body.scale, patient.body.apex
    end = -40 + 14 * rng.normal()
    points = np.array([[-74, -40, top + 62], [-52, -18, top + 48], [-34 * s, -12, top + 6],
        [-27 * s, -17, 50 * s], [-24 * s, -16, 10], [-23 * s, -18, end]])  # fmt: skip
    return _tube("central line", points, 1.35, 40, "soft_tissue")


def _endotracheal_tube(patient: Patient, rng: Rng) -> tuple[Part, ...]:
    """Down the windpipe to a few centimetres above the carina."""
    s, top = patient.body.scale, patient.body.apex
    tip = (38 + 9 * rng.normal()) * s
    points = np.array([[0, -6, top + 110], [1, 2, top], [1, 7, tip]])
    line = spline(points, 20)
    stripe = spline(points + [3.4, 0, 0], 20)
    return (
        Part("endotracheal tube", "polymer", "air", chains(line, 4.6), 0.25),
        Part("endotracheal tube lumen", "air", "polymer", chains(line, 3.6), 0.25),
        Part("endotracheal tube stripe", "polymer", "air", chains(stripe, 0.8)),
    )


def _gastric_tube(patient: Patient, rng: Rng) -> tuple[Part, ...]:
    """Through the gullet into the stomach."""
    body = patient.body
    below = body.left_dome
    points = np.array([[3, 14, body.apex + 100], [4, 24, 40], [6, 30, -60], [14, 20, below + 6],
                       [32, 2, below - 42], [58 + 6 * rng.normal(), -8, below - 60]])  # fmt: skip
    return _tube("gastric tube", points, 2.1, 50, "soft_tissue")


def _pacemaker(patient: Patient, rng: Rng) -> tuple[Part, ...]:
    """A generator under the left clavicle and leads to right atrium and ventricle."""
    body = patient.body
    s, z = body.scale, body.right_dome + 36 * body.scale
    box = np.array(
        [
            0.66 * body.half_width,
            -body.half_depth - 16,
            body.apex - 82 * s + 6 * rng.normal(),
        ]
    )
    can = box_ellipsoid(box, (25, 9, 23), 3.6, axis=(0.25, 1, 0))
    header = chains(np.array([box + [-14, 0, 19], box + [12, 0, 21]]), 4.5)
    entry = [
        box + [-6, -3, 24],
        box + [-8, 6, 42],
        [42 * s, -14, body.apex - 26],
        [14 * s, -24, 56 * s],
    ]
    cava = [[-22 * s, -18, 36 * s], [-24 * s, -18, -20 * s]]
    ventricle = spline(
        np.array([*entry, *cava, [-22, -34, z + 4], [8, -52, z - 22], [42 * s, -50, z - 24]]),
        60,
    )
    atrium = spline(
        np.array([*entry, *cava, [-24, -26, z + 30], [-16, -48, z + 28], [-12, -50, z + 44]]),
        50,
    )
    leads = [(ventricle, 0.9), (atrium, 0.9), (ventricle[-4:], 1.3), (atrium[-4:], 1.3)]
    return (
        Part("pacemaker", "titanium", "muscle", can, 0.55),
        Part("pacemaker header", "polymer", "muscle", header, 0.7),
        *(Part("pacemaker lead", "steel", "blood", chains(line, r), 0.45) for line, r in leads),
    )
