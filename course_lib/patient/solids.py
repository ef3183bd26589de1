"""Simple solids from which every patient is built.

There is one primitive, the *piece*: a quadric (ellipsoid or elliptic cylinder) cut by up to two
planes,

    { x : |W (x - c)|^2 <= 1  and  n_k . (x - c) <= o_k,  k = 1, 2 }.

A ray crosses a piece in one interval, found by solving one quadratic equation, so path lengths are
exact at any resolution. A tube (rib, vessel, catheter) is a chain of cylinders whose cutting planes
halve the angle between neighbours: the pieces meet without gap and without overlap. A compound
joins pieces, keeps what lies within others and takes others away (a lung without its heart).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.patient.vectors import cross, filled, length, spline_weights

Array = NDArray[np.float64]
FAR = 1e6  # mm; a plane that cuts nothing lies this far away


@dataclass(frozen=True)
class Pieces:
    """N pieces stored as arrays, so that thousands are projected in one go.

    centre (N, 3) mm; shape (N, 3, 3), the matrix W in 1/mm; normals (N, 2, 3) and offsets (N, 2)
    mm of the cutting planes; half (N, 3), half the bounding box in mm; radius (N,) mm of a
    cylinder's thinner cross-section, 0 for an ellipsoid.
    """

    centre: Array
    shape: Array
    normals: Array
    offsets: Array
    half: Array
    radius: Array

    def __len__(self) -> int:
        return len(self.centre)

    def __getitem__(self, index: ArrayLike | slice) -> Pieces:
        """The chosen pieces (slice, index array or boolean mask), still as a batch."""
        return Pieces(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def inside(self, points: Array) -> NDArray[np.bool_]:
        """(N, P): whether each of the (P, 3) points lies in each piece."""
        count = len(self)
        origin = (self.shape @ self.centre[..., None]).reshape(-1, 1)
        local = self.shape.reshape(-1, 3) @ points.T
        local -= origin
        local *= local
        within = local.reshape(count, 3, -1).sum(1) <= 1.0
        edge = self.offsets + (self.normals @ self.centre[..., None])[..., 0]
        for plane in range(2):
            cut = np.flatnonzero(self.offsets[:, plane] < FAR)
            within[cut] &= self.normals[cut, plane] @ points.T <= edge[cut, plane, None]
        return within


@dataclass(frozen=True)
class Compound:
    """(union of `union`) within every piece of `within`, without every piece of `minus`."""

    union: Pieces
    within: Pieces | None = None
    minus: Pieces | None = None

    def inside(self, points: Array) -> NDArray[np.bool_]:
        """(P,): whether each of the (P, 3) points lies in the compound."""
        result: NDArray[np.bool_] = np.any(self.union.inside(points), axis=0)
        for batch, wanted in ((self.within, True), (self.minus, False)):
            if batch is not None:
                rest = np.flatnonzero(result)
                inside = batch.inside(points[rest])
                result[rest] = inside.all(0) if wanted else ~inside.any(0)
        return result


@dataclass(frozen=True)
class Part:
    """A named solid of a tissue that takes the place of another tissue.

    Attenuation is linear in the parts: each adds its own tissue and subtracts what it displaces.
    `fraction` is the share of the volume that is so replaced (a half-filled lung: 0.5).
    """

    name: str
    tissue: str
    displaces: str
    geometry: Pieces | Compound
    fraction: float = 1.0


def ellipsoids(
    centre: ArrayLike,
    semi_axes: ArrayLike,
    rotation: ArrayLike | None = None,
    normals: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
) -> Pieces:
    """Ellipsoids from centres (N, 3) and semi-axes (N, 3) in mm; also single ones, (3,).

    rotation (N, 3, 3) turns the semi-axes into the patient's axes; normals (N, 2, 3) and offsets
    (N, 2) mm cut them by planes.
    """
    centre = np.atleast_2d(np.asarray(centre, float))
    semi = filled(semi_axes, centre.shape)
    if semi.min() <= 0:
        raise ValueError(f"Semi-axes must be positive lengths in mm, got {semi.min():g}.")
    turn = filled(np.eye(3) if rotation is None else rotation, (len(centre), 3, 3))
    shape = np.swapaxes(turn, 1, 2) / semi[:, :, None]
    half = np.sqrt(((turn * semi[:, None, :]) ** 2).sum(-1))
    return Pieces(
        centre,
        shape,
        *_planes(len(centre), normals, offsets),
        half,
        np.zeros(len(half)),
    )


def sheared_ellipsoid(
    centre: ArrayLike, semi_axes: ArrayLike, shear: tuple[float, float]
) -> Pieces:
    """One ellipsoid whose horizontal sections drift by shear = (dx/dz, dy/dz): a leaning lung."""
    lean = np.eye(3)
    lean[:2, 2] = shear
    semi = np.asarray(semi_axes, float)
    matrix = lean * semi[None, :]
    shape = np.linalg.inv(matrix)[None]
    half = np.sqrt((matrix**2).sum(1))[None]
    return Pieces(np.atleast_2d(np.asarray(centre, float)), shape, *_planes(1), half, np.zeros(1))


def box_ellipsoid(
    centre: ArrayLike,
    semi_axes: ArrayLike,
    half_height: ArrayLike,
    axis: ArrayLike = (0, 0, 1),
) -> Pieces:
    """Ellipsoids cut flat at +-half_height mm along `axis`: a vertebra, a disc, a pacemaker.

    centre, semi_axes and axis (N, 3) or (3,), half_height (N,) or a number.
    """
    normal = np.atleast_2d(np.asarray(axis, float))
    normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    offset = np.broadcast_to(np.asarray(half_height, float), len(np.atleast_2d(centre)))
    planes = np.stack([normal, -normal], 1), np.stack([offset, offset], 1)
    return ellipsoids(centre, semi_axes, normals=planes[0], offsets=planes[1])


def cut(pieces: Pieces, normal: ArrayLike, point: ArrayLike) -> Pieces:
    """Keep of every piece what lies on the side of `point` opposite to `normal`.

    Raises ValueError when a piece already has two cutting planes.
    """
    direction = np.asarray(normal, float) / np.linalg.norm(normal)
    free = pieces.offsets >= FAR
    if not free.any(1).all():
        raise ValueError("A piece takes two cutting planes; put the third into Compound.within.")
    slot, rows = free.argmax(1), np.arange(len(pieces))
    normals, offsets = pieces.normals.copy(), pieces.offsets.copy()
    normals[rows, slot] = direction
    offsets[rows, slot] = (np.asarray(point, float) - pieces.centre) @ direction
    return Pieces(pieces.centre, pieces.shape, normals, offsets, pieces.half, pieces.radius)


def grow(pieces: Pieces, margin: float) -> Pieces:
    """Pieces wider by about `margin` mm (negative: narrower); end planes stay where they are."""
    volume = np.abs(np.linalg.det(pieces.shape))  # zero for cylinders
    mean = np.where(pieces.radius > 0, pieces.radius, np.maximum(volume, 1e-30) ** (-1 / 3))
    factor = np.maximum(1 + margin / mean, 0.02)[:, None]
    return Pieces(
        pieces.centre, pieces.shape / factor[..., None], pieces.normals, pieces.offsets,
        pieces.half * factor, pieces.radius * factor[:, 0],
    )  # fmt: skip


def tubes(start: ArrayLike, end: ArrayLike, radius: ArrayLike, flat: ArrayLike = 1.0) -> Pieces:
    """Separate straight cylinders between (N, 3) points, cut square; see `chains` for `flat`."""
    points = np.stack([np.atleast_2d(start), np.atleast_2d(end)], 1).astype(float)
    return chains(
        points,
        np.broadcast_to(np.asarray(radius, float)[..., None], points.shape[:2]),
        flat,
    )


def chains(
    points: ArrayLike,
    radius: ArrayLike,
    flat: ArrayLike = 1.0,
    up: ArrayLike | None = None,
) -> Pieces:
    """Chains of cylinders along polylines, mitred at the joints.

    points (C, K, 3) mm or (K, 3); radius (C, K) mm at the points (a segment takes the mean of its
    ends). `flat` times the radius is the half-thickness across `up` (the direction of the full
    radius; default z), for ribs and other flat bones.
    """
    points = np.asarray(points, float)
    points = points[None] if points.ndim == 2 else points
    radius = filled(radius, points.shape[:2])
    step = points[:, 1:] - points[:, :-1]
    span = np.maximum(length(step), 1e-9)
    along = step / span
    joint = np.concatenate([along[:, :1], along[:, 1:] + along[:, :-1], along[:, -1:]], 1)
    joint /= np.maximum(length(joint), 1e-9)
    mean_radius = 0.5 * (radius[:, 1:] + radius[:, :-1])
    return _cylinders(
        (0.5 * (points[:, 1:] + points[:, :-1])).reshape(-1, 3),
        along.reshape(-1, 3),
        0.5 * span.reshape(-1),
        mean_radius.reshape(-1),
        filled(flat, mean_radius.shape).reshape(-1),
        np.concatenate([-joint[:, :-1], joint[:, 1:]], -1).reshape(-1, 2, 3),
        np.array([0.0, 0.0, 1.0]) if up is None else np.asarray(up, float),
    )


def _cylinders(
    centre: Array, along: Array, half_length: Array, radius: Array, flat: Array,
    normals: Array, up: Array,
) -> Pieces:  # fmt: skip
    """Cylinders about `along` whose end planes pass through the ends of their axes."""
    upright = filled(up, along.shape)
    parallel = np.abs((along * upright).sum(-1, keepdims=True)) > 0.95
    upright = np.where(parallel, np.array([0.0, 1.0, 0.0]), upright)
    across = cross(along, upright)
    across /= length(across)
    upright = cross(across, along)
    thin = radius * flat
    shape = np.zeros((len(centre), 3, 3))
    shape[:, 0], shape[:, 1] = across / thin[:, None], upright / radius[:, None]
    offsets = np.abs((normals * along[:, None]).sum(-1)) * half_length[:, None]
    # A mitred end may overhang the axis end by less than one radius.
    half = np.abs(along) * (half_length + 0.5 * radius)[:, None] + radius[:, None]
    return Pieces(centre, shape, normals, offsets, half, np.minimum(thin, radius))


def _planes(
    count: int, normals: ArrayLike | None = None, offsets: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Normals and offsets of the cutting planes, by default of planes that cut nothing."""
    if normals is None or offsets is None:
        return np.zeros((count, 2, 3)), np.full((count, 2), FAR)
    return (
        filled(normals, (count, 2, 3)),
        filled(offsets, (count, 2)),
    )


def join(*batches: Pieces) -> Pieces:
    """One batch out of several."""
    fields = Pieces.__dataclass_fields__
    return Pieces(*(np.concatenate([getattr(batch, name) for batch in batches]) for name in fields))


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Array:
    """(3, 3) rotation by angles in degrees about the patient's x, then y, then z axis."""
    a, b, c = math.radians(x), math.radians(y), math.radians(z)
    turn_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    turn_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    turn_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return turn_z @ turn_y @ turn_x


def aligned(direction: ArrayLike) -> Array:
    """(3, 3) rotation that lays the third axis along `direction`."""
    along = np.asarray(direction, float) / np.linalg.norm(direction)
    upright = np.array([0.0, 1.0, 0.0] if abs(along[1]) < 0.9 else [1.0, 0.0, 0.0])
    across = cross(upright, along)
    across /= np.linalg.norm(across)
    return np.array([across, cross(along, across), along]).T


def spline(points: ArrayLike, count: int) -> Array:
    """(..., count, 3) points, evenly spaced in parameter, on smooth curves through (..., K, 3).

    Catmull-Rom: passes through its control points, so anatomy is written as landmarks.
    """
    knots = np.asarray(points, float)
    return spline_weights(knots.shape[-2], count) @ knots
