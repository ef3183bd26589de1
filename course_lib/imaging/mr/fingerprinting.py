"""MR fingerprinting: one scan with ever-changing pulses, read by looking signals up in a book.

Every pair of T1 and T2 answers a train of varying flip angles with a curve of its own. A dictionary
holds the curves of all pairs; a voxel's T1 and T2 are those of the curve that is most alike.
Ma et al., Nature 2013;495:187; the train with a gradient between pulses (FISP): Jiang et al., Magn
Reson Med 2015;74:1621; compression: McGivney et al., IEEE Trans Med Imaging 2014;33:2311.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Train:
    """An inversion, TI later a pulse of flip_deg[0], and every TR the next; echoes after TE."""

    flip_deg: tuple[float, ...]
    tr_ms: float = 12.0
    te_ms: float = 3.0
    ti_ms: float = 20.0

    def __len__(self) -> int:
        return len(self.flip_deg)


def wavy_train(pulses: int = 300, highest_deg: tuple[float, ...] = (60.0, 35.0, 70.0)) -> Train:
    """Flip angles that rise and fall like half sine waves, each with its own height."""
    lobe = pulses // len(highest_deg)
    angles = np.zeros(pulses)
    for index in range(pulses):
        height = highest_deg[min(index // lobe, len(highest_deg) - 1)]
        angles[index] = 5.0 + (height - 5.0) * np.sin(np.pi * (index % lobe + 0.5) / lobe)
    return Train(tuple(float(angle) for angle in angles))


def signals(t1_ms: ArrayLike, t2_ms: ArrayLike, train: Train, columns: int = 24) -> Values:
    """(tissues, pulses) signal of each T1 (tissues,) and T2, for a proton density of 1.

    An extended phase graph (see epg.py) with all pulses about y: then every number is real. Orders
    above `columns` are left out; they have mostly decayed.
    """
    t1, t2 = (np.asarray(t, np.float32) for t in np.broadcast_arrays(t1_ms, t2_ms))
    up, down, stored = (np.zeros((columns, t1.size), np.float32) for _ in range(3))
    stored[0] = 1 - 2 * np.exp(-np.float32(train.ti_ms) / t1.ravel())  # after the inversion
    first, rest = (_decay(t1, t2, ms) for ms in (train.te_ms, train.tr_ms - train.te_ms))
    result = np.empty((len(train), t1.size), np.float32)
    for index, angle in enumerate(np.radians(np.asarray(train.flip_deg, np.float32))):
        up, down, stored = _pulse(up, down, stored, angle)
        _relax(up, down, stored, *first)
        result[index] = up[0]
        _relax(up, down, stored, *rest)
        up[1:], up[0] = up[:-1].copy(), down[1]
        down[:-1], down[-1] = down[1:].copy(), 0
        down[0] = up[0]
    return np.ascontiguousarray(result.T)


def _pulse(up: Values, down: Values, stored: Values, a: np.float32) -> tuple[Values, ...]:
    """A turn by `a` radians about y."""
    cos2, sin2, sine = np.cos(a / 2) ** 2, np.sin(a / 2) ** 2, np.sin(a)
    across = sine * stored
    return (
        cos2 * up - sin2 * down + across,
        cos2 * down - sin2 * up + across,
        np.cos(a) * stored - 0.5 * sine * (up + down),
    )


def _decay(t1: Values, t2: Values, ms: float) -> tuple[Values, Values]:
    """exp(-t/T1) and exp(-t/T2)."""
    return np.exp(-np.float32(ms) / t1.ravel()), np.exp(-np.float32(ms) / t2.ravel())


def _relax(up: Values, down: Values, stored: Values, e1: Values, e2: Values) -> None:
    """Relaxation, in place."""
    up *= e2
    down *= e2
    stored *= e1
    stored[0] += 1 - e1


@dataclass(frozen=True)
class Dictionary:
    """Curves of many tissues, compressed: t1_ms, t2_ms (A,), basis (pulses, rank), orthonormal,
    and atoms (A, rank) of unit length with norms (A,) of the curves before."""

    t1_ms: Values
    t2_ms: Values
    basis: Values
    atoms: Values
    norms: Values

    def match(self, curves: ArrayLike, chunk: int = 4096) -> tuple[Values, Values, Values]:
        """T1, T2 and proton density (each (voxels,)) of curves (voxels, pulses).

        The best match has the largest inner product with the voxel's curve; its size gives the
        proton density.
        """
        short = np.asarray(curves, np.float32) @ self.basis
        best, size = np.zeros(len(short), int), np.zeros(len(short), np.float32)
        for start in range(0, len(short), chunk):
            alike = short[start : start + chunk] @ self.atoms.T
            best[start : start + chunk] = alike.argmax(1)
            size[start : start + chunk] = alike.max(1)
        return self.t1_ms[best], self.t2_ms[best], size / self.norms[best]


def grid(
    t1_ms: tuple[float, float] = (150.0, 5000.0), t2_ms: tuple[float, float] = (15.0, 2500.0),
    step: float = 0.05,
) -> tuple[Values, Values]:  # fmt: skip
    """Pairs of T1 and T2 (A,) in steps of a share `step` of the value, T2 below T1."""
    axes = [
        low * (1 + step) ** np.arange(int(np.log(high / low) / np.log(1 + step)) + 1)
        for low, high in (t1_ms, t2_ms)
    ]
    t1, t2 = (values.ravel() for values in np.meshgrid(*axes, indexing="ij"))
    possible = t2 < t1
    return t1[possible].astype(np.float32), t2[possible].astype(np.float32)


def dictionary(t1_ms: ArrayLike, t2_ms: ArrayLike, train: Train, rank: int = 12) -> Dictionary:
    """The curves of all pairs, compressed to `rank` numbers by singular value decomposition.

    Raises ValueError when there are fewer pulses or pairs than `rank`.
    """
    curves = signals(t1_ms, t2_ms, train)
    if rank > min(curves.shape):
        raise ValueError(f"{curves.shape[0]} curves of {len(train)} pulses cannot have {rank=}.")
    _, vectors = np.linalg.eigh(curves.T @ curves)
    basis = np.ascontiguousarray(vectors[:, ::-1][:, :rank])
    short = curves @ basis
    norms = np.linalg.norm(short, axis=1)
    t1, t2 = (np.asarray(t, np.float32).ravel() for t in np.broadcast_arrays(t1_ms, t2_ms))
    return Dictionary(t1, t2, basis, short / norms[:, None], norms)
