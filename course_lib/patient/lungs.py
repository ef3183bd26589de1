"""Lungs, their airways and their vessels (lobes are in lobes.py)."""

from __future__ import annotations

import numpy as np

from course_lib.patient.abdomen import diaphragm
from course_lib.patient.body import SIDES, Body
from course_lib.patient.heart import aorta, chambers, mediastinum, veins
from course_lib.patient.lobes import fissure
from course_lib.patient.solids import (
    Compound,
    Part,
    Pieces,
    chains,
    cut,
    ellipsoids,
    join,
    spline,
)

LEVELS = 8  # generations of branching: 2**LEVELS ends per tree


def lung(body: Body, side: str, heart_of: Body | None = None) -> Compound:
    """One lung: its half of the chest, above the diaphragm, without heart and mediastinum.

    heart_of: the proportions that place the heart, where they differ (a raised diaphragm).
    """
    return _lung(body, side, lung_limits(body, heart_of or body))


def _lung(body: Body, side: str, limits: Pieces) -> Compound:
    envelope = cut(body.lung_box(side), [-SIDES[side], 0, 0], [0, 0, 0])
    near = limits.centre[:, 0] * SIDES[side] + limits.half[:, 0] > 0
    return Compound(envelope, minus=limits[near])


def lung_limits(body: Body, heart_of: Body) -> Pieces:
    """Everything that the lungs must leave room for."""
    return join(
        chambers(heart_of),
        diaphragm(body),
        mediastinum(body),
        aorta(heart_of),
        veins(body)[:8],
    )


def lung_parts(body: Body) -> tuple[Part, ...]:
    """Lungs, vessels and airways."""
    parts = []
    limits = lung_limits(body, body)
    # Vessels may leave the lung at the hilum, but not into the heart or through the diaphragm.
    firm = join(chambers(body), diaphragm(body))
    for side in SIDES:
        shape = _lung(body, side, limits)
        parts.append(Part(f"{side} lung", "lung", "soft_tissue", shape))
        branches = vessels(body, side, shape, firm)
        parts.append(Part(f"{side} lung vessels", "blood", "lung", branches))
        parts.append(Part(f"{side} small vessels", "blood", "lung", haze(body, side), 0.05))
    right_lung = parts[0].geometry
    assert isinstance(right_lung, Compound)
    return (*parts, *fissure(body, right_lung), *airways(body))


def haze(body: Body, side: str) -> Pieces:
    """Where vessels too small to draw are densest: round the hilum, and low down by gravity."""
    s, sign = body.scale, SIDES[side]
    low = 0.5 * body.dome(side)
    x = np.array([58, 66, 82, 70]) * sign * s
    z = np.array([-26 * s, low, low - 30 * s, low - 44 * s])
    semi = np.array([[24, 46, 58], [38, 60, 62], [40, 56, 44], [46, 50, 34]]) * s
    return ellipsoids(np.stack([x, [14, 8, 18, 26], z], 1), semi)


def hilum(body: Body, side: str) -> np.ndarray:
    """(3,) where bronchus and vessels enter the lung; the left one is a little higher."""
    s = body.scale
    return np.array([SIDES[side] * 38 * s, 10.0, (-24 if side == "right" else -12) * s])


def vessels(body: Body, side: str, shape: Compound, firm: Pieces) -> Pieces:
    """Arteries and veins: trees from hilum and left atrium to the whole lung, outside `firm`."""
    rng = body.rng(f"vessels {side}")
    points = _points_in(body, side, shape, rng, 2 * 2**LEVELS)
    half = 2**LEVELS
    size = body.vessel_scale * body.scale
    artery = hilum(body, side)
    vein = artery + np.array([-6 * SIDES[side], -4, -26]) * body.scale
    trees = [
        tree(artery, points[:half], 4.7 * size, rng),
        tree(vein, points[half:], 4.4 * size, rng),
        _hilar_trunks(body, side),
    ]
    pieces = join(*trees)
    return pieces[~firm.inside(pieces.centre).any(0)]


def _points_in(
    body: Body, side: str, shape: Compound, rng: np.random.Generator, count: int
) -> np.ndarray:
    """(count, 3) points spread through a lung, denser below, as blood flow is when upright."""
    box = shape.union
    tries = box.centre[0] + [1.15, 1, 1] * box.half[0] * rng.uniform(-1, 1, (5 * count, 3))
    floor, top = body.dome(side) - 60, body.apex
    keep = rng.random(len(tries)) < 1.15 - 0.75 * (tries[:, 2] - floor) / (top - floor)
    tries = tries[keep]
    tries = tries[shape.inside(tries)]
    if len(tries) < count:  # a very small lung: use the places again, a little moved
        again = rng.integers(len(tries), size=count)
        tries = np.concatenate([tries, tries[again] + rng.normal(size=(count, 3))])
    return tries[:count]


