"""A virtual patient: proportions, parts and findings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from course_lib.patient.abdomen import abdomen_parts
from course_lib.patient.body import Body, sample_body
from course_lib.patient.heart import heart_parts
from course_lib.patient.lungs import lung_parts
from course_lib.patient.skeleton import shoulder_girdle, skeleton
from course_lib.patient.soft_tissue import body_parts
from course_lib.patient.solids import Part


@dataclass(frozen=True)
class Finding:
    """One abnormality: its label, how marked it is (0 to 1), its side and its own solids.

    The projected mask is where the rays pass for more than `threshold_mm` through `outline`
    (anatomy that the finding changed, such as a large heart), or else through `parts`.
    """

    name: str
    severity: float
    side: str | None
    parts: tuple[Part, ...]
    threshold_mm: float = 1.0
    outline: tuple[Part, ...] = ()

    @property
    def marks(self) -> tuple[Part, ...]:
        """The parts whose shadow is the finding's mask."""
        return self.outline or self.parts


@dataclass(frozen=True)
class Patient:
    """An exact, parametric patient. `id` is shared by all studies of one person."""

    id: str
    body: Body
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()
    rotation_deg: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def age(self) -> float:
        """Years."""
        return self.body.age

    @property
    def sex(self) -> str:
        """'F' or 'M'."""
        return self.body.sex

    @property
    def seed(self) -> int:
        """The seed that the patient was drawn from."""
        return self.body.seed

    @property
    def labels(self) -> dict[str, float]:
        """Finding name -> greatest severity."""
        result: dict[str, float] = {}
        for finding in self.findings:
            result[finding.name] = max(finding.severity, result.get(finding.name, 0.0))
        return result

    @property
    def height_mm(self) -> float:
        """Standing height."""
        return self.body.height

    @property
    def solids(self) -> tuple[Part, ...]:
        """Anatomy and findings together: what an image of the patient shows."""
        return self.parts + tuple(part for finding in self.findings for part in finding.parts)

    def with_finding(self, finding: Finding, parts: tuple[Part, ...] | None = None) -> Patient:
        """The patient with one finding more (and, where anatomy gives way to it, other parts)."""
        return replace(
            self,
            findings=(*self.findings, finding),
            parts=self.parts if parts is None else parts,
        )


def swapped(parts: tuple[Part, ...], *news: Part) -> tuple[Part, ...]:
    """The parts, with those that carry the name of a new one replaced by it."""
    by_name = {part.name: part for part in news}
    return tuple(by_name.get(part.name, part) for part in parts)


def part_named(patient: Patient, name: str) -> Part:
    """The anatomy called `name`; ValueError when the patient has none."""
    for part in patient.parts:
        if part.name == name:
            return part
    raise ValueError(f"This patient has no part called {name!r}.")


def anatomy(body: Body) -> tuple[Part, ...]:
    """All parts of a healthy person of these proportions."""
    return (
        *body_parts(body),
        *skeleton(body),
        *heart_parts(body),
        *lung_parts(body),
        *abdomen_parts(body),
    )


POSED = ("skin and fat", "muscle and organs", "clavicle", "scapula", "glenoid", "humerus")


def in_pose(patient: Patient, view: str) -> Patient:
    """The patient as positioned for a view.

    PA: shoulders rolled forward, so that the shoulder blades clear the lungs; AP: lying down,
    blades over the lungs; LAT: arms raised out of the field.
    """
    if view == "AP":
        body = replace(patient.body, scapula_swing=0.0)
    elif view == "LAT":
        body = replace(patient.body, arm_angle=172.0, shoulder_rise=85.0)
    else:
        return patient
    moved = [part for part in body_parts(body) + shoulder_girdle(body) if part.name in POSED]
    still = [part for part in patient.parts if part.name not in POSED]
    return replace(patient, body=body, parts=(*moved, *still))


def sample_patient(
    seed: int,
    age: float | None = None,
    sex: str | None = None,
    bmi: float | None = None,
    inspiration: float | None = None,
    patient_id: str | None = None,
) -> Patient:
    """A healthy patient, drawn from `seed`; what is given is kept, the rest varies normally.

    age in years, sex 'F' or 'M', bmi in kg/m^2, inspiration 0 (expiration) to 1 (full breath).
    """
    body = sample_body(seed, age, sex, bmi, inspiration)
    turn = float(2.0 * body.rng("positioning").normal())
    return Patient(patient_id or f"P{seed:08d}", body, anatomy(body), rotation_deg=turn)
