"""Motion: a patient who moves between the shots of a scan, and three ways to mend the picture.

k-space is filled in shots, groups of lines. If the head turns or shifts in between, the shots
belong to different pictures. A shift multiplies k-space by a phase; a turn turns k-space as well.

- prospective: the scanner follows a navigator while it measures (`residual_poses`);
- retrospective with known poses: solve for the one picture that explains all shots (`correct`);
- retrospective without: try poses until the picture looks sharp (`autofocus`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.fourier import k_axis, to_image, to_kspace
from course_lib.patient.solids import Compound, Part, Pieces, rotation

Complex = NDArray[np.complex64]
Shots = NDArray[np.integer]


@dataclass(frozen=True)
class Pose:
    """Where the head is: turned about its middle (degrees, x towards y), then shifted (mm)."""

    turn_deg: float = 0.0
    right_mm: float = 0.0
    down_mm: float = 0.0

    def minus(self, other: Pose) -> Pose:
        """The difference of each number: what is left after the scanner followed `other`."""
        return Pose(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))


STILL = Pose()


def shots_of_rows(rows: int, shots: int, interleaved: bool = True) -> Shots:
    """(rows,) number of the shot that measures each line: every shots-th line, or blocks."""
    if not 1 <= shots <= rows:
        raise ValueError(f"{rows} lines can be measured in 1 to {rows} shots, not {shots}.")
    row = np.arange(rows)
    return row % shots if interleaved else row * shots // rows


def random_poses(
    count: int, turn_deg: float = 3.0, shift_mm: float = 3.0, *, seed: int
) -> list[Pose]:
    """A head that drifts: a random walk whose last pose differs by about the given amounts."""
    rng = np.random.default_rng(seed)
    walk = rng.normal(size=(count, 3)).cumsum(0) / np.sqrt(count)
    walk = (walk - walk[0]) * [turn_deg, shift_mm, shift_mm]
    return [Pose(*(float(v) for v in step)) for step in walk]


def residual_poses(poses: Sequence[Pose], delay: int = 1) -> list[Pose]:
    """Prospective correction: the scanner knows the pose of `delay` shots ago and follows it."""
    known = [STILL] * delay + list(poses[: len(poses) - delay])
    return [now.minus(before) for now, before in zip(poses, known, strict=True)]


def moved_parts(parts: Sequence[Part], pose: Pose) -> tuple[Part, ...]:
    """The patient in this pose: every solid turned about the z axis and shifted, exactly."""
    turn = rotation(0.0, 0.0, pose.turn_deg)
    shift = np.array([pose.right_mm, pose.down_mm, 0.0])

    def moved(pieces: Pieces) -> Pieces:
        return replace(
            pieces,
            centre=pieces.centre @ turn.T + shift,
            shape=pieces.shape @ turn.T,
            normals=pieces.normals @ turn.T,
            half=pieces.half @ np.abs(turn).T,  # a box around the turned box
        )

    def whole(solid: Pieces | Compound) -> Pieces | Compound:
        if isinstance(solid, Pieces):
            return moved(solid)
        return Compound(moved(solid.union), *(s and moved(s) for s in (solid.within, solid.minus)))

    return tuple(replace(part, geometry=whole(part.geometry)) for part in parts)


def moving_scan(
    kspace_of: Callable[[Pose], NDArray], poses: Sequence[Pose], shot_of_row: Shots
) -> Complex:
    """(rows, columns) k-space whose lines were measured in the pose of their shot.

    kspace_of(pose) gives complete k-space of the head in a pose: from moved solids (exact) or
    `lambda pose: to_kspace(move(image, pose, fov))`.
    """
    if len(poses) <= int(np.max(shot_of_row)):
        raise ValueError(f"{int(np.max(shot_of_row)) + 1} shots need as many poses.")
    lines = [kspace_of(pose) * (shot_of_row == shot)[:, None] for shot, pose in enumerate(poses)]
    return np.sum(lines, axis=0).astype(np.complex64)


def move(image: NDArray, pose: Pose, field_of_view_mm: float) -> Complex:
    """The image (n, n) turned and shifted, without interpolation between pixels.

    A turn is three shears, and a shear is a shift of each line (Unser et al., IEEE Trans Image
    Process 1995;4:1371), all done in Fourier space: nothing is lost, `move_back` undoes it.
    """
    angle = np.radians(pose.turn_deg)
    turned = _shear(image, -np.tan(angle / 2), -1)
    turned = _shear(turned, np.sin(angle), -2)
    turned = _shear(turned, -np.tan(angle / 2), -1)
    return to_image(to_kspace(turned) * shift_phase(turned.shape, pose, field_of_view_mm))


def move_back(image: NDArray, pose: Pose, field_of_view_mm: float) -> Complex:
    """Undo `move`; at the same time its adjoint."""
    phase = shift_phase(image.shape, pose, field_of_view_mm).conj()
    shifted = to_image(to_kspace(image) * phase)
    return move(shifted, Pose(-pose.turn_deg), field_of_view_mm)


def shift_phase(shape: tuple[int, ...], pose: Pose, field_of_view_mm: float) -> Complex:
    """(rows, columns) exp(-2 pi i k . shift): what a shift does to k-space."""
    ky, kx = (k_axis(n, field_of_view_mm) for n in shape[-2:])
    return np.exp(-2j * np.pi * (ky[:, None] * pose.down_mm + kx[None, :] * pose.right_mm)).astype(
        np.complex64
    )


def _shear(image: NDArray, slope: float, axis: int) -> Complex:
    """Shift every line along `axis` by slope times its distance (pixels) from the middle."""
    count, lines = image.shape[axis], image.shape[-3 - axis]
    frequency = np.fft.fftfreq(count)
    distance = np.arange(lines) - (lines - 1) / 2
    phase = np.exp(-2j * np.pi * slope * np.outer(distance, frequency))
    phase = phase if axis == -1 else phase.T
    moved = np.fft.ifft(np.fft.fft(image, axis=axis) * phase, axis=axis)
    return moved.astype(np.complex64)


def correct(
    kspace: NDArray, poses: Sequence[Pose], shot_of_row: Shots, field_of_view_mm: float,
    iterations: int = 12, ridge: float = 0.01,
) -> Complex:  # fmt: skip
    """(n, n) image that explains all shots, each in its known pose (Batchelor 2005).

    Least squares, min sum_s |mask_s (F M_s x - k)|^2 + ridge |x|^2, by conjugate gradients
    (Batchelor et al., Magn Reson Med 2005;54:1273). A single `move_back` of each shot would be
    wrong: the turned shots leave gaps and overlaps in k-space.
    """
    right = np.sum(_shot_images(kspace, poses, shot_of_row, field_of_view_mm), axis=0)

    def normal(image: Complex) -> Complex:
        seen = moving_scan(
            lambda pose: to_kspace(move(image, pose, field_of_view_mm)), poses, shot_of_row
        )
        back = np.sum(_shot_images(seen, poses, shot_of_row, field_of_view_mm), axis=0)
        return back + np.float32(ridge) * image

    image, residual, direction = np.zeros_like(right), right.copy(), right.copy()
    power = np.vdot(residual, residual).real
    for _ in range(iterations):
        pushed = normal(direction)
        step = np.float32(power / np.vdot(direction, pushed).real)
        image, residual = image + step * direction, residual - step * pushed
        power, before = np.vdot(residual, residual).real, power
        direction = residual + np.float32(power / before) * direction
    return image


def _shot_images(kspace, poses, shot_of_row, field_of_view_mm) -> list[Complex]:
    """For each shot: the image of its lines alone, moved back."""
    return [
        _shot_image(kspace, pose, shot_of_row == shot, field_of_view_mm)
        for shot, pose in enumerate(poses)
    ]


def _shot_image(kspace, pose, rows, field_of_view_mm) -> Complex:
    return move_back(to_image(kspace * rows[:, None]), pose, field_of_view_mm)


def gradient_entropy(image: NDArray) -> float:
    """Entropy of the edges' strengths: low for few sharp edges, high for many faint ghosts.

    McGee et al., J Magn Reson Imaging 2000;11:174: -sum h ln h, h = |gradient| / sum |gradient|.
    """
    size = np.abs(image)
    edges = np.abs(np.diff(size, axis=0)).ravel(), np.abs(np.diff(size, axis=1)).ravel()
    share = np.concatenate(edges)
    share = share / share.sum()
    return float(-(share * np.log(share + 1e-12)).sum())


def autofocus(
    kspace: NDArray, shot_of_row: Shots, field_of_view_mm: float, *,
    step: float = 2.0, rounds: int = 5, metric: Callable[[NDArray], float] = gradient_entropy,
) -> list[Pose]:  # fmt: skip
    """Poses that make the picture sharpest; nobody told them (Atkinson et al., MRM 1999;41:163).

    Tries every shot in turn a `step` (mm and degrees) further and back, keeps what lowers the
    metric, halves the step each round. The first shot is the reference. May end in a wrong
    minimum when the motion is large.
    """
    poses = [STILL] * (int(np.max(shot_of_row)) + 1)
    images = _shot_images(kspace, poses, shot_of_row, field_of_view_mm)
    best = metric(np.sum(images, axis=0))
    for turn in range(rounds):
        size = step * 0.5**turn
        for _ in range(2):
            for shot in range(1, len(poses)):
                rows = shot_of_row == shot
                rest = np.sum(images, axis=0) - images[shot]
                for pose in _neighbours(poses[shot], size):
                    trial = _shot_image(kspace, pose, rows, field_of_view_mm)
                    value = metric(rest + trial)
                    if value < best:
                        best, poses[shot], images[shot] = value, pose, trial
    return poses


def _neighbours(pose: Pose, size: float) -> list[Pose]:
    """One step up and down in each of the three numbers."""
    names = [f.name for f in fields(pose)]
    return [replace(pose, **{n: getattr(pose, n) + s}) for n in names for s in (size, -size)]