def tree(root: np.ndarray, targets: np.ndarray, radius: float, rng: np.random.Generator) -> Pieces:
    """A vessel tree from root that divides among the targets (P, 3), P a power of two.

    Every branch runs towards the centre of the targets that it supplies, then hands one half of
    them to each daughter. Calibre falls by 2^(1/3.4) per division, close to
    Murray's law (2^(1/3)).
    """
    levels = min(int(np.log2(len(targets))), LEVELS)
    start, groups = root[None], targets[None]
    way = np.zeros((1, 3))
    bent, straight = [], []
    for level in range(levels + 1):
        middle = groups.mean(1)
        # Divide early near the hilum, so that branches radiate; later branches are longer.
        most = (0.04, 0.06, 0.12, 0.25, 0.4, 0.5, 0.55, 0.6)[min(level, 7)]
        reach = most * rng.uniform(0.8, 1.2, (len(start), 1)) if level < levels else 0.9
        # Large branches run up and down rather than to the front and back.
        end = start + reach * (middle - start) * [1.0, 0.45 if level < 4 else 0.6, 1.0]
        span = np.linalg.norm(end - start, axis=1, keepdims=True)
        # Leave in the parent's direction and bend: vessels do not turn at sharp corners.
        bend = 0.5 * (start + end) + 0.18 * way * span + 0.05 * span * rng.normal(size=end.shape)
        calibre = radius * 2 ** (-level / 3.4) * rng.uniform(0.8, 1.12, (len(start), 1))
        taper = calibre * np.array([[1.0, 0.93, 0.84 if level < levels else 0.5]])
        taper = np.maximum(taper, 0.25)
        if level < levels - 2:
            bent.append((np.stack([start, bend, end], 1), taper))
        else:  # the last and shortest generations
            straight.append((np.stack([start, end], 1), taper[:, 1:]))
        if level < levels:
            way = np.repeat((end - bend) / np.maximum(span, 1e-6), 2, 0)
            start, groups = (
                np.repeat(end, 2, 0),
                _halves(groups, root if level < 4 else None),
            )
    both = [
        [np.concatenate(column) for column in zip(*rows, strict=True)] for rows in (bent, straight)
    ]
    return join(*(chains(points, widths) for points, widths in both))


def _halves(groups: np.ndarray, root: np.ndarray | None) -> np.ndarray:
    """(2G, P/2, 3): each group of targets split across its longest side.

    With a root they are split by the direction in which they are seen from it on a frontal film:
    large branches fan out from the hilum.
    """
    if root is not None:
        away = groups - root
        key = np.arctan2(away[..., 2], np.abs(away[..., 0]) + 8)
    else:
        axis = (groups.max(1) - groups.min(1)).argmax(1)
        key = groups[np.arange(len(groups)), :, axis]
    order = np.argsort(key, 1)
    count = groups.shape[1] // 2
    return groups[np.arange(len(groups))[:, None], order].reshape(-1, count, 3)


def _hilar_trunks(body: Body, side: str) -> Pieces:
    """The large lower-lobe and upper-lobe arteries that make the hilum's shadow."""
    s, sign = body.scale, SIDES[side]
    start = hilum(body, side)
    lines = [
        [start + [-12 * sign, -4, 4], start + [6 * sign, 4, -4], start + [16 * sign, 12, -30 * s],
         start + [24 * sign, 18, -62 * s]],
        [start, start + [6 * sign, 2, 14 * s], start + [12 * sign, 4, 34 * s],
         start + [22 * sign, 6, 56 * s]],
    ]  # fmt: skip
    points = np.stack([spline(line, 9) for line in lines])
    radius = body.vessel_scale * s * np.array([np.linspace(7.5, 3, 9), np.linspace(5, 1.8, 9)])
    return chains(points, radius)


def airways(body: Body) -> tuple[Part, ...]:
    """Windpipe, main bronchi at the carina, and the lobar bronchi."""
    s = body.scale
    wide = (9.0 if body.sex == "M" else 7.8) * s
    carina = np.array([2.0, 10.0, 2.0])
    top = np.array([[0, -4, body.apex + 70], [1, 4, body.apex - 10]])
    trachea = chains(spline([*top, carina], 12), wide)
    right = spline([carina, carina + [-14, 2, -18 * s], hilum(body, "right") + [-4, 2, -6]], 6)
    left = spline([carina, carina + [20, 2, -18 * s], hilum(body, "left") + [2, 4, -16 * s]], 6)
    bronchi = join(
        chains(right, np.linspace(0.78, 0.5, 6) * wide),
        chains(left, np.linspace(0.66, 0.45, 6) * wide),
    )
    lower = []
    for side, sign in SIDES.items():
        h = hilum(body, side) + [0, 4, -8 * s]
        lower.append(spline([h, h + [10 * sign, 8, -24 * s], h + [16 * sign, 14, -52 * s]], 6))
        lower.append(spline([h, h + [8 * sign, 0, 12 * s], h + [16 * sign, 4, 28 * s]], 6))
    lobar = chains(np.stack(lower), np.linspace(4.2, 2.2, 6) * s)
    return (
        Part("trachea", "air", "soft_tissue", trachea),
        Part("main bronchi", "air", "soft_tissue", bronchi),
        Part("lobar bronchi", "air", "lung", lobar),
    )
