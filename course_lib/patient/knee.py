"""Virtual knees: drawn from a seed, with or without findings, as layers of solids.

The same seed is the same knee. Findings are drawn first and independent of size and pose, and
each says where it is (`Knee.truth`), so that every slice's label is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from course_lib.patient.knee_anatomy import joint_layers, ligament_layers, soft_layers
from course_lib.patient.painting import Layer, Solid, moved
from course_lib.patient.pathology.knee import FINDINGS, Change, Finding
from course_lib.patient.solids import Array, rotation

# The three questions of the MRNet data, in the order of its three label files.
QUESTIONS = ("abnormal", "acl", "meniscus")
TEARS = {"acl": "ACL tear", "meniscus": "meniscal tear"}


@dataclass(frozen=True)
class Knee:
    """A knee in the magnet, in patient axes (x to the left, y to the back, z up), mm.

    side: "left" or "right". findings: name -> severity in (0, 1]. layers: see painting. truth:
    name of a finding -> the solids that show it.
    """

    seed: int
    side: str
    findings: Mapping[str, float]
    layers: tuple[Layer, ...]
    truth: Mapping[str, tuple[Solid, ...]]

    def answers(self) -> tuple[int, ...]:
        """1 or 0 for each of QUESTIONS: any finding, ACL tear, meniscal tear."""
        tears = (int(TEARS[name] in self.findings) for name in QUESTIONS[1:])
        return (int(bool(self.findings)), *tears)


def sample_findings(rng: np.random.Generator) -> dict[str, float]:
    """Findings with severities, about as common as in the MRNet training exams but for rare ACL.

    Injuries come together: half of the torn ACLs bring an effusion and most a bone bruise, but
    both also occur alone, so they are hints and no proof.
    """
    draw = rng.random(8)
    acl, tear = draw[0] < 0.30, draw[1] < (0.45 if draw[0] < 0.30 else 0.32)
    injured = acl or tear
    present = {
        "ACL tear": acl,
        "meniscal tear": tear,
        "effusion": draw[2] < (0.55 if acl else 0.30 if tear else 0.12),
        "bone bruise": draw[3] < (0.65 if acl else 0.10),
        "marrow oedema": draw[4] < (0.18 if injured else 0.12),
        "cartilage defect": draw[5] < (0.22 if tear else 0.12),
        "Baker's cyst": draw[6] < (0.20 if tear else 0.06),
        "MCL sprain": draw[7] < (0.25 if acl else 0.06),
    }
    severity = rng.uniform(0.15, 1.0, len(present))
    return {
        name: float(size) for (name, there), size in zip(present.items(), severity, strict=True)
        if there
    }  # fmt: skip


def sample_knee(seed: int, findings: Mapping[str, float] | None = None) -> Knee:
    """The knee of this seed; findings (name -> severity) instead of drawn ones where given.

    Raises ValueError for an unknown finding or a severity outside (0, 1].
    """
    drawn = sample_findings(np.random.default_rng([seed, *b"knee findings"]))
    wanted = dict(drawn if findings is None else findings)
    for name, severity in wanted.items():
        if name not in FINDINGS:
            raise ValueError(f"There is no {name!r} of the knee; choose of {', '.join(FINDINGS)}.")
        if not 0 < severity <= 1:
            raise ValueError(f"Severity runs from above 0 to 1; {name} has {severity:g}.")
    rng = np.random.default_rng([seed, *b"knee"])
    side, pose = _pose(rng)
    changes = {name: _change(FINDINGS[name], seed, name, size) for name, size in wanted.items()}
    layers = [
        Layer(layer.name, layer.tissue, moved(layer.solid, *pose))
        for layer in _with_changes(_healthy(rng), changes.values())
    ]
    truth = {
        name: tuple(moved(solid, *pose) for solid in change.truth)
        for name, change in changes.items()
    }
    return Knee(seed, side, wanted, tuple(layers), truth)


def _healthy(rng: np.random.Generator) -> list[Layer]:
    """Layers without findings; in four knees of ten the menisci have aged but are not torn."""
    layers = soft_layers(fat_mm=rng.uniform(5, 15), fluid_mm=rng.uniform(0.7, 1.9))
    layers += joint_layers() + ligament_layers()
    from course_lib.patient.pathology.knee import ageing

    if rng.random() < 0.4:
        return _with_changes(layers, [ageing(rng)])
    return layers


def _change(finding: Finding, seed: int, name: str, severity: float) -> Change:
    """A stream of randomness of its own for every finding: adding one does not move another."""
    return finding(np.random.default_rng([seed, *name.encode()]), severity)


def _with_changes(layers: list[Layer], changes) -> list[Layer]:  # type: ignore[no-untyped-def]
    """Layers with some painted otherwise and some added at the end."""
    for change in changes:
        after = [change.after.get(layer.name, ()) for layer in layers]
        before = [change.before.get(layer.name, ()) for layer in layers]
        kept = [() if layer.name in change.without else (layer,) for layer in layers]
        triples = zip(before, kept, after, strict=True)
        layers = [layer for triple in triples for group in triple for layer in group]
        layers += change.added
    return layers


def _pose(rng: np.random.Generator) -> tuple[str, tuple[Array, Array]]:
    """Left or right; size, small turns and a small shift of the knee in the coil."""
    side = "left" if rng.random() < 0.5 else "right"
    size = 1 + 0.05 * rng.standard_normal() + 0.02 * rng.standard_normal(3)
    size[0] *= 1.0 if side == "left" else -1.0  # lateral is to the left of a left knee
    turn = rotation(*(rng.normal(0, (3.0, 3.0, 5.0))))
    return side, (turn @ np.diag(size), rng.normal(0, (2.5, 2.5, 3.0)))
