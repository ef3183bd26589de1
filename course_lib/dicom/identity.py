"""Who was examined, when, and under which numbers: the identity that every file of a study carries.

Nothing comes from the clock or from chance: the same seed gives the same person, the same study and
the same unique identifiers (UIDs), so a file can be written again and compared byte by byte.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from course_lib.patient.person import Patient

USUAL_DAY = datetime(2024, 3, 4, 9, 30)
UTF_8 = "ISO_IR 192"
KOREAN_ISO_2022 = ["", "ISO 2022 IR 149"]  # Latin letters first, Hangul and Hanja on request
CHARACTER_SETS = {"utf-8": UTF_8, "korean": KOREAN_ISO_2022, "latin": "ISO_IR 100"}

# Latin, Chinese characters (Hanja), Hangul: the three component groups of a DICOM name.
SURNAMES = (
    ("Kim", "金", "김"), ("Lee", "李", "이"), ("Park", "朴", "박"), ("Choi", "崔", "최"),
    ("Jung", "鄭", "정"), ("Kang", "姜", "강"), ("Yoon", "尹", "윤"), ("Han", "韓", "한"),
)  # fmt: skip
GIVEN = {
    "F": (("Jiwon", "智媛", "지원"), ("Soyeon", "昭姸", "소연"), ("Minji", "敏智", "민지"),
          ("Hyejin", "惠珍", "혜진")),
    "M": (("Minjun", "敏俊", "민준"), ("Dohyun", "道鉉", "도현"), ("Seojun", "瑞俊", "서준"),
          ("Sungho", "成浩", "성호")),
}  # fmt: skip
PHYSICIANS = ("Nam^Jinwoo", "Seo^Yuna", "Ahn^Taemin", "Shin^Hana")
# UIDs of the form 2.25.<number> need no registration: the number is a UUID (PS3.5, B.2).
_NAMESPACE = uuid.UUID("3b9c2a6e-7c51-5d0e-9a54-6f1d3f0b7a11")


def uid(*parts: object) -> str:
    """A UID of at most 44 characters that is the same whenever `parts` are the same.

    It is a name-based UUID (RFC 4122, version 5) written as a decimal number behind 2.25.
    """
    name = "\x1f".join(str(part) for part in parts)
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


@dataclass(frozen=True)
class Identity:
    """The person and the study; shared by all series and files of the study.

    name is a DICOM person name (PN): components parted by ^, up to three groups (Latin,
    ideographic, phonetic) parted by =. character_set is "utf-8", "korean" (ISO 2022 IR 149) or
    "latin".
    """

    name: str
    patient_id: str
    birth_date: date
    sex: str
    when: datetime
    study_uid: str
    study_id: str
    accession: str
    physician: str
    description: str = ""
    institution: str = "Virtual Hospital"
    character_set: str = "utf-8"
    weight_kg: float | None = None
    height_m: float | None = None

    def __post_init__(self) -> None:
        if self.character_set not in CHARACTER_SETS:
            known = ", ".join(CHARACTER_SETS)
            raise ValueError(f"Unknown character set {self.character_set!r}; choose from {known}.")
        if self.sex not in ("F", "M", "O", ""):
            raise ValueError(f"Sex in DICOM is 'F', 'M', 'O' or empty, not {self.sex!r}.")

    @property
    def age_years(self) -> int:
        """Whole years on the day of the study."""
        day = self.when.date()
        before = (day.month, day.day) < (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - int(before)

    def series_uid(self, number: int) -> str:
        """UID of series `number` of this study."""
        return uid(self.study_uid, "series", number)

    def instance_uid(self, series: int, instance: int) -> str:
        """UID of one file (SOP instance)."""
        return uid(self.study_uid, "series", series, "instance", instance)

    @property
    def frame_of_reference_uid(self) -> str:
        """UID of the co-ordinate system that all series of this study share."""
        return uid(self.study_uid, "frame of reference")


def make_identity(
    seed: int,
    sex: str = "F",
    age: float = 50.0,
    when: datetime = USUAL_DAY,
    patient_id: str | None = None,
    character_set: str = "utf-8",
    study: int = 0,
    description: str = "",
) -> Identity:
    """An invented identity: name, birthday and numbers are drawn from `seed` alone.

    age in years at `when`; `study` counts the studies of this person (each has its own UIDs).
    Raises ValueError for an unknown sex or character set.
    """
    rng = np.random.default_rng([seed, 0x1D])
    surname = SURNAMES[rng.integers(len(SURNAMES))]
    given = GIVEN["M" if sex == "M" else "F"][rng.integers(4)]
    groups = [f"{s}^{g}" for s, g in zip(surname, given, strict=True)]
    name = groups[0] if character_set == "latin" else "=".join(groups)
    # A birthday at random within the year that makes the person `age` years old.
    born = when.date() - timedelta(days=365.25 * int(age) + 1 + int(rng.integers(364)))
    number = int(rng.integers(10**6, 10**7))
    person = patient_id or f"P{seed:08d}"
    return Identity(
        name, person, born, sex, when, uid("study", person, seed, study), f"{study + 1}",
        f"A{number + study}", PHYSICIANS[rng.integers(4)], description,
        character_set=character_set,
    )  # fmt: skip


def identity_of(
    patient: Patient,
    when: datetime = USUAL_DAY,
    character_set: str = "utf-8",
    study: int = 0,
    description: str = "",
) -> Identity:
    """The identity of a virtual patient: its number, sex, age, height and weight, and a name."""
    base = make_identity(
        patient.seed, patient.sex, patient.age, when, patient.id, character_set, study, description
    )
    return Identity(
        **{
            **base.__dict__,
            "weight_kg": patient.body.weight_kg,
            "height_m": patient.body.height / 1000,
        }
    )
